// Reads one element, from its `<` to the end of its end tag, and checks everything XML 1.0, Namespaces in XML 1.0
// and RFC 6120 §11 demand on the way, without building anything but tables of offsets. Resumable at any octet.
//
// Hot path: one loop over the octets, one class table, no strings. All offsets it keeps are relative to the
// element's first octet, so that the octets may move between two calls (bench/xml-framer.ts has the figures).

import type { Bytes } from '#base'
import {
  characterReason,
  classOf,
  looseLength,
  nameChar,
  nameCharLength,
  nameStartLength,
  needMore,
  otherLength,
  plainText,
  plainValue,
  space,
} from './characters.ts'
import { ElementStack } from './element-stack.ts'
import { type XmlFault, type XmlReason, xmlFault } from './faults.ts'
import type { XmlLimits } from './limits.ts'
import { type Namespaces, noNamespaces } from './namespaces.ts'
import { openingLength, otherMarkup } from './other-markup.ts'
import { type Outline, valueBeyondAscii, valueNeedsDecoding } from './outline.ts'
import { referenceLength } from './references.ts'

/** What `scan` answers. */
export const scanMore = 0
export const scanDone = 1
/** Only where the scanner was told to stop after the start tag, and it was no empty-element tag. */
export const scanStartTag = 2
export const scanFault = 3

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
  #limits: XmlLimits
  #startTagOnly = false
  #isDocument = false
  readonly #stack: ElementStack

  #state = atText
  /** Where `scan` stopped, relative to the element. */
  at = 0
  fault: XmlFault | undefined

  // The tag being read.
  #spaced = false
  /** Where the end tag that is being read begins. */
  #closing = 0

  // The name or value being read.
  #mark = 0
  #markColon = 0
  #markEnd = 0
  #valueStart = 0
  #valueFlags = 0
  #quote = 0

  constructor(options: ScannerOptions) {
    this.#limits = options.limits
    this.#stack = new ElementStack(options.limits, noNamespaces)
    this.begin(options)
  }

  /** Begins a new element. */
  begin(options: ScannerOptions): void {
    this.#limits = options.limits
    this.#startTagOnly = options.startTagOnly ?? false
    this.#isDocument = options.isDocument ?? false
    this.#state = atText
    this.at = 0
    this.fault = undefined
    this.#stack.begin(options.limits, options.outer ?? noNamespaces)
  }

  /** What was found, after scanDone or scanStartTag. */
  outline(): Outline {
    return this.#stack.outline(this.at)
  }

  /**
   * Goes on reading. `bytes[base]` is the element's first octet, always `<`; octets up to `end` may be looked at. After
   * scanMore, call again with the same octets (they may have moved) and more behind them.
   */
  scan(bytes: Bytes, base: number, end: number): number {
    const classes = classOf
    const stack = this.#stack
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
              if (stack.depth === 0) return this.#fail('mismatched-tag', i - base)
              let n = base + stack.nameStart
              const nameEnd = base + stack.nameEnd
              let j = i + 2
              while (n < nameEnd && j < end && bytes[j] === bytes[n]) {
                n++
                j++
              }
              if (j === end) return this.#pause(atText, i - base)
              if (n < nameEnd) return this.#fail('mismatched-tag', j - base)
              this.#closing = i - base
              if (bytes[j] === gt) {
                i = j + 1
                if (stack.close(this.#closing, i - base)) return this.#finish(i - base)
              } else if ((classes[bytes[j]] & space) !== 0) {
                i = j
                state = inEndTag
              } else return this.#fail('mismatched-tag', j - base)
            } else if (next === bang || next === question) {
              const opened = otherMarkup(bytes, i, end, this.#isDocument)
              if (opened === 'more') return this.#pause(atText, i - base)
              if (typeof opened === 'object') return this.#fail(opened.fault, i - base)
              // Outside the outermost element there is no character data (XML 1.0 §2.1).
              if (stack.depth === 0) return this.#fail('syntax', i - base)
              state = opened === 'cdata' ? inCdata : opened === 'comment' ? inComment : inInstruction
              i += openingLength[opened]
              this.#mark = i - base
            } else {
              stack.tag.start = i - base
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
            const length = otherLength(bytes, i, end)
            if (length < 0) return this.#fail(characterReason(length), i - base)
            if (length === needMore) return this.#pause(atText, i - base)
            i += length
          }
          break
        }

        case atElementName:
        case atAttributeName: {
          const length = nameStartLength(bytes, i, end)
          if (length < 0) return this.#fail(characterReason(length), i - base)
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
            const length = i + 1 === end ? needMore : nameStartLength(bytes, i + 1, end)
            if (length < 0) return this.#fail(characterReason(length), i + 1 - base)
            if (length === needMore) return this.#pause(state, i - base)
            this.#markColon = i - base
            i += 1 + length
          } else if (c >= 0x80) {
            const length = nameCharLength(bytes, i, end)
            if (length < 0) return this.#fail(characterReason(length), i - base)
            if (length === needMore) return this.#pause(state, i - base)
            i += length
          } else {
            if (i - base - this.#mark > this.#limits.nameBytesMax)
              return this.#fail('name-too-long', this.#mark)
            if (state === inElementName) {
              stack.tag.colon = this.#markColon
              stack.tag.nameEnd = i - base
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
            const reason = stack.open(bytes, base, i - base, empty)
            if (reason !== undefined) return this.#fail(reason, stack.tag.start)
            if (stack.depth === 0) return this.#finish(i - base)
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
            const reason = stack.tag.take(
              bytes,
              base,
              stack.depth,
              this.#mark,
              this.#markColon,
              this.#markEnd,
              this.#valueStart,
              i - base,
              this.#valueFlags,
            )
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
            const length = otherLength(bytes, i, end)
            if (length < 0) return this.#fail(characterReason(length), i - base)
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
          if (stack.close(this.#closing, i - base)) return this.#finish(i - base)
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
            const length = otherLength(bytes, i, end)
            if (length < 0) return this.#fail(characterReason(length), i - base)
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
          const length = c >= 0x80 || classes[c] === 0 ? looseLength(bytes, i, end) : 1
          if (length < 0) return this.#fail(characterReason(length), i - base)
          if (length === needMore) return this.#pause(inComment, i - base)
          if (dashes) state = atText
          i += length
          break
        }

        case inInstruction: {
          const c = bytes[i]
          const length = c >= 0x80 || classes[c] === 0 ? looseLength(bytes, i, end) : 1
          if (length < 0) return this.#fail(characterReason(length), i - base)
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
}
