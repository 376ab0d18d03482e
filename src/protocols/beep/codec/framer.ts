// Octets -> frames (RFC 3080 §2.2.1, RFC 3081 §3.1.3). Complete. Hot path: one pass over the header, octet by octet, wherever the
// stream is cut; a payload that came whole is handed on where it lies, one that did not is copied once.

import { type Bytes, noBytes, ownBytes } from '#base'
import {
  type DataFrame,
  type FrameFault,
  type FrameHeader,
  type FrameReason,
  type Keyword,
  number31Max,
  number32Max,
  type SeqFrame,
} from './frame.ts'

/** Asked once a header is read and before its payload is: why the frame is refused, or undefined. */
export type Admit = (header: FrameHeader) => FrameReason | undefined

const cr = 0x0d
const lf = 0x0a
const space = 0x20
const zero = 0x30
/** Digits of 4294967295. */
const digitsMax = 10
const trailer = [0x45, 0x4e, 0x44, cr, lf]

/** Stands in a list of fields for the continuation indicator. */
const continuation = -1
const common = [number31Max, number31Max, continuation, number32Max, number31Max]
const seqFields = [number31Max, number32Max, number31Max]
const ansFields = [...common, number32Max]

type Word = Keyword | 'SEQ'

function code(word: string): number {
  return (word.charCodeAt(0) << 16) | (word.charCodeAt(1) << 8) | word.charCodeAt(2)
}

const words = new Map<number, { readonly word: Word; readonly fields: readonly number[] }>([
  [code('MSG'), { word: 'MSG', fields: common }],
  [code('RPY'), { word: 'RPY', fields: common }],
  [code('ERR'), { word: 'ERR', fields: common }],
  [code('ANS'), { word: 'ANS', fields: ansFields }],
  [code('NUL'), { word: 'NUL', fields: common }],
  [code('SEQ'), { word: 'SEQ', fields: seqFields }],
])

/** Where the next octet belongs. */
type Place = 'keyword' | 'space' | 'first' | 'number' | 'indicator' | 'line-end' | 'payload' | 'trailer'

class HeldFrame implements DataFrame {
  readonly kind = 'data'
  keyword: Keyword = 'MSG'
  channel = 0
  msgno = 0
  more = false
  seqno = 0
  size = 0
  ansno = 0
  payload: Bytes = noBytes
}

/** One direction of a session. After push(), call next() until it answers undefined or a fault: the octets are a loan. */
export class Framer {
  readonly #admit: Admit
  readonly #frame = new HeldFrame()
  #bytes: Bytes = noBytes
  #at = 0
  /** Octets of the stream before the chunk. */
  #before = 0
  #place: Place = 'keyword'
  /** Letters of the keyword so far. */
  #letters = 0
  #code = 0
  #word: Word = 'MSG'
  #fields: readonly number[] = common
  #field = 0
  /** The fields read so far; `more` is 1 or 0. */
  readonly #values = [0, 0, 0, 0, 0, 0]
  #value = 0
  #digits = 0
  /** Octets of the payload that came in earlier chunks. */
  #held: Bytes | undefined
  #heldLength = 0
  #trailerAt = 0
  #fault: FrameFault | undefined

  constructor(admit: Admit = () => undefined) {
    this.#admit = admit
  }

  /** Octets that were given and not yet read. */
  get pendingOctets(): number {
    return this.#bytes.length - this.#at
  }

  /** True between frames: nothing of one has come yet. */
  get isBetween(): boolean {
    return this.#place === 'keyword' && this.#letters === 0 && this.pendingOctets === 0
  }

  push(bytes: Bytes): void {
    this.#before += this.#bytes.length
    this.#bytes = bytes
    this.#at = 0
  }

  /** The next frame; the same object again and again. Undefined: all octets are read. A fault is final. */
  next(): DataFrame | SeqFrame | FrameFault | undefined {
    while (this.#fault === undefined) {
      if (this.#place === 'payload') {
        if (!this.#payload()) return undefined
      } else if (this.#place === 'trailer') {
        const ended = this.#trailer()
        if (ended === undefined) return this.#keepPayload()
        if (!ended) break
        return this.#whole()
      } else {
        const ended = this.#header()
        if (ended === undefined) return undefined
        if (!ended) break
        if (this.#word === 'SEQ') return this.#seq()
        if (!this.#begin()) break
      }
    }
    return this.#fault
  }

  /** True at the end of the line, false on a fault, undefined when the octets are used up. */
  #header(): boolean | undefined {
    const bytes = this.#bytes
    while (this.#at < bytes.length) {
      const isEnd = this.#place === 'line-end'
      const reason = this.#take(bytes[this.#at] as number)
      if (reason !== undefined) return this.#refuse(reason)
      this.#at++
      if (isEnd) return true
    }
    return undefined
  }

  /** One octet of the header. A CR LF is the only line end, a single space the only separator (RFC 3080 §2.2.1.1). */
  #take(octet: number): FrameReason | undefined {
    switch (this.#place) {
      case 'keyword':
        return this.#letter(octet)
      case 'space':
        this.#place = 'first'
        return octet === space ? undefined : 'syntax'
      case 'first':
        return this.#first(octet)
      case 'number':
        return octet === space || octet === cr ? this.#endField(octet) : this.#digit(octet)
      case 'indicator':
        return this.#endField(octet)
      default:
        return octet === lf ? undefined : 'syntax'
    }
  }

  #letter(octet: number): FrameReason | undefined {
    this.#code = ((this.#code << 8) | octet) & 0xffffff
    if (++this.#letters < 3) return undefined
    const found = words.get(this.#code)
    if (found === undefined) return 'keyword'
    this.#word = found.word
    this.#fields = found.fields
    this.#field = 0
    this.#place = 'space'
    return undefined
  }

  #first(octet: number): FrameReason | undefined {
    if (this.#fields[this.#field] === continuation) {
      if (octet !== 0x2a && octet !== 0x2e) return 'syntax'
      this.#value = octet === 0x2a ? 1 : 0
      this.#place = 'indicator'
      return undefined
    }
    this.#value = 0
    this.#digits = 0
    this.#place = 'number'
    return this.#digit(octet)
  }

  /** We choose (decision 0110): no more digits than the largest number has, zeros before others among them. That bounds the line, too. */
  #digit(octet: number): FrameReason | undefined {
    const digit = octet - zero
    if (digit < 0 || digit > 9) return 'syntax'
    if (++this.#digits > digitsMax) return 'syntax'
    this.#value = this.#value * 10 + digit
    return this.#value > (this.#fields[this.#field] as number) ? 'range' : undefined
  }

  #endField(octet: number): FrameReason | undefined {
    this.#values[this.#field++] = this.#value
    const isLast = this.#field === this.#fields.length
    if (octet !== (isLast ? cr : space)) return 'syntax'
    this.#place = isLast ? 'line-end' : 'first'
    return undefined
  }

  #seq(): SeqFrame {
    const [channel, ackno, window] = this.#values as [number, number, number]
    this.#next()
    return { kind: 'SEQ', channel, ackno, window }
  }

  /** The header of a data frame is read; false when it is refused. */
  #begin(): boolean {
    const frame = this.#frame
    const [channel, msgno, more, seqno, size, ansno] = this.#values as [
      number,
      number,
      number,
      number,
      number,
      number,
    ]
    frame.keyword = this.#word as Keyword
    frame.channel = channel
    frame.msgno = msgno
    frame.more = more === 1
    frame.seqno = seqno
    frame.size = size
    frame.ansno = frame.keyword === 'ANS' ? ansno : 0
    // RFC 3080 §2.2.1.1, the last rule.
    if (frame.keyword === 'NUL' && (frame.more || size > 0)) return this.#refuse('nul-with-payload')
    const reason = this.#admit(frame)
    if (reason !== undefined) return this.#refuse(reason)
    this.#place = 'payload'
    return true
  }

  /** True when the payload is whole. */
  #payload(): boolean {
    const { size } = this.#frame
    const missing = size - this.#heldLength
    if (this.pendingOctets < missing) {
      this.#hold(this.#bytes.subarray(this.#at))
      this.#at = this.#bytes.length
      return false
    }
    const rest = this.#bytes.subarray(this.#at, this.#at + missing)
    this.#at += missing
    if (this.#held !== undefined) this.#hold(rest)
    this.#frame.payload = this.#held ?? rest
    this.#place = 'trailer'
    this.#trailerAt = 0
    return true
  }

  #hold(bytes: Bytes): void {
    // Admitted, so no larger than the window that we gave.
    this.#held ??= new Uint8Array(this.#frame.size)
    this.#held.set(bytes, this.#heldLength)
    this.#heldLength += bytes.length
  }

  /** True at its end, false on a fault, undefined when the octets are used up. */
  #trailer(): boolean | undefined {
    while (this.#at < this.#bytes.length) {
      if (this.#bytes[this.#at] !== trailer[this.#trailerAt]) return this.#refuse('trailer')
      this.#at++
      if (++this.#trailerAt === trailer.length) {
        this.#next()
        return true
      }
    }
    return undefined
  }

  #whole(): DataFrame {
    this.#held = undefined
    this.#heldLength = 0
    return this.#frame
  }

  /** The chunk ends within the trailer: what lies in it must be copied. */
  #keepPayload(): undefined {
    if (this.#held === undefined) {
      this.#held = ownBytes(this.#frame.payload)
      this.#heldLength = this.#held.length
      this.#frame.payload = this.#held
    }
    return undefined
  }

  #next(): void {
    this.#place = 'keyword'
    this.#letters = 0
    this.#code = 0
  }

  #refuse(reason: FrameReason): false {
    this.#fault = { kind: 'fault', reason, offset: this.#before + this.#at }
    return false
  }
}
