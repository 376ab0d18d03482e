// One MSG that came, and its reply (RFC 3080 §2.1.1): RPY or ERR once; or ANS any number of times, then NUL. The reply may be given at
// any time; it leaves when those to earlier MSGs have (§2.6.1).

import { assert } from '#base'
import { entityHead, type Keyword, type OutgoingEntity } from './codec/index.ts'
import { OutgoingMessage } from './outgoing-message.ts'
import type { Replying, SendResult } from './profile.ts'

/** What an exchange wants of its channel. */
export interface ExchangeChannel {
  readonly state: 'open' | 'closing' | 'closed'
  /** Puts a reply in its place; `isLast` where it completes it. */
  reply(exchange: Exchange, message: OutgoingMessage, isLast: boolean): SendResult
  /** The last frame of the reply has left. */
  replied(exchange: Exchange): void
}

export class Exchange implements Replying {
  readonly msgno: number
  /** All frames of the MSG have come; false while the rest of one that was answered early is awaited. */
  isReceived = true
  /** The last frame of the reply has left. */
  isReplied = false
  /** Its reply is complete, though perhaps waiting. */
  isComplete = false
  /** Called when the last frame of the reply has left. */
  onReplied: (() => void) | undefined
  /** Parts of the reply that wait for earlier exchanges. */
  held: OutgoingMessage[] | undefined
  readonly #channel: ExchangeChannel
  #ansno = 0
  #isMany = false

  constructor(channel: ExchangeChannel, msgno: number) {
    this.#channel = channel
    this.msgno = msgno
  }

  get open(): boolean {
    return !this.isComplete && this.#channel.state !== 'closed'
  }

  positive(reply: OutgoingEntity): void {
    this.#one('RPY', reply)
  }

  negative(reply: OutgoingEntity): void {
    this.#one('ERR', reply)
  }

  answer(reply: OutgoingEntity): SendResult {
    assert(!this.isComplete, 'the reply is complete')
    if (!this.open) return 'refused'
    this.#isMany = true
    // §2.2.1: "0..2147483647"; those of complete answers may come again.
    const ansno = this.#ansno++ % 0x80000000
    return this.#channel.reply(this, this.#message('ANS', ansno, reply), false)
  }

  end(): void {
    assert(!this.isComplete, 'the reply is complete')
    this.#last(new OutgoingMessage('NUL', this.msgno, 0, nothing, nothing, this.#onFrame))
  }

  #one(keyword: Keyword, reply: OutgoingEntity): void {
    // §2.2.1.1: RPY or ERR behind ANS would be poorly formed.
    assert(!this.isComplete && !this.#isMany, 'the reply is complete, or has answers')
    this.#last(this.#message(keyword, 0, reply))
  }

  #last(message: OutgoingMessage): void {
    const { open } = this
    this.isComplete = true
    if (open) this.#channel.reply(this, message, true)
  }

  #message(keyword: Keyword, ansno: number, reply: OutgoingEntity): OutgoingMessage {
    const onFrame = keyword === 'ANS' ? undefined : this.#onFrame
    return new OutgoingMessage(keyword, this.msgno, ansno, entityHead(reply), reply.body, onFrame)
  }

  readonly #onFrame = (isLast: boolean): void => {
    if (!isLast) return
    this.isReplied = true
    this.#channel.replied(this)
    this.onReplied?.()
  }
}

const nothing = new Uint8Array(0)
