// What leaves on one channel: messages in their order, cut into frames as the peer's window allows (RFC 3081 §3.1). No sockets:
// the pump asks for the next frame.

import { type FrameReason, initialWindow, octetsBetween, seqnoAfter } from './codec/index.ts'
import type { OutgoingMessage } from './outgoing-message.ts'

export class Outbound {
  /** The sequence number of the next octet. */
  seqno = 0
  queuedOctets = 0
  /** The first sequence number that may not be sent. */
  #edge = initialWindow
  #acknowledged = 0
  #idleSeqs = 0
  /** The first of them perhaps partly sent. */
  #queue: OutgoingMessage[] = []
  #first = 0

  /** Messages that wait. */
  get length(): number {
    return this.#queue.length - this.#first
  }

  get first(): OutgoingMessage | undefined {
    return this.#queue[this.#first]
  }

  /** Octets that may leave now; none where the window was moved back (RFC 1122 §4.2.2.16: a sender must bear it). */
  get window(): number {
    const octets = octetsBetween(this.seqno, this.#edge)
    return octets > 0x7fffffff ? 0 : octets
  }

  /** True when a frame could leave: an empty one needs no window. */
  get isReady(): boolean {
    const { first } = this
    return first !== undefined && (first.isEmpty || this.window > 0)
  }

  add(message: OutgoingMessage): void {
    this.#queue.push(message)
    this.queuedOctets += message.rest
  }

  /** The octets of the next frame, at most `octetsMax`. */
  nextSize(octetsMax: number): number {
    return Math.min((this.first as OutgoingMessage).rest, this.window, octetsMax)
  }

  /** A frame of the first message was written. */
  left(octets: number): void {
    this.seqno = seqnoAfter(this.seqno, octets)
    this.queuedOctets -= octets
    if (!(this.first as OutgoingMessage).isEmpty) return
    this.#first++
    if (this.#first === this.#queue.length) {
      this.#queue = []
      this.#first = 0
    } else if (this.#first > 64 && this.#first * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#first)
      this.#first = 0
    }
  }

  /** What is queued of our MSG is not to be sent (RFC 3080 §2.6.3). */
  abandon(msgno: number): void {
    const { first } = this
    if (first?.keyword !== 'MSG' || first.msgno !== msgno) return
    this.queuedOctets -= first.rest
    first.abandon()
  }

  /**
   * SEQ (RFC 3081 §3.1.3): the acknowledgement of what was never sent, or an older one than before, is invalid.
   * @param idleMax LIMIT: SEQ frames in a row that acknowledge nothing new
   */
  acknowledge(ackno: number, window: number, idleMax: number): FrameReason | undefined {
    const progress = octetsBetween(this.#acknowledged, ackno)
    if (progress > octetsBetween(this.#acknowledged, this.seqno)) return 'bad-acknowledgement'
    this.#idleSeqs = progress > 0 ? 0 : this.#idleSeqs + 1
    if (this.#idleSeqs > idleMax) return 'too-many-seq'
    this.#acknowledged = ackno
    this.#edge = seqnoAfter(ackno, window)
    return undefined
  }
}
