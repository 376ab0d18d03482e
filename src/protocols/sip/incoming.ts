// A request on its way through the user agent server: what came, and how to answer it.

import { createHmac, randomBytes } from 'node:crypto'
import { randomId } from '#base'
import type { RequestEssentials } from './codec/check.ts'
import { encodeResponse, type HeaderLine, type ResponseParts } from './codec/encode.ts'
import { ownRequest, type SipRequest } from './codec/message.ts'
import type { ViaStamp } from './codec/splice.ts'
import type { Flow } from './flow.ts'
import type { ServerTransaction } from './transaction/server-transaction.ts'
import type { Received } from './transaction/transaction-layer.ts'

/** What is needed of a request to send it on. */
export type Forwardable = Pick<Received, 'request' | 'parts' | 'stamp'> & { readonly isAsserted?: boolean }

export class Incoming {
  /** Its `raw` may be a loan until the end of the tick; `keep()` first. */
  request: SipRequest
  readonly parts: RequestEssentials
  /** Where it came from. */
  readonly flow: Flow
  readonly stamp: ViaStamp
  /** True once its P-Asserted-Identity was found to be what the domain that it came from may say (RFC 3325 §5). */
  isAsserted = false
  /** Proves in a 2xx that we know the password, too (RFC 3261 §22.4, §20.6). */
  authenticationInfo: (() => string) | undefined
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

  /** Told of a CANCEL, while it has no final answer (RFC 3261 §9.2). */
  onCancel(told: () => void): void {
    this.#transaction.onCancel = told
  }

  /** No answer comes: its sender's own timer says so (RFC 4320 §4.2). */
  giveUp(): void {
    this.#transaction.drop()
  }

  /**
   * Answers once, and forgets (RFC 3261 §8.2.7): a request that comes again is answered again, the same tag included. For answers to
   * those who may not be who they say, who would else be sent each of them many times.
   */
  answerStateless(status: number, headers: readonly HeaderLine[]): void {
    const { parts } = this
    this.#toTag = statelessTag(`${parts.via.branch ?? ''} ${parts.callId} ${parts.fromTag ?? ''}`)
    const octets = encodeResponse(this.request, parts.via, this.stamp, {
      status,
      toTag: this.#toTag,
      headers,
    })
    this.#transaction.drop()
    this.#transaction.flow.send(octets)
  }

  /** Makes the octets our own: the request leaves the tick. */
  keep(): this {
    this.request = ownRequest(this.request)
    return this
  }

  answer(
    status: number,
    headers?: readonly HeaderLine[],
    more?: Omit<ResponseParts, 'status' | 'headers'>,
  ): void {
    const toTag = status === 100 ? undefined : this.toTag
    const isProven = this.authenticationInfo !== undefined && status < 300
    const all = isProven ? this.#proven(headers) : status === 503 ? withRetryAfter(headers) : headers
    const parts: ResponseParts = { status, toTag, ...(all === undefined ? {} : { headers: all }), ...more }
    this.answerWith(status, encodeResponse(this.request, this.parts.via, this.stamp, parts))
  }

  #proven(headers: readonly HeaderLine[] = []): readonly HeaderLine[] {
    return [...headers, ['Authentication-Info', this.authenticationInfo?.() ?? '']]
  }

  /** Answers with octets that are a response already: the far end's. */
  answerWith(status: number, octets: Buffer): void {
    this.#transaction.respond(status, octets)
  }
}

/** Seconds after which it is worth asking again, where nobody knows better. */
const retrySeconds = 30

/** RFC 3261 §21.5.4: a 503 without Retry-After is taken for a fault of the server. */
function withRetryAfter(headers: readonly HeaderLine[] = []): readonly HeaderLine[] {
  const isThere = headers.some(([name]) => name === 'Retry-After')
  return isThere ? headers : [...headers, ['Retry-After', retrySeconds]]
}

const tagKey = randomBytes(16)

/** The same tag for the same request, and none that a stranger foresees (RFC 3261 §8.2.7, §19.3). */
const statelessTag = (of: string): string =>
  createHmac('sha256', tagKey).update(of, 'latin1').digest('hex').slice(0, 16)
