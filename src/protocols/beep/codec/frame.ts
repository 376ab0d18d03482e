// The frames of BEEP: data frames (RFC 3080 §2.2.1) and SEQ, which the mapping onto TCP adds (RFC 3081 §3.1.3).

import type { Bytes } from '#base'

export type Keyword = 'MSG' | 'RPY' | 'ERR' | 'ANS' | 'NUL'

/** What a data frame's header says. */
export interface FrameHeader {
  readonly keyword: Keyword
  readonly channel: number
  readonly msgno: number
  /** True for `*`: at least one other frame of this message follows. */
  readonly more: boolean
  readonly seqno: number
  /** Octets of the payload. */
  readonly size: number
  /** 0 where the keyword is not ANS. */
  readonly ansno: number
}

/** The payload is a loan until the next call of the framer. */
export interface DataFrame extends FrameHeader {
  readonly kind: 'data'
  readonly payload: Bytes
}

export interface SeqFrame {
  readonly kind: 'SEQ'
  readonly channel: number
  /** The next sequence number that its sender expects. */
  readonly ackno: number
  /** Octets from `ackno` on that it takes. */
  readonly window: number
}

/**
 * Why a frame is poorly formed (RFC 3080 §2.2.1.1 to §2.2.1.3, RFC 3081 §3.1.3). All end the session "without generating a
 * response"; the words are for the log.
 */
export type FrameReason =
  // What the octets themselves say.
  | 'keyword' // the header does not start with one of the keywords
  | 'syntax' // a parameter cannot be determined
  | 'range' // a number is beyond its range
  | 'trailer' // the octets behind the payload are not END CR LF
  | 'nul-with-payload' // NUL that is intermediate or has octets
  // What they say against what was before.
  | 'no-such-channel'
  | 'before-greeting' // RFC 3080 §2.3.1.1: the greeting comes first
  | 'seqno' // not the expected one: synchronization is lost
  | 'beyond-window' // RFC 3081 §3.1.2: more octets than were allowed
  | 'msgno-in-use' // a MSG with the number of one that still waits for its reply
  | 'no-such-message' // a reply to a number that was never sent, or is replied to already
  | 'interrupted' // another message amid one that is not complete
  | 'keyword-changed' // another keyword than the frame before it of the same message
  | 'nul-after-reply' // NUL behind something that is no ANS
  | 'unfinished-answer' // NUL while an ANS is not complete
  | 'reply-out-of-order' // RFC 3080 §2.6.1
  | 'reply-too-early' // §2.6.3: before the MSG is complete only ERR may come
  | 'bad-acknowledgement' // SEQ that goes back, or acknowledges what was not sent
  // Bounds of ours.
  | 'too-many-answers'
  | 'too-many-messages'
  | 'too-many-seq'
  | 'unread' // replies that the peer asked for and does not take

export interface FrameFault {
  readonly kind: 'fault'
  readonly reason: FrameReason
  /** Octets from the beginning of the stream to where it was seen. */
  readonly offset: number
}

/** RFC 3080 §2.2.1: channel, msgno and size. */
export const number31Max = 0x7fffffff
/** seqno; and ansno, for which §2.2.1 and §2.2.1.1 differ: we take the larger range and send the smaller. */
export const number32Max = 0xffffffff

/** RFC 3081 §3.1.1: octets that each side may send on a new channel. */
export const initialWindow = 4096

/** `seqno` and `octets` more, modulo 2^32 (RFC 3080 §2.2.1.2). */
export function seqnoAfter(seqno: number, octets: number): number {
  return (seqno + octets) % 0x1_0000_0000
}

/** Octets from `from` on to `to`, modulo 2^32: at least 2^31 means that `to` is behind (RFC 1982 §3). */
export function octetsBetween(from: number, to: number): number {
  return (to - from) >>> 0
}
