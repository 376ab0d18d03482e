// Cuts a stream into messages: RFC 3261 §7.5 and §18.3 (Content-Length is what ends a message on a stream),
// keep-alives of RFC 5626 §3.5.1. It joins no octets before a message is whole.

import type { Bytes } from '#base'
import { skipToken } from './grammar.ts'
import { header, headerIdOf } from './header-names.ts'
import { contentLengthOf, messageBytesMax } from './message.ts'

export type FramerFault = 'head-too-large' | 'body-too-large' | 'no-content-length' | 'bad-content-length'

export interface FramerLimits {
  /** LIMIT: octets of start line and header fields. */
  readonly headBytesMax: number
  /** LIMIT: octets of the whole message. */
  readonly messageBytesMax: number
}

export const framerLimits: FramerLimits = { headBytesMax: 32_768, messageBytesMax }

export interface FramerSink {
  /** One whole message; a loan until the next call of `push`. */
  message(octets: Bytes): void
  /** The double CRLF ping of RFC 5626 §3.5.1, which wants a single CRLF back. */
  ping(): void
}

/** One stream's framer. After a fault nothing more is read: "the framing error is not recoverable" (RFC 4475 §3.1.2.3). */
export class StreamFramer {
  readonly #limits: FramerLimits
  #pending: Buffer = Buffer.alloc(0)
  /** Octets of `#pending` that hold something; it grows by doubling. */
  #held = 0
  /** Where to look on for the end of the header fields. */
  #scanned = 0
  /** Length of the message whose head is complete, or -1. */
  #whole = -1
  #fault: FramerFault | undefined
  /** CRLFs seen between messages, two of which make a ping. */
  #blank = 0

  constructor(limits: FramerLimits = framerLimits) {
    this.#limits = limits
  }

  /** Takes octets of the stream; a fault closes it for good. */
  push(octets: Bytes, sink: FramerSink): FramerFault | undefined {
    if (this.#fault !== undefined) return this.#fault
    if (this.#held === 0) {
      // The usual case: whole messages in one read, nothing is copied.
      const rest = this.#cut(octets, sink)
      if (this.#fault === undefined && rest < octets.length) this.#hold(octets.subarray(rest))
    } else {
      this.#hold(octets)
      const held = this.#pending.subarray(0, this.#held)
      const rest = this.#cut(held, sink)
      if (rest > 0) {
        // The sink has let go of its loans: what is left moves to the front of a buffer of its own size.
        const left = held.subarray(rest)
        this.#pending = Buffer.alloc(0)
        this.#held = 0
        if (left.length > 0 && this.#fault === undefined) this.#hold(left)
      }
    }
    return this.#fault
  }

  /** Octets that wait for the rest of their message. */
  get held(): number {
    return this.#held
  }

  #hold(octets: Bytes): void {
    const need = this.#held + octets.length
    if (need > this.#pending.length) {
      const larger = Buffer.allocUnsafeSlow(
        Math.max(need, Math.min(this.#pending.length * 2, this.#limits.messageBytesMax)),
      )
      larger.set(this.#pending.subarray(0, this.#held))
      this.#pending = larger
    }
    this.#pending.set(octets, this.#held)
    this.#held = need
  }

  /** Hands out what is whole; the offset of what is not. */
  #cut(octets: Bytes, sink: FramerSink): number {
    let at = 0
    for (;;) {
      if (this.#whole < 0) {
        at = this.#skipBlank(octets, at, sink)
        if (at === octets.length) {
          this.#scanned = 0
          return at
        }
        const end = headEnd(octets, at + this.#scanned)
        if (end < 0 ? octets.length - at > this.#limits.headBytesMax : end - at > this.#limits.headBytesMax)
          return this.#fail('head-too-large', at)
        if (end < 0) {
          this.#scanned = Math.max(0, octets.length - at - 3)
          return at
        }
        const length = contentLength(octets, at, end)
        if (typeof length === 'string') return this.#fail(length, at)
        if (end - at + length > this.#limits.messageBytesMax) return this.#fail('body-too-large', at)
        this.#whole = end - at + length
      }
      if (octets.length - at < this.#whole) return at
      const from = at
      at += this.#whole
      this.#whole = -1
      this.#scanned = 0
      this.#blank = 0
      sink.message(from === 0 && at === octets.length ? octets : octets.subarray(from, at))
    }
  }

  /** RFC 3261 §7.5: "ignore any CRLF appearing before the start-line". */
  #skipBlank(octets: Bytes, at: number, sink: FramerSink): number {
    if (this.#scanned > 0) return at
    while (at < octets.length && (octets[at] === 13 || octets[at] === 10)) {
      if (octets[at] === 10 && ++this.#blank === 2) {
        this.#blank = 0
        sink.ping()
      }
      at++
    }
    if (at < octets.length) this.#blank = 0
    return at
  }

  #fail(why: FramerFault, at: number): number {
    this.#fault = why
    this.#pending = Buffer.alloc(0)
    this.#held = 0
    return at
  }
}

/** The offset after the empty line that ends the header fields, looked for from `at`; -1 when it has not come. */
function headEnd(octets: Bytes, at: number): number {
  const last = octets.length - 3
  for (let i = at; i < last; i++)
    if (octets[i] === 13 && octets[i + 1] === 10 && octets[i + 2] === 13 && octets[i + 3] === 10) return i + 4
  return -1
}

const headerNameBytesMax = 64

/** Content-Length in [at, end) of a stream. RFC 3261 §20.14: on a stream it "MUST" be there. */
function contentLength(octets: Bytes, at: number, end: number): number | FramerFault {
  const head = Buffer.from(octets.buffer, octets.byteOffset + at, end - at).toString('latin1')
  let said: number | undefined
  let line = head.indexOf('\r\n') + 2
  while (line > 1 && line < head.length - 2) {
    const first = head.charCodeAt(line) | 0x20
    let next = head.indexOf('\r\n', line)
    // c(ontent-length) or l, the compact form.
    if (first === 0x63 || first === 0x6c) {
      const nameEnd = skipToken(head, line, Math.min(next, line + headerNameBytesMax))
      if (headerIdOf(head, line, nameEnd) === header.contentLength) {
        while (isWsp(head.charCodeAt(next + 2))) next = head.indexOf('\r\n', next + 2)
        const length = lengthAt(head, nameEnd, next)
        // Two that differ in nothing but their place are still two: nobody knows what the sender's peer read.
        if (length < 0 || said !== undefined) return 'bad-content-length'
        said = length
      }
    }
    line = next + 2
  }
  return said ?? 'no-content-length'
}

const isWsp = (code: number): boolean => code === 0x20 || code === 9

function lengthAt(head: string, nameEnd: number, end: number): number {
  let at = nameEnd
  while (isWsp(head.charCodeAt(at))) at++
  if (head.charCodeAt(at) !== 0x3a) return -1
  at++
  while (at < end && head.charCodeAt(at) <= 0x20) at++
  while (end > at && head.charCodeAt(end - 1) <= 0x20) end--
  return contentLengthOf(head, at, end)
}
