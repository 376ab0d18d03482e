// One element that was found and checked: offsets into octets that are somebody else's (a loan), no tree.
// Offsets in the tables are relative to `base`; `start`, `end` and what the methods return are indexes of `bytes`.

import { type Bytes, ownBytes, text } from '#base'
import { internAscii, sameAscii } from './intern.ts'
import { type Namespaces, xmlNamespace } from './namespaces.ts'
import { decodeText, decodeValue } from './references.ts'
import {
  attributeColumns,
  childColumns,
  type Scanner,
  valueBeyondAscii,
  valueNeedsDecoding,
} from './scanner.ts'
import { undeclared, xmlBinding } from './scope.ts'

const lt = 0x3c

export class Frame {
  readonly bytes: Bytes
  readonly base: number
  /** Octets of the element. */
  readonly length: number
  /** Declarations in force outside it. */
  readonly outer: Namespaces
  /** Bit k: the outer binding k was used by a prefix inside; bit 31 stands for all from 31 on. */
  readonly outerUsed: number
  /** True for `<a/>`: it has no end tag. */
  readonly selfClosing: boolean
  readonly #colon: number
  readonly #nameEnd: number
  readonly #tagEnd: number
  readonly #contentEnd: number
  readonly #namespaceStart: number
  readonly #namespaceEnd: number
  readonly #attributes: readonly number[]
  readonly #children: readonly number[]

  /** Takes over what a scanner found in `bytes` from `base` on. */
  constructor(bytes: Bytes, base: number, outer: Namespaces, found: Scanner) {
    this.bytes = bytes
    this.base = base
    this.length = found.at
    this.outer = outer
    this.outerUsed = found.outerUsed
    this.selfClosing = found.selfClosing
    this.#colon = found.colon
    this.#nameEnd = found.nameEnd
    this.#tagEnd = found.tagEnd
    this.#contentEnd = found.contentEnd
    this.#namespaceStart = found.namespaceStart
    this.#namespaceEnd = found.namespaceEnd
    this.#attributes = found.attributes
    this.#children = found.children.length === 0 ? noChildren : found.children.slice()
  }

  get start(): number {
    return this.base
  }

  get end(): number {
    return this.base + this.length
  }

  /** Behind the `>` of the start tag. */
  get tagEnd(): number {
    return this.base + this.#tagEnd
  }

  /** Where the content stops: at the `<` of the end tag, or `tagEnd` of an empty-element tag. */
  get contentEnd(): number {
    return this.base + this.#contentEnd
  }

  /** Behind the name in the start tag. */
  get nameEnd(): number {
    return this.base + this.#nameEnd
  }

  /** Local part of the name. */
  get name(): string {
    const start = this.#colon === 0 ? 1 : this.#colon + 1
    return internAscii(this.bytes, this.base + start, this.base + this.#nameEnd)
  }

  get prefix(): string {
    return this.#colon === 0 ? '' : internAscii(this.bytes, this.base + 1, this.base + this.#colon)
  }

  get namespace(): string {
    return this.#namespace(this.#namespaceStart, this.#namespaceEnd)
  }

  /** The element's octets; a view, not a copy. */
  raw(): Bytes {
    return this.bytes.subarray(this.base, this.base + this.length)
  }

  get attributeCount(): number {
    return this.#attributes.length / attributeColumns
  }

  /** Index of the attribute of that name without a prefix, or -1. The name is ASCII. */
  findAttribute(name: string): number {
    const table = this.#attributes
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
    return internAscii(this.bytes, this.base + this.#attributes[a], this.base + this.#attributes[a + 2])
  }

  attributeNameStart(index: number): number {
    return this.base + this.#attributes[index * attributeColumns]
  }

  attributeValueStart(index: number): number {
    return this.base + this.#attributes[index * attributeColumns + 3]
  }

  attributeValueEnd(index: number): number {
    return this.base + this.#attributes[index * attributeColumns + 4]
  }

  attributeValue(index: number): string {
    const start = this.attributeValueStart(index)
    const end = this.attributeValueEnd(index)
    const flags = this.#attributes[index * attributeColumns + 5]
    if ((flags & valueNeedsDecoding) !== 0) return decodeValue(this.bytes, start, end)
    if ((flags & valueBeyondAscii) !== 0) return text(this.bytes.subarray(start, end))
    return internAscii(this.bytes, start, end)
  }

  get childCount(): number {
    return this.#children.length / childColumns
  }

  childStart(index: number): number {
    return this.base + this.#children[index * childColumns]
  }

  /** Behind the child's end tag. */
  childEnd(index: number): number {
    return this.base + this.#children[index * childColumns + 6]
  }

  /** Behind the `>` of the child's start tag. */
  childTagEnd(index: number): number {
    return this.base + this.#children[index * childColumns + 5]
  }

  /** Local part of the child's name. */
  childName(index: number): string {
    const c = index * childColumns
    const colon = this.#children[c + 1]
    const start = colon === 0 ? this.#children[c] + 1 : colon + 1
    return internAscii(this.bytes, this.base + start, this.base + this.#children[c + 2])
  }

  childNamespace(index: number): string {
    const c = index * childColumns
    return this.#namespace(this.#children[c + 3], this.#children[c + 4])
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
    return new Frame(ownBytes(this.raw()), 0, this.outer, {
      at: this.length,
      outerUsed: this.outerUsed,
      selfClosing: this.selfClosing,
      colon: this.#colon,
      nameEnd: this.#nameEnd,
      tagEnd: this.#tagEnd,
      contentEnd: this.#contentEnd,
      namespaceStart: this.#namespaceStart,
      namespaceEnd: this.#namespaceEnd,
      attributes: this.#attributes,
      children: this.#children,
    } as Scanner)
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

const noChildren: readonly number[] = []
