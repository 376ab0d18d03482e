// One branch of a request that was forwarded: a client transaction, its CANCEL, and what it answered (RFC 3261 §16.7, §16.8, §16.10).

import { parseMessage, type SipResponse } from '../codec/message.ts'
import { forwardedResponse } from '../codec/splice.ts'
import type { Via } from '../codec/via.ts'
import type { Flow } from '../flow.ts'
import { cancelOf } from '../transaction/ack.ts'
import type { ClientTransaction, ResponseHandler } from '../transaction/client-transaction.ts'
import type { TransactionLayer } from '../transaction/transaction-layer.ts'

/** What a branch tells the response context. */
export interface BranchUser {
  onProvisional(status: number, octets: Buffer): void
  onFinal(branch: Branch): void
  /** A further 2xx of an INVITE, over the transaction that has had one (RFC 6026 §8.5: another fork downstream). */
  onAgain(octets: Buffer, status: number): void
}

/** Where branches are made. */
export interface BranchSource {
  branch(): Branch
}

const noHandler: ResponseHandler = { onResponse: () => undefined, onFailure: () => undefined }

export class Branch implements ResponseHandler {
  /** The final answer, without our Via; undefined octets where we have to say it ourselves. */
  status = 0
  octets: Buffer | undefined
  /** Another way to the same phone, for when this one fails (RFC 5626 §7). */
  otherwise: (() => void) | undefined
  /** It goes to another domain's server, whose answer, 503 excepted, is the answer (RFC 3263 §4.3). */
  isToServer = false
  /** Told when it is over, or another takes its place. */
  onOver: (() => void) | undefined
  isReplaced = false
  readonly #layer: TransactionLayer
  readonly #user: BranchUser
  #transaction: ClientTransaction | undefined
  #flow: Flow | undefined
  #request: Buffer | undefined
  #id = ''
  #answered = false
  #cancelled: 'no' | 'wanted' | 'sent' = 'no'
  /** We cancelled it, of ourselves: its 487 is no word to the caller. */
  #isGivenUp = false

  constructor(layer: TransactionLayer, user: BranchUser) {
    this.#layer = layer
    this.#user = user
  }

  get isOver(): boolean {
    return this.status !== 0
  }

  /** @param octets undefined when there is no way, and the branch is over at once */
  begin(flow: Flow, method: string, id: string, octets: Buffer | undefined): void {
    if (this.isOver) return
    this.#flow = flow
    this.#request = octets
    this.#id = id
    // Cancelled before it was sent, while a connection was made.
    if (this.#cancelled === 'wanted') return this.end(487)
    const transaction = octets === undefined ? undefined : this.#layer.open(flow, method, id, octets, this)
    // RFC 3261 §16.9: "the proxy MUST behave as if the forwarded request received a 503".
    if (transaction === undefined) return this.end(503)
    this.#transaction = transaction
    transaction.begin()
  }

  onResponse(response: SipResponse, via: Via): void {
    const { status } = response
    if (this.isOver) {
      // Only a second 2xx gets here, over the Accepted state.
      if (this.status < 300) this.#user.onAgain(forwardedResponse(response, via), status)
      return
    }
    if (status < 200) {
      this.#answered = true
      if (this.#cancelled === 'wanted') this.#sendCancel()
      return this.#user.onProvisional(status, forwardedResponse(response, via))
    }
    if (this.#isGivenUp && status === 487) return this.end(408)
    this.status = status
    this.octets = forwardedResponse(response, via)
    this.#request = undefined
    this.#user.onFinal(this)
  }

  /** It has rung long enough, and another is tried. Whoever does not even answer the CANCEL is done with, too (RFC 3261 §9.1). */
  giveUp(patience: number): void {
    if (this.isOver || this.#isGivenUp) return
    this.#isGivenUp = true
    // No other way either.
    this.otherwise = undefined
    this.cancel()
    this.#layer.timers.arm({ fired: () => this.end(408) }, 'answer', patience)
  }

  onFailure(why: 'timeout' | 'transport-error'): void {
    if (!this.isOver) this.end(why === 'timeout' ? 408 : 503)
  }

  /** RFC 3261 §9.1: a CANCEL goes only where a provisional response has come; before that it waits for one. */
  cancel(): void {
    if (this.isOver || this.#cancelled !== 'no') return
    this.#cancelled = 'wanted'
    if (this.#answered) this.#sendCancel()
  }

  /** Over, without an answer of the far end. */
  end(status: number): void {
    if (this.isOver) return
    this.status = status
    this.#request = undefined
    this.#transaction?.drop()
    this.#user.onFinal(this)
  }

  #sendCancel(): void {
    this.#cancelled = 'sent'
    const request = this.#request === undefined ? undefined : parseMessage(this.#request)
    if (request?.kind !== 'request' || this.#flow === undefined) return
    this.#layer.request(this.#flow, 'CANCEL', this.#id, cancelOf(request), noHandler)
  }
}
