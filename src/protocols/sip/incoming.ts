// A request on its way through the user agent server: what came, and how to answer it.

import { ownBytes, randomId } from '#base'
import type { RequestEssentials } from './codec/check.ts'
import { encodeResponse, type HeaderLine, type ResponseParts } from './codec/encode.ts'
import type { SipRequest } from './codec/message.ts'
import type { ViaStamp } from './codec/splice.ts'
import type { Flow } from './flow.ts'
import type { ServerTransaction } from './transaction/server-transaction.ts'
import type { Received } from './transaction/transaction-layer.ts'

export class Incoming {
  /** Its `raw` may be a loan until the end of the tick; `keep()` first. */
  request: SipRequest
  readonly parts: RequestEssentials
  /** Where it came from. */
  readonly flow: Flow
  readonly stamp: ViaStamp
  readonly #transaction: ServerTransaction
  #toTag: string | undefined

  constructor(received: Received, transaction: ServerTransaction) {
    this.request = received.request
    this.parts = received.parts
    this.flow = received.flow
    this.stamp = received.stamp
    this.#transaction = transaction
  }

  /** The tag of our answers, one for all of them (RFC 3261 §8.2.6.2). */
  get toTag(): string {
    this.#toTag ??= randomId(10)
    return this.#toTag
  }

  get answered(): boolean {
    return this.#transaction.answered
  }

  /** Makes the octets our own: the request leaves the tick. */
  keep(): this {
    const { request } = this
    if (!request.owned) this.request = { ...request, raw: ownBytes(request.raw), owned: true }
    return this
  }

  answer(
    status: number,
    headers?: readonly HeaderLine[],
    more?: Omit<ResponseParts, 'status' | 'headers'>,
  ): void {
    const toTag = status === 100 ? undefined : this.toTag
    const parts: ResponseParts = { status, toTag, ...(headers === undefined ? {} : { headers }), ...more }
    this.answerWith(status, encodeResponse(this.request, this.parts.via, this.stamp, parts))
  }

  /** Answers with octets that are a response already: the far end's. */
  answerWith(status: number, octets: Buffer): void {
    this.#transaction.respond(status, octets)
  }
}
