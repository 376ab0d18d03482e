// What comes on one channel: the rules by which a frame is poorly formed (RFC 3080 §2.2.1.1), and messages put together from
// their frames. No sockets, no handlers; the channel says what is outstanding.

import type { Bytes } from '#base'
import {
  type DataFrame,
  type FrameHeader,
  type FrameReason,
  initialWindow,
  type Keyword,
  octetsBetween,
  seqnoAfter,
} from './codec/index.ts'
import { Assembly, type Outstanding } from './outstanding.ts'

/** What the channel knows of both directions, for the rules. */
export interface Correspondence {
  /** MSGs that came whole, and whose reply has not completely left. */
  readonly unanswered: ReadonlySet<number>
  /** The earliest of our MSGs whose reply is not complete: the one a reply must be for (§2.6.1). */
  readonly earliest: Outstanding | undefined
  /** Whether a later one has that number. */
  isOutstanding(msgno: number): boolean
}

/** What a frame has made. */
export type Arrival =
  | { readonly kind: 'part' }
  | { readonly kind: 'whole'; readonly payload: Bytes }
  /** The message went past its bound with this frame; the rest of it is dropped. */
  | { readonly kind: 'too-large'; readonly isWhole: boolean }
  /** The last frame of a message that was dropped. */
  | { readonly kind: 'dropped' }

const part: Arrival = { kind: 'part' }
const dropped: Arrival = { kind: 'dropped' }

export class Inbound {
  /** The sequence number that the next frame must have. */
  expected = 0
  /** The first sequence number that the peer may not send. */
  edge = initialWindow
  readonly #messageOctetsMax: number
  readonly #answersMax: number
  /** The data frame before this one, of any message. */
  #keyword: Keyword | undefined
  #msgno = 0
  #more = false
  /** The message whose frames are coming. */
  #assembly: Assembly | undefined
  /** ANS messages by their numbers: they alone may be interleaved. */
  #answers: Map<number, Assembly> | undefined

  constructor(messageOctetsMax: number, answersMax: number) {
    this.#messageOctetsMax = messageOctetsMax
    this.#answersMax = answersMax
  }

  /** Octets of messages that are not complete. */
  get heldOctets(): number {
    let octets = this.#assembly?.length ?? 0
    if (this.#answers !== undefined) for (const answer of this.#answers.values()) octets += answer.length
    return octets
  }

  /** Octets that the peer may send now. */
  get window(): number {
    return octetsBetween(this.expected, this.edge)
  }

  /** Asked before the payload is read. A row a rule, in the words of §2.2.1.1. */
  fault(frame: FrameHeader, correspondence: Correspondence): FrameReason | undefined {
    // "if the value of the sequence number doesn't correspond to the expected value for the associated channel"
    if (frame.seqno !== this.expected) return 'seqno'
    // RFC 3081 §3.1.2: "the sending BEEP peer must ensure that the size of the payload is within the window".
    if (frame.size > this.window) return 'beyond-window'
    // "if the continuation indicator of the previous frame received on the same channel was intermediate, and its message
    // number isn't identical to this frame's message number"; a MSG is another message than a reply of the same number.
    if (this.#more) {
      if (this.#msgno !== frame.msgno) return 'interrupted'
      if (this.#keyword === 'ANS' && frame.keyword === 'NUL') return 'unfinished-answer'
      if (this.#keyword !== frame.keyword) return 'keyword-changed'
    }
    return frame.keyword === 'MSG'
      ? this.#messageFault(frame, correspondence)
      : this.#replyFault(frame, correspondence)
  }

  #messageFault({ msgno }: FrameHeader, { unanswered }: Correspondence): FrameReason | undefined {
    // "refers to a MSG message that has been completely received but for which a reply has not been completely sent"
    return !this.#more && unanswered.has(msgno) ? 'msgno-in-use' : undefined
  }

  #replyFault(frame: FrameHeader, { earliest, isOutstanding }: Correspondence): FrameReason | undefined {
    const { keyword, msgno } = frame
    // "refers to a message number for which a reply has already been completely received", or "that has never been sent"
    if (earliest === undefined || earliest.msgno !== msgno)
      return isOutstanding(msgno) ? 'reply-out-of-order' : 'no-such-message'
    if (!earliest.isStarted) return 'no-such-message'
    // §2.6.3: what may come before the final frame of the MSG is a negative reply.
    if (!earliest.isWhole && keyword !== 'ERR') return 'reply-too-early'
    // "the keyword of the immediately-previous received frame for this reply isn't ANS"; "are not identical"
    if (earliest.keyword !== undefined && earliest.keyword !== keyword) {
      if (keyword !== 'NUL') return 'keyword-changed'
      if (earliest.keyword !== 'ANS') return 'nul-after-reply'
    }
    if (keyword === 'NUL' && (this.#answers?.size ?? 0) > 0) return 'unfinished-answer'
    // LIMIT: answers in progress.
    if (keyword === 'ANS' && frame.more && this.#answers?.has(frame.ansno) !== true)
      if ((this.#answers?.size ?? 0) >= this.#answersMax) return 'too-many-answers'
    return undefined
  }

  /** A frame that is well formed and whole. */
  take(frame: DataFrame): Arrival {
    this.expected = seqnoAfter(this.expected, frame.size)
    this.#keyword = frame.keyword
    this.#msgno = frame.msgno
    this.#more = frame.more
    if (frame.keyword === 'ANS') return this.#answer(frame)
    const assembly = this.#assembly
    if (assembly === undefined && !frame.more) return this.#single(frame)
    const held = assembly ?? new Assembly(frame.size)
    this.#assembly = frame.more ? held : undefined
    return this.#add(held, frame)
  }

  #answer(frame: DataFrame): Arrival {
    const held = this.#answers?.get(frame.ansno)
    if (held === undefined && !frame.more) return this.#single(frame)
    const assembly = held ?? new Assembly(frame.size)
    this.#answers ??= new Map()
    if (frame.more) this.#answers.set(frame.ansno, assembly)
    else this.#answers.delete(frame.ansno)
    return this.#add(assembly, frame)
  }

  /** The usual case: a message in one frame, handed on where it lies. */
  #single({ payload }: DataFrame): Arrival {
    if (payload.length > this.#messageOctetsMax) return { kind: 'too-large', isWhole: true }
    return { kind: 'whole', payload }
  }

  #add(assembly: Assembly, { payload, more }: DataFrame): Arrival {
    if (assembly.isDropped) return more ? part : dropped
    if (assembly.length + payload.length > this.#messageOctetsMax) {
      assembly.drop()
      return { kind: 'too-large', isWhole: !more }
    }
    assembly.add(payload)
    return more ? part : { kind: 'whole', payload: assembly.bytes() }
  }

  /** The peer may send up to there. */
  open(edge: number): void {
    this.edge = edge
  }
}
