// One message on its way out: the head of its entity, then its body, cut wherever a frame ends.

import { type Bytes, noBytes, ownBytes } from '#base'
import type { Keyword } from './codec/index.ts'

export class OutgoingMessage {
  readonly keyword: Keyword
  readonly msgno: number
  readonly ansno: number
  /** Called when a frame of it has left, with whether it was the last. */
  readonly onFrame: ((isLast: boolean) => void) | undefined
  #head: Bytes
  #body: Bytes
  #isOwn = false
  #isAbandoned = false

  /** The octets may be a loan: who queues it calls keep(). */
  constructor(
    keyword: Keyword,
    msgno: number,
    ansno: number,
    head: Bytes,
    body: Bytes,
    onFrame?: (isLast: boolean) => void,
  ) {
    this.keyword = keyword
    this.msgno = msgno
    this.ansno = ansno
    this.#head = head
    this.#body = body
    this.onFrame = onFrame
  }

  /** Octets that have not left. */
  get rest(): number {
    return this.#head.length + this.#body.length
  }

  /** True when its next frame is the last whatever the window: nothing is left of it. */
  get isEmpty(): boolean {
    return this.rest === 0
  }

  get isAbandoned(): boolean {
    return this.#isAbandoned
  }

  /** Copies what has not left, once. */
  keep(): void {
    if (this.#isOwn) return
    this.#isOwn = true
    this.#head = ownBytes(this.#head)
    this.#body = ownBytes(this.#body)
  }

  /** Its ERR came before its end (RFC 3080 §2.6.3): an empty last frame is all that follows. */
  abandon(): void {
    this.#head = noBytes
    this.#body = noBytes
    this.#isAbandoned = true
  }

  /** Gives the next octets away, in at most two pieces. */
  emit(octets: number, write: (bytes: Bytes) => void): void {
    const ofHead = Math.min(octets, this.#head.length)
    if (ofHead > 0) this.#head = give(this.#head, ofHead, write)
    const ofBody = octets - ofHead
    if (ofBody > 0) this.#body = give(this.#body, ofBody, write)
  }
}

/** Writes the first octets; answers the rest. */
function give(bytes: Bytes, octets: number, write: (bytes: Bytes) => void): Bytes {
  if (octets === bytes.length) {
    write(bytes)
    return noBytes
  }
  write(bytes.subarray(0, octets))
  return bytes.subarray(octets)
}
