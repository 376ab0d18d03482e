// A request of ours to another domain: a client transaction with one server after the other, until one answers (RFC 3261 §8.1, RFC 3263 §4.3).

import { retryAfterOf } from '../codec/headers.ts'
import { parseMessage, type SipResponse } from '../codec/message.ts'
import { topVia, type Via } from '../codec/via.ts'
import type { Journey } from '../domains/journey.ts'
import type { Reach } from '../domains/reach.ts'
import type { Flow } from '../flow.ts'
import { cancelOf } from '../transaction/ack.ts'
import type { ClientTransaction, ResponseHandler } from '../transaction/client-transaction.ts'
import type { TransactionLayer } from '../transaction/transaction-layer.ts'

export interface OutgoingUser {
  /** Provisional and final responses, a second 2xx of an INVITE too; the octets are a loan until it returns. */
  onResponse(response: SipResponse, via: Via, flow: Flow): void
  /** No server answered. `timeout`: it may have been taken all the same. */
  onFailure(failure: 'timeout' | 'unreachable', why: string): void
}

export interface OutgoingParts {
  readonly layer: TransactionLayer
  readonly reach: Reach
  readonly journey: Journey
  readonly theirs: string
  readonly method: string
  /** The request as it goes over this flow, its topmost Via with this branch; undefined: it cannot go at all. */
  readonly write: (flow: Flow, branch: string) => Buffer | undefined
  /** What follows the unique part of the branch (RFC 5393 §4.2.1). */
  readonly mark?: string
  readonly user: OutgoingUser
}

const noHandler: ResponseHandler = { onResponse: () => undefined, onFailure: () => undefined }

export class Outgoing implements ResponseHandler {
  readonly #parts: OutgoingParts
  #transaction: ClientTransaction | undefined
  #flow: Flow | undefined
  #request: Buffer | undefined
  #branch = ''
  /** Clock.monotonic() when it went out last. */
  #sent = 0
  /** A response of any kind came: the server is there. */
  #heard = false
  #isFinal = false
  #over = false
  #cancelled: 'no' | 'wanted' | 'sent' = 'no'
  /** The 503 of the last server, told where there is no other. */
  #unavailable: Buffer | undefined

  constructor(parts: OutgoingParts) {
    this.#parts = parts
  }

  begin(): this {
    this.#next()
    return this
  }

  /** Nothing more is told; what was sent is not taken back. */
  drop(): void {
    this.#over = true
    this.#transaction?.drop()
  }

  /** CANCEL of an INVITE (RFC 3261 §9.1): it goes where a provisional response has come; before that it waits for one. */
  cancel(): void {
    if (this.#isFinal || this.#over || this.#cancelled !== 'no') return
    this.#cancelled = 'wanted'
    if (this.#heard) this.#sendCancel()
  }

  onResponse(response: SipResponse, via: Via): void {
    if (this.#over || this.#flow === undefined) return
    this.#heard = true
    const { status } = response
    if (status < 200 && this.#cancelled === 'wanted') this.#sendCancel()
    // RFC 3263 §4.3: "failure occurs if the transaction layer reports a 503 error response".
    if (status === 503 && this.#cancelled === 'no') return this.#refused(response)
    if (status >= 200) this.#isFinal = true
    this.#parts.reach.spoke(this.#parts.journey.hop)
    if (status === 403) this.#parts.reach.ways.forbidden(this.#flow)
    this.#parts.reach.answered(this.#parts.theirs)
    this.#parts.user.onResponse(response, via, this.#flow)
  }

  onFailure(why: 'timeout' | 'transport-error'): void {
    if (this.#over || this.#isFinal) return
    const { journey, user, reach } = this.#parts
    if (why === 'timeout') {
      reach.ways.silentSince(this.#flow, this.#sent)
      if (!this.#heard) reach.fellSilent(journey.hop)
    }
    const told = why === 'timeout' ? 'no answer came' : 'the connection broke'
    journey.failures.push(`${this.#flow?.remote.address}:${this.#flow?.remote.port}: ${told}`)
    // "if the transaction layer times out without ever having received any response, provisional or final".
    if (!this.#heard && this.#cancelled === 'no') return this.#next(why === 'timeout')
    this.#over = true
    user.onFailure(why === 'timeout' ? 'timeout' : 'unreachable', journey.why)
  }

  #refused(response: SipResponse): void {
    const { reach, journey } = this.#parts
    const after = retryAfterOf(response)
    if (typeof after === 'number') reach.rests(journey.hop, after)
    journey.failures.push(`${this.#flow?.remote.address}:${this.#flow?.remote.port}: 503`)
    this.#unavailable = Buffer.from(response.raw)
    this.#next()
  }

  #next(mayBeTaken = false): void {
    const { journey, layer, write, method, mark = '', user, reach, theirs } = this.#parts
    journey.next((flow) => {
      if (this.#over) return
      if (this.#cancelled !== 'no' && this.#request === undefined) flow = undefined
      if (flow === undefined) return this.#noWay(mayBeTaken)
      this.#heard = false
      this.#flow = flow
      this.#sent = reach.now
      this.#branch = layer.newBranch() + mark
      this.#request = write(flow, this.#branch)
      const transaction =
        this.#request === undefined ? undefined : layer.open(flow, method, this.#branch, this.#request, this)
      if (transaction === undefined) {
        this.#over = true
        reach.failed(theirs, 'too many requests are under way')
        return user.onFailure('unreachable', 'too many requests are under way')
      }
      this.#transaction = transaction
      transaction.begin()
    })
  }

  #noWay(mayBeTaken: boolean): void {
    const { journey, reach, theirs, user } = this.#parts
    this.#over = true
    reach.failed(theirs, journey.why)
    const last = this.#unavailable === undefined ? undefined : parseMessage(this.#unavailable)
    const via = last?.kind === 'response' ? topVia(last) : undefined
    if (last?.kind === 'response' && via !== undefined && this.#flow !== undefined)
      return user.onResponse(last, via, this.#flow)
    user.onFailure(mayBeTaken ? 'timeout' : 'unreachable', journey.why)
  }

  #sendCancel(): void {
    this.#cancelled = 'sent'
    const request = this.#request === undefined ? undefined : parseMessage(this.#request)
    if (request?.kind !== 'request' || this.#flow === undefined) return
    this.#parts.layer.request(this.#flow, 'CANCEL', this.#branch, cancelOf(request), noHandler)
  }
}
