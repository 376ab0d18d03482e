// A MSG of ours whose reply is not complete, and what of the reply has come.

import type { Bytes } from '#base'
import type { Keyword } from './codec/index.ts'
import type { Reply } from './profile.ts'

export class Outstanding {
  readonly msgno: number
  /** At least one frame of it has left. */
  isStarted = false
  /** All of it has left. */
  isWhole = false
  /** The keyword of the frame of its reply before this one; undefined: none has come. */
  keyword: Keyword | undefined
  /** Octets of it that are not to be sent any more: its ERR came first (RFC 3080 §2.6.3). */
  isRefused = false
  #onReply: ((reply: Reply) => void) | undefined

  constructor(msgno: number, onReply: (reply: Reply) => void) {
    this.msgno = msgno
    this.#onReply = onReply
  }

  /** Hands a reply on; after `lost` nothing more. */
  tell(reply: Reply): void {
    const onReply = this.#onReply
    if (reply.kind === 'lost') this.#onReply = undefined
    onReply?.(reply)
  }
}

/** Octets of one message, frame by frame, in one array that doubles: many small frames cost no more than their octets. */
export class Assembly {
  #bytes: Bytes
  #length = 0
  /** True once it is past its bound: what comes is dropped. */
  isDropped = false

  constructor(octets: number) {
    this.#bytes = new Uint8Array(Math.max(256, octets * 2))
  }

  get length(): number {
    return this.#length
  }

  add(octets: Bytes): void {
    if (this.isDropped) return
    const length = this.#length + octets.length
    if (length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(length, this.#bytes.length * 2))
      grown.set(this.#bytes.subarray(0, this.#length))
      this.#bytes = grown
    }
    this.#bytes.set(octets, this.#length)
    this.#length = length
  }

  /** Keeps nothing more; the octets that were held. */
  drop(): void {
    this.isDropped = true
    this.#length = 0
    this.#bytes = new Uint8Array(0)
  }

  bytes(): Bytes {
    return this.#bytes.subarray(0, this.#length)
  }
}
