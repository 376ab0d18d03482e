// Reads one element, from its `<` to the end of its end tag, and checks everything XML 1.0, Namespaces in XML 1.0
// and RFC 6120 §11 demand on the way, without building anything but tables of offsets. Resumable at any octet.
//
// Hot path: one loop over the octets, one class table, no strings. All offsets it keeps are relative to the
// element's first octet, so that the octets may move between two calls (bench/xml-framer.ts has the figures).

import type { Bytes } from '#base'
import {
  characterLength,
  classOf,
  codePointAt,
  illegalCharacter,
  isNameChar,
  isNameStart,
  nameChar,
  nameStart,
  needMore,
  plainText,
  plainValue,
  space,
} from './characters.ts'
import { type XmlFault, type XmlReason, xmlFault } from './faults.ts'
import { sameAscii } from './intern.ts'
import type { XmlLimits } from './limits.ts'
import { type Namespaces, noNamespaces } from './namespaces.ts'
import { openingLength, otherMarkup } from './other-markup.ts'
import { referenceLength } from './references.ts'
import { Scope, undeclared } from './scope.ts'

/** What `scan` answers. */
export const scanMore = 0
export const scanDone = 1
/** Only where the scanner was told to stop after the start tag, and it was no empty-element tag. */
export const scanStartTag = 2
export const scanFault = 3

/** Columns of `attributes`: nameStart, colon (0: no prefix), nameEnd, valueStart, valueEnd, flags. */
export const attributeColumns = 6
/** The value holds a reference, or whitespace that normalisation turns into a space. */
export const valueNeedsDecoding = 1
export const valueBeyondAscii = 2

/**
 * Columns of `children`: start, colon (0: no prefix), nameEnd, namespaceStart, namespaceEnd, tagEnd, end. A negative
 * namespaceStart -1-k is the outer binding k; the namespace of a child is the text between the offsets otherwise.
 */
export const childColumns = 7

const atText = 0
const atElementName = 1
const inElementName = 2
const inTag = 3
const atAttributeName = 4
const inAttributeName = 5
const atEquals = 6
const atQuote = 7
const inValue = 8
const inEndTag = 9
const inCdata = 10
const inComment = 11
const inInstruction = 12

const lt = 0x3c
const gt = 0x3e
const slash = 0x2f
const colonSign = 0x3a
const equals = 0x3d
const quoteDouble = 0x22
const quoteSingle = 0x27
const ampersand = 0x26
const bang = 0x21
const question = 0x3f
const bracket = 0x5d
const dash = 0x2d

export interface ScannerOptions {
  readonly limits: XmlLimits
  /** Declarations that hold outside the element. */
  readonly outer?: Namespaces
  /** Stop after the outermost start tag (a stream header). */
  readonly startTagOnly?: boolean
  /** A document other than a stream: comments and processing instructions are skipped instead of refused. */
  readonly isDocument?: boolean
}

export class Scanner {
  readonly #limits: XmlLimits
  readonly #startTagOnly: boolean
  readonly #isDocument: boolean
  #outer: Namespaces
  readonly #scope: Scope

  #state = atText
  /** Where `scan` stopped, relative to the element. */
  at = 0
  fault: XmlFault | undefined

  // Results, complete when `scan` answers scanDone or scanStartTag.
  /** Attributes of the outermost start tag. */
  attributes: number[] = []
  children: number[] = []
  colon = 0
  nameEnd = 0
  tagEnd = 0
  contentEnd = 0
  namespaceStart = 0
  namespaceEnd = 0
  selfClosing = false
  // The element stack: name start and end of each open element.
  #depth = 0
  readonly #names: number[] = []

  // The tag being read.
  #tagStart = 0
  #tagColon = 0
  #tagNameEnd = 0
  #tagAttributes: number[] = []
  #prefixed = 0
  #spaced = false

  // The name or value being read.
  #mark = 0
  #markColon = 0
  #markEnd = 0
  #valueStart = 0
  #valueFlags = 0
  #quote = 0

  constructor(options: ScannerOptions) {
    this.#limits = options.limits
    this.#outer = options.outer ?? noNamespaces
    this.#scope = new Scope(this.#outer)
    this.#startTagOnly = options.startTagOnly ?? false
    this.#isDocument = options.isDocument ?? false
  }

  /** Begins a new element. Tables handed out before are not touched again. */
  reset(outer: Namespaces = this.#outer): void {
    this.#outer = outer
    this.#state = atText
    this.at = 0
    this.fault = undefined
    this.#depth = 0
    this.#scope.reset(outer)
    this.#tagAttributes.length = 0
    this.#prefixed = 0
    this.children.length = 0
  }

  /**
   * Goes on reading. `bytes[base]` is the element's first octet, always `<`; octets up to `end` may be looked at. After
   * scanMore, call again with the same octets (they may have moved) and more behind them.
   */
  scan(bytes: Bytes, base: number, end: number): number {
    const classes = classOf
    let i = base + this.at
    let state = this.#state
    for (;;) {
      if (i >= end) return this.#pause(state, i - base)
      switch (state) {
        case atText: {
          while (i < end && (classes[bytes[i]] & plainText) !== 0) i++
          if (i === end) return this.#pause(atText, i - base)
          const c = bytes[i]
          if (c === lt) {
            if (i + 1 === end) return this.#pause(atText, i - base)
            const next = bytes[i + 1]
            if (next === slash) {
              if (this.#depth === 0) return this.#fail('mismatched-tag', i - base)
              let n = base + this.#names[this.#depth * 2 - 2]
              const nameEnd = base + this.#names[this.#depth * 2 - 1]
              let j = i + 2
              while (n < nameEnd && j < end && bytes[j] === bytes[n]) {
                n++
                j++
              }
              if (j === end) return this.#pause(atText, i - base)
              if (n < nameEnd) return this.#fail('mismatched-tag', j - base)
              this.contentEnd = i - base
              if (bytes[j] === gt) {
                i = j + 1
                if (this.#closeElement(i - base)) return this.#finish(i - base)
              } else if ((classes[bytes[j]] & space) !== 0) {
                i = j
                state = inEndTag
              } else return this.#fail('mismatched-tag', j - base)
            } else if (next === bang || next === question) {
              const opened = otherMarkup(bytes, i, end, this.#isDocument)
              if (opened === 'more') return this.#pause(atText, i - base)
              if (typeof opened === 'object') return this.#fail(opened.fault, i - base)
              // Outside the outermost element there is no character data (XML 1.0 §2.1).
              if (this.#depth === 0) return this.#fail('syntax', i - base)
              state = opened === 'cdata' ? inCdata : opened === 'comment' ? inComment : inInstruction
              i += openingLength[opened]
              this.#mark = i - base
            } else {
              this.#tagStart = i - base
              i++
              state = atElementName
            }
          } else if (c === ampersand) {
            const length = referenceLength(bytes, i, end)
            if (length === 0) return this.#pause(atText, i - base)
            if (typeof length === 'string') return this.#fail(length, i - base)
            i += length
          } else if (c === gt) {
            // XML 1.0 §2.4: `]]>` must not appear in character data.
            if (i - base >= 2 && bytes[i - 1] === bracket && bytes[i - 2] === bracket) {
              return this.#fail('cdata-end-in-text', i - base)
            }
            i++
          } else {
            const length = this.#character(bytes, i, end, base)
            if (length < 0) return scanFault
            if (length === needMore) return this.#pause(atText, i - base)
            i += length
          }
          break
        }

        case atElementName:
        case atAttributeName: {
          const length = this.#nameStartLength(bytes, i, end, base)
          if (length < 0) return scanFault
          if (length === needMore) return this.#pause(state, i - base)
          this.#mark = i - base
          this.#markColon = 0
          i += length
          state = state === atElementName ? inElementName : inAttributeName
          break
        }

        case inElementName:
        case inAttributeName: {
          while (i < end && (classes[bytes[i]] & nameChar) !== 0) i++
          if (i === end) return this.#pause(state, i - base)
          const c = bytes[i]
          if (c === colonSign) {
            // Namespaces in XML 1.0 §4: QName has one colon at most, and a name on both its sides.
            if (this.#markColon !== 0) return this.#fail('bad-name', i - base)
            const length = i + 1 === end ? needMore : this.#nameStartLength(bytes, i + 1, end, base)
            if (length < 0) return scanFault
            if (length === needMore) return this.#pause(state, i - base)
            this.#markColon = i - base
            i += 1 + length
          } else if (c >= 0x80) {
            const length = this.#nameCharLength(bytes, i, end, base)
            if (length < 0) return scanFault
            if (length === needMore) return this.#pause(state, i - base)
            i += length
          } else {
            if (i - base - this.#mark > this.#limits.nameBytesMax)
              return this.#fail('name-too-long', this.#mark)
            if (state === inElementName) {
              this.#tagColon = this.#markColon
              this.#tagNameEnd = i - base
              this.#spaced = false
              state = inTag
            } else {
              this.#markEnd = i - base
              state = atEquals
            }
          }
          break
        }

        case inTag: {
          while (i < end && (classes[bytes[i]] & space) !== 0) {
            this.#spaced = true
            i++
          }
          if (i === end) return this.#pause(inTag, i - base)
          const c = bytes[i]
          if (c === gt || c === slash) {
            const empty = c === slash
            if (empty) {
              if (i + 1 === end) return this.#pause(inTag, i - base)
              if (bytes[i + 1] !== gt) return this.#fail('syntax', i + 1 - base)
              i++
            }
            i++
            const reason = this.#openElement(bytes, base, i - base, empty)
            if (reason !== undefined) return this.#fail(reason, this.#tagStart)
            if (this.#depth === 0) return this.#finish(i - base)
            if (this.#startTagOnly) {
              this.at = i - base
              return scanStartTag
            }
            state = atText
          } else if (!this.#spaced) {
            return this.#fail('syntax', i - base)
          } else state = atAttributeName
          break
        }

        case atEquals:
        case atQuote: {
          while (i < end && (classes[bytes[i]] & space) !== 0) i++
          if (i === end) return this.#pause(state, i - base)
          const c = bytes[i]
          if (state === atEquals) {
            if (c !== equals) return this.#fail('syntax', i - base)
            state = atQuote
          } else {
            if (c !== quoteDouble && c !== quoteSingle) return this.#fail('syntax', i - base)
            this.#quote = c
            this.#valueStart = i + 1 - base
            this.#valueFlags = 0
            state = inValue
          }
          i++
          break
        }

        case inValue: {
          while (i < end && (classes[bytes[i]] & plainValue) !== 0) i++
          if (i === end) return this.#pause(inValue, i - base)
          const c = bytes[i]
          if (c === this.#quote) {
            const reason = this.#takeAttribute(bytes, base, i - base)
            if (reason !== undefined) return this.#fail(reason, this.#mark)
            this.#spaced = false
            state = inTag
            i++
          } else if (c === quoteDouble || c === quoteSingle) {
            i++
          } else if (c === ampersand) {
            const length = referenceLength(bytes, i, end)
            if (length === 0) return this.#pause(inValue, i - base)
            if (typeof length === 'string') return this.#fail(length, i - base)
            this.#valueFlags |= valueNeedsDecoding
            i += length
          } else if ((classes[c] & space) !== 0) {
            this.#valueFlags |= valueNeedsDecoding
            i++
          } else if (c === lt) {
            return this.#fail('syntax', i - base)
          } else {
            const length = this.#character(bytes, i, end, base)
            if (length < 0) return scanFault
            if (length === needMore) return this.#pause(inValue, i - base)
            this.#valueFlags |= valueBeyondAscii
            i += length
          }
          break
        }

        case inEndTag: {
          while (i < end && (classes[bytes[i]] & space) !== 0) i++
          if (i === end) return this.#pause(inEndTag, i - base)
          if (bytes[i] !== gt) return this.#fail('syntax', i - base)
          i++
          state = atText
          if (this.#closeElement(i - base)) return this.#finish(i - base)
          break
        }

        case inCdata: {
          while (i < end && (classes[bytes[i]] & plainText) !== 0) i++
          if (i === end) return this.#pause(inCdata, i - base)
          const c = bytes[i]
          if (c === gt) {
            const closes = i - base >= this.#mark + 2 && bytes[i - 1] === bracket && bytes[i - 2] === bracket
            if (closes) state = atText
            i++
          } else if (c === lt || c === ampersand) {
            i++
          } else {
            const length = this.#character(bytes, i, end, base)
            if (length < 0) return scanFault
            if (length === needMore) return this.#pause(inCdata, i - base)
            i += length
          }
          break
        }

        case inComment: {
          const c = bytes[i]
          const dashes = i - base >= this.#mark + 2 && bytes[i - 1] === dash && bytes[i - 2] === dash
          // XML 1.0 §2.5: `--` only in the closing `-->`.
          if (dashes && c !== gt) return this.#fail('syntax', i - base)
          const length = c >= 0x80 || classes[c] === 0 ? this.#other(bytes, i, end, base) : 1
          if (length < 0) return scanFault
          if (length === needMore) return this.#pause(inComment, i - base)
          if (dashes) state = atText
          i += length
          break
        }

        case inInstruction: {
          const c = bytes[i]
          const length = c >= 0x80 || classes[c] === 0 ? this.#other(bytes, i, end, base) : 1
          if (length < 0) return scanFault
          if (length === needMore) return this.#pause(inInstruction, i - base)
          if (c === gt && i - base > this.#mark && bytes[i - 1] === question) state = atText
          i += length
          break
        }
      }
    }
  }

  #pause(state: number, at: number): number {
    this.#state = state
    this.at = at
    return scanMore
  }

  #finish(at: number): number {
    this.at = at
    return scanDone
  }

  #fail(reason: XmlReason, at: number): number {
    this.at = at
    this.fault = xmlFault(reason, at)
    return scanFault
  }

  /** Length of a character that no class let pass; needMore, or negative once `fault` is set. */
  #character(bytes: Bytes, i: number, end: number, base: number): number {
    const length = bytes[i] < 0x80 ? illegalCharacter : characterLength(bytes, i, end)
    if (length < 0) this.#fail(length === illegalCharacter ? 'illegal-character' : 'invalid-utf8', i - base)
    return length
  }

  /** The same where `<` and `&` are no markup. */
  #other(bytes: Bytes, i: number, end: number, base: number): number {
    return bytes[i] === lt || bytes[i] === ampersand ? 1 : this.#character(bytes, i, end, base)
  }

  #nameStartLength(bytes: Bytes, i: number, end: number, base: number): number {
    const c = bytes[i]
    if ((classOf[c] & nameStart) !== 0) return 1
    const length = c < 0x80 ? -1 : this.#character(bytes, i, end, base)
    if (c >= 0x80 && (length <= 0 || isNameStart(codePointAt(bytes, i, length)))) return length
    this.#fail('bad-name', i - base)
    return -1
  }

  #nameCharLength(bytes: Bytes, i: number, end: number, base: number): number {
    const length = this.#character(bytes, i, end, base)
    if (length <= 0 || isNameChar(codePointAt(bytes, i, length))) return length
    this.#fail('bad-name', i - base)
    return -1
  }

  get outerUsed(): number {
    return this.#scope.outerUsed
  }

  /** Takes the attribute whose name lies at mark..markEnd and whose value ends at `valueEnd`. */
  #takeAttribute(bytes: Bytes, base: number, valueEnd: number): XmlReason | undefined {
    const table = this.#tagAttributes
    const start = this.#mark
    const end = this.#markEnd
    if (table.length >= this.#limits.attributesMax * attributeColumns) return 'too-many-attributes'
    for (let a = 0; a < table.length; a += attributeColumns) {
      const other = table[a]
      if (table[a + 2] - other !== end - start) continue
      let k = 0
      while (start + k < end && bytes[base + start + k] === bytes[base + other + k]) k++
      // XML 1.0 §3.1: no attribute name may appear more than once in the same start tag.
      if (start + k === end) return 'duplicate-attribute'
    }
    table.push(start, this.#markColon, end, this.#valueStart, valueEnd, this.#valueFlags)
    if (end - start >= 5 && this.#isDeclaration(bytes, base + start))
      return this.#declare(bytes, base, valueEnd)
    if (this.#markColon !== 0) this.#prefixed++
    return undefined
  }

  /** `xmlns` or `xmlns:...` */
  #isDeclaration(bytes: Bytes, i: number): boolean {
    const isXmlns =
      bytes[i] === 0x78 &&
      bytes[i + 1] === 0x6d &&
      bytes[i + 2] === 0x6c &&
      bytes[i + 3] === 0x6e &&
      bytes[i + 4] === 0x73
    if (!isXmlns) return false
    const length = this.#markEnd - this.#mark
    return length === 5 || this.#markColon === this.#mark + 5
  }

  #declare(bytes: Bytes, base: number, valueEnd: number): XmlReason | undefined {
    if (this.#scope.count >= this.#limits.namespacesMax) return 'too-many-namespaces'
    const prefixStart = this.#markColon === 0 ? this.#markEnd : this.#markColon + 1
    const decode = this.#valueFlags !== 0
    return this.#scope.declare(
      bytes,
      base,
      this.#depth,
      prefixStart,
      this.#markEnd,
      this.#valueStart,
      valueEnd,
      decode,
    )
  }

  /** The start tag that ends before `tagEnd`: its prefixes, then its place in the tables and on the stack. */
  #openElement(bytes: Bytes, base: number, tagEnd: number, empty: boolean): XmlReason | undefined {
    const nameStart = this.#tagStart + 1
    const depth = this.#depth
    if (this.#tagColon !== 0) {
      // Namespaces in XML 1.0 §5, "Prefix Declared"; §3: element names must not have the prefix xmlns.
      if (this.#scope.find(bytes, base, nameStart, this.#tagColon) === undeclared) return 'undeclared-prefix'
    }
    if (this.#prefixed !== 0) {
      const reason = this.#checkAttributePrefixes(bytes, base)
      if (reason !== undefined) return reason
    }
    if (depth === 0) this.#openOutermost(bytes, base, tagEnd, empty)
    else if (depth === 1) {
      if (this.children.length >= this.#limits.childrenMax * childColumns) return 'too-many-children'
      const binding = this.#elementBinding(bytes, base)
      const uriStart = this.#scope.uriStart(binding)
      const uriEnd = this.#scope.uriEnd(binding)
      this.children.push(this.#tagStart, this.#tagColon, this.#tagNameEnd, uriStart, uriEnd, tagEnd, tagEnd)
    }
    if (depth >= this.#limits.depthMax) return 'too-deep'
    this.#tagAttributes.length = 0
    this.#prefixed = 0
    if (empty) {
      this.#scope.leave(depth)
    } else {
      this.#names[depth * 2] = nameStart
      this.#names[depth * 2 + 1] = this.#tagNameEnd
      this.#depth = depth + 1
    }
    return undefined
  }

  #openOutermost(bytes: Bytes, base: number, tagEnd: number, empty: boolean): void {
    const binding = this.#elementBinding(bytes, base)
    this.attributes = this.#tagAttributes.slice()
    this.colon = this.#tagColon
    this.nameEnd = this.#tagNameEnd
    this.namespaceStart = this.#scope.uriStart(binding)
    this.namespaceEnd = this.#scope.uriEnd(binding)
    this.tagEnd = tagEnd
    this.contentEnd = tagEnd
    this.selfClosing = empty
  }

  #elementBinding(bytes: Bytes, base: number): number {
    const start = this.#tagStart + 1
    return this.#scope.find(bytes, base, start, this.#tagColon === 0 ? start : this.#tagColon)
  }

  #checkAttributePrefixes(bytes: Bytes, base: number): XmlReason | undefined {
    const table = this.#tagAttributes
    for (let a = 0; a < table.length; a += attributeColumns) {
      if (table[a + 1] === 0 || this.#isXmlns(bytes, base, table[a], table[a + 1])) continue
      const binding = this.#scope.find(bytes, base, table[a], table[a + 1])
      if (binding === undeclared) return 'undeclared-prefix'
      if (this.#prefixed > 1 && this.#repeatsNamespace(bytes, base, a, binding)) return 'duplicate-attribute'
    }
    return undefined
  }

  #isXmlns(bytes: Bytes, base: number, start: number, colon: number): boolean {
    return colon - start === 5 && sameAscii('xmlns', bytes, base + start, base + colon)
  }

  /** Namespaces in XML 1.0 §6.3: no two attributes with the same local part and the same namespace name. */
  #repeatsNamespace(bytes: Bytes, base: number, a: number, binding: number): boolean {
    const table = this.#tagAttributes
    const local = table[a + 1] + 1
    const length = table[a + 2] - local
    for (let b = 0; b < a; b += attributeColumns) {
      const other = table[b + 1] + 1
      if (other === 1 || table[b + 2] - other !== length) continue
      let k = 0
      while (k < length && bytes[base + local + k] === bytes[base + other + k]) k++
      if (k < length || this.#isXmlns(bytes, base, table[b], table[b + 1])) continue
      const otherBinding = this.#scope.find(bytes, base, table[b], table[b + 1])
      if (otherBinding === binding) return true
      if (this.#scope.uri(bytes, base, otherBinding) === this.#scope.uri(bytes, base, binding)) return true
    }
    return false
  }

  /** True when the outermost element ended. */
  #closeElement(at: number): boolean {
    this.#depth--
    this.#scope.leave(this.#depth)
    if (this.#depth === 1) this.children[this.children.length - 1] = at
    return this.#depth === 0
  }
}
