// The elements that are open while one is read, and what is noted on the way: the outermost one and its direct children.

import type { Bytes } from '#base'
import type { XmlReason } from './faults.ts'
import type { XmlLimits } from './limits.ts'
import type { Namespaces } from './namespaces.ts'
import { childColumns, type Outline } from './outline.ts'
import { Scope, undeclared } from './scope.ts'
import { StartTag } from './start-tag.ts'

export class ElementStack {
  #limits: XmlLimits
  readonly #scope: Scope
  readonly tag: StartTag
  depth = 0
  /** Name start and end of each open element. */
  readonly #names: number[] = []

  // The outermost element.
  #attributes: readonly number[] = none
  #colon = 0
  #nameEnd = 0
  #tagEnd = 0
  #contentEnd = 0
  #namespaceStart = 0
  #namespaceEnd = 0
  #selfClosing = false

  readonly #children: number[] = []
  #childrenLength = 0

  constructor(limits: XmlLimits, outer: Namespaces) {
    this.#limits = limits
    this.#scope = new Scope(outer)
    this.tag = new StartTag(limits, this.#scope)
  }

  begin(limits: XmlLimits, outer: Namespaces): void {
    this.#limits = limits
    this.depth = 0
    this.#childrenLength = 0
    this.#scope.reset(outer)
    this.tag.begin(limits)
  }

  /** Where the name of the innermost open element lies. */
  get nameStart(): number {
    return this.#names[this.depth * 2 - 2]
  }

  get nameEnd(): number {
    return this.#names[this.depth * 2 - 1]
  }

  /** The start tag that ends before `tagEnd`: its prefixes, then its place in the tables and on the stack. */
  open(bytes: Bytes, base: number, tagEnd: number, empty: boolean): XmlReason | undefined {
    const { depth } = this
    const { start, colon, nameEnd } = this.tag
    if (colon !== 0 || depth < 2) {
      const nameStart = start + 1
      const binding = this.#scope.find(bytes, base, nameStart, colon === 0 ? nameStart : colon)
      // Namespaces in XML 1.0 §5, "Prefix Declared"; §3: element names must not have the prefix xmlns.
      if (colon !== 0 && binding === undeclared) return 'undeclared-prefix'
      const uriStart = this.#scope.uriStart(binding)
      const uriEnd = this.#scope.uriEnd(binding)
      if (depth === 0) this.#noteOutermost(colon, nameEnd, uriStart, uriEnd, tagEnd, empty)
      else if (depth === 1) {
        if (this.#childrenLength >= this.#limits.childrenMax * childColumns) return 'too-many-children'
        this.#noteChild(start, colon, nameEnd, uriStart, uriEnd, tagEnd)
      }
    }
    const reason = this.tag.check(bytes, base)
    if (reason !== undefined) return reason
    if (depth >= this.#limits.depthMax) return 'too-deep'
    this.tag.reset()
    if (empty) {
      this.#scope.leave(depth)
    } else {
      this.#names[depth * 2] = start + 1
      this.#names[depth * 2 + 1] = nameEnd
      this.depth = depth + 1
    }
    return undefined
  }

  #noteOutermost(
    colon: number,
    nameEnd: number,
    namespaceStart: number,
    namespaceEnd: number,
    tagEnd: number,
    empty: boolean,
  ): void {
    this.#attributes = this.tag.attributes()
    this.#colon = colon
    this.#nameEnd = nameEnd
    this.#namespaceStart = namespaceStart
    this.#namespaceEnd = namespaceEnd
    this.#tagEnd = tagEnd
    this.#contentEnd = tagEnd
    this.#selfClosing = empty
  }

  #noteChild(
    start: number,
    colon: number,
    nameEnd: number,
    uriStart: number,
    uriEnd: number,
    tagEnd: number,
  ): void {
    const table = this.#children
    const at = this.#childrenLength
    table[at] = start
    table[at + 1] = colon
    table[at + 2] = nameEnd
    table[at + 3] = uriStart
    table[at + 4] = uriEnd
    table[at + 5] = tagEnd
    table[at + 6] = tagEnd
    this.#childrenLength = at + childColumns
  }

  /** The end tag from `start` to `end`; true when it ends the outermost element. */
  close(start: number, end: number): boolean {
    const depth = --this.depth
    this.#scope.leave(depth)
    if (depth === 1) this.#children[this.#childrenLength - 1] = end
    if (depth > 0) return false
    this.#contentEnd = start
    return true
  }

  outline(length: number): Outline {
    return {
      length,
      colon: this.#colon,
      nameEnd: this.#nameEnd,
      namespaceStart: this.#namespaceStart,
      namespaceEnd: this.#namespaceEnd,
      tagEnd: this.#tagEnd,
      contentEnd: this.#contentEnd,
      selfClosing: this.#selfClosing,
      attributes: this.#attributes,
      children: this.#childrenLength === 0 ? none : this.#children.slice(0, this.#childrenLength),
      outerUsed: this.#scope.outerUsed,
    }
  }
}

const none: readonly number[] = []
