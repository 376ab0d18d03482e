// One element that was found and checked: offsets into octets that are somebody else's (a loan), no tree.
// Offsets in the tables are relative to `base`; `start`, `end` and what the methods return are indexes of `bytes`.

import { type Bytes, ownBytes, text } from '#base'
import { internAscii, sameAscii } from './intern.ts'
import { type Namespaces, xmlNamespace } from './namespaces.ts'
import {
  attributeColumns,
  childColumns,
  type Outline,
  valueBeyondAscii,
  valueNeedsDecoding,
} from './outline.ts'
import { decodeText, decodeValue } from './references.ts'
import { undeclared, xmlBinding } from './scope.ts'

const lt = 0x3c

export class Frame {
  readonly bytes: Bytes
  readonly base: number
  /** Declarations in force outside it. */
  readonly outer: Namespaces
  readonly #outline: Outline

  constructor(bytes: Bytes, base: number, outer: Namespaces, outline: Outline) {
    this.bytes = bytes
    this.base = base
    this.outer = outer
    this.#outline = outline
  }

  /** Octets of the element. */
  get length(): number {
    return this.#outline.length
  }

  /** Bit k: the outer binding k was used by a prefix inside; bit 31 stands for all from 31 on. */
  get outerUsed(): number {
    return this.#outline.outerUsed
  }

  /** True for `<a/>`: it has no end tag. */
  get selfClosing(): boolean {
    return this.#outline.selfClosing
  }

  get start(): number {
    return this.base
  }

  get end(): number {
    return this.base + this.length
  }

  /** Behind the `>` of the start tag. */
  get tagEnd(): number {
    return this.base + this.#outline.tagEnd
  }

  /** Where the content stops: at the `<` of the end tag, or `tagEnd` of an empty-element tag. */
  get contentEnd(): number {
    return this.base + this.#outline.contentEnd
  }

  /** Behind the name in the start tag. */
  get nameEnd(): number {
    return this.base + this.#outline.nameEnd
  }

  /** Local part of the name. */
  get name(): string {
    const start = this.#outline.colon === 0 ? 1 : this.#outline.colon + 1
    return internAscii(this.bytes, this.base + start, this.base + this.#outline.nameEnd)
  }

  get prefix(): string {
    return this.#outline.colon === 0
      ? ''
      : internAscii(this.bytes, this.base + 1, this.base + this.#outline.colon)
  }

  get namespace(): string {
    return this.#namespace(this.#outline.namespaceStart, this.#outline.namespaceEnd)
  }

  /** The element's octets; a view, not a copy. */
  raw(): Bytes {
    return this.bytes.subarray(this.base, this.base + this.length)
  }

  get attributeCount(): number {
    return this.#outline.attributes.length / attributeColumns
  }

  /** Index of the attribute of that name without a prefix, or -1. The name is ASCII. */
  findAttribute(name: string): number {
    const table = this.#outline.attributes
    for (let a = 0; a < table.length; a += attributeColumns) {
      if (table[a + 1] !== 0) continue
      if (sameAscii(name, this.bytes, this.base + table[a], this.base + table[a + 2]))
        return a / attributeColumns
    }
    return -1
  }

  /** Value of the attribute of that name without a prefix, or undefined. */
  attribute(name: string): string | undefined {
    const index = this.findAttribute(name)
    return index < 0 ? undefined : this.attributeValue(index)
  }

  /** Qualified name as written, prefix included. */
  attributeName(index: number): string {
    const a = index * attributeColumns
    return internAscii(
      this.bytes,
      this.base + this.#outline.attributes[a],
      this.base + this.#outline.attributes[a + 2],
    )
  }

  attributeNameStart(index: number): number {
    return this.base + this.#outline.attributes[index * attributeColumns]
  }

  attributeValueStart(index: number): number {
    return this.base + this.#outline.attributes[index * attributeColumns + 3]
  }

  attributeValueEnd(index: number): number {
    return this.base + this.#outline.attributes[index * attributeColumns + 4]
  }

  attributeValue(index: number): string {
    const start = this.attributeValueStart(index)
    const end = this.attributeValueEnd(index)
    const flags = this.#outline.attributes[index * attributeColumns + 5]
    if ((flags & valueNeedsDecoding) !== 0) return decodeValue(this.bytes, start, end)
    if ((flags & valueBeyondAscii) !== 0) return text(this.bytes.subarray(start, end))
    return internAscii(this.bytes, start, end)
  }

  get childCount(): number {
    return this.#outline.children.length / childColumns
  }

  childStart(index: number): number {
    return this.base + this.#outline.children[index * childColumns]
  }

  /** Behind the child's end tag. */
  childEnd(index: number): number {
    return this.base + this.#outline.children[index * childColumns + 6]
  }

  /** Behind the `>` of the child's start tag. */
  childTagEnd(index: number): number {
    return this.base + this.#outline.children[index * childColumns + 5]
  }

  /** Local part of the child's name. */
  childName(index: number): string {
    const c = index * childColumns
    const colon = this.#outline.children[c + 1]
    const start = colon === 0 ? this.#outline.children[c] + 1 : colon + 1
    return internAscii(this.bytes, this.base + start, this.base + this.#outline.children[c + 2])
  }

  childNamespace(index: number): string {
    const c = index * childColumns
    return this.#namespace(this.#outline.children[c + 3], this.#outline.children[c + 4])
  }

  /** Index of the first child of that name and namespace, or -1. */
  findChild(name: string, namespace: string): number {
    for (let index = 0; index < this.childCount; index++) {
      if (this.childName(index) === name && this.childNamespace(index) === namespace) return index
    }
    return -1
  }

  /**
   * Character data of a child that has no elements inside, up to its first markup. Meant for short texts such as
   * <priority/>; a child with a CDATA section or elements needs a tree.
   */
  childText(index: number): string {
    const start = this.childTagEnd(index)
    let end = start
    const stop = this.childEnd(index)
    while (end < stop && this.bytes[end] !== lt) end++
    return decodeText(this.bytes, start, end)
  }

  /** Declarations of the outermost start tag: prefix and namespace. */
  declarations(): (readonly [prefix: string, uri: string])[] {
    const found: (readonly [string, string])[] = []
    for (let index = 0; index < this.attributeCount; index++) {
      const name = this.attributeName(index)
      if (name === 'xmlns') found.push(['', this.attributeValue(index)])
      else if (name.startsWith('xmlns:')) found.push([name.slice(6), this.attributeValue(index)])
    }
    return found
  }

  /** The declarations in force for its children. */
  inner(): Namespaces {
    const own = this.declarations()
    return own.length === 0 ? this.outer : this.outer.with(own)
  }

  /** The same element in octets of its own, which outlive the loan. */
  keep(): Frame {
    return new Frame(ownBytes(this.raw()), 0, this.outer, this.#outline)
  }

  #namespace(start: number, end: number): string {
    if (start < 0) {
      if (start === undeclared) return ''
      return start === xmlBinding ? xmlNamespace : this.outer.uris[-1 - start]
    }
    const from = this.base + start
    const to = this.base + end
    for (let i = from; i < to; i++) {
      const c = this.bytes[i]
      if (c === 0x26 || c < 0x20 || c >= 0x80) return decodeValue(this.bytes, from, to)
    }
    return internAscii(this.bytes, from, to)
  }
}
