// The transaction layer, RFC 3261 §17: between the transport, which brings messages, and the transaction user. A
// retransmission ends here.

import { type Clock, randomId } from '#base'
import type { Essentials, RequestEssentials } from '../codec/check.ts'
import { encodeResponse } from '../codec/encode.ts'
import type { SipRequest, SipResponse } from '../codec/message.ts'
import type { ViaStamp } from '../codec/splice.ts'
import { branchMagic } from '../codec/via.ts'
import type { Flow } from '../flow.ts'
import { ClientTransaction, type ResponseHandler } from './client-transaction.ts'
import { CompletedTransactions } from './completed-transactions.ts'
import { KeyHash, KeyTable } from './key-table.ts'
import { ServerTransaction } from './server-transaction.ts'
import { type Timing, timing } from './step.ts'
import { TimerQueues } from './timer-queues.ts'
import { cancelledKey, clientKey, clientKeyOf, serverKey } from './transaction-key.ts'

export interface TransactionLimits {
  /** LIMIT: server transactions, those that only wait for retransmissions among them; past it the oldest answered ones go. */
  readonly serverTransactionsMax: number
  /** LIMIT: requests of ours that wait for a final response. */
  readonly clientTransactionsMax: number
}

export const transactionLimits: TransactionLimits = {
  serverTransactionsMax: 65_536,
  clientTransactionsMax: 65_536,
}

/** A request as the transport brings it: where it came from, where the answer goes, what to add to its Via. */
export interface Received {
  readonly request: SipRequest
  readonly parts: RequestEssentials
  readonly flow: Flow
  readonly reply: Flow
  readonly stamp: ViaStamp
}

export interface TransactionUser {
  /** A new request. ACK comes without a transaction (RFC 3261 §17.1.1.3: an ACK for a 2xx is none). */
  onRequest(received: Received, transaction: ServerTransaction): void
  onAck(received: Received): void
  /** A request that came again by another way (RFC 3261 §8.2.2.2). */
  onMerged(received: Received, transaction: ServerTransaction): void
  /** A CANCEL; `cancelled` is the INVITE's transaction when there is one (RFC 3261 §9.2). */
  onCancel(received: Received, transaction: ServerTransaction, cancelled: ServerTransaction | undefined): void
  /** No transaction can be made: answered without one. */
  onOverload(received: Received): void
}

export class TransactionLayer {
  readonly timing: Timing
  readonly timers: TimerQueues
  readonly #limits: TransactionLimits
  readonly #keyHash = new KeyHash()
  readonly #servers = new KeyTable<ServerTransaction>(this.#keyHash)
  readonly #merges = new KeyTable<ServerTransaction>(new KeyHash())
  readonly #clients = new KeyTable<ClientTransaction>(new KeyHash())
  readonly #completed: CompletedTransactions
  #user: TransactionUser | undefined

  constructor(clock: Clock, limits: TransactionLimits = transactionLimits, times: Timing = timing) {
    this.timing = times
    this.timers = new TimerQueues(clock)
    this.#completed = new CompletedTransactions(clock, 64 * times.t1, this.#keyHash)
    this.#limits = limits
  }

  set user(user: TransactionUser) {
    this.#user = user
  }

  get size(): { readonly servers: number; readonly clients: number } {
    return { servers: this.#servers.size + this.#completed.size, clients: this.#clients.size }
  }

  /** A request came in. */
  received(received: Received): void {
    const { request, parts } = received
    const user = this.#user
    if (user === undefined) return
    const key = serverKey(request, parts)
    const known = this.#servers.get(key)
    if (known !== undefined) {
      // A transaction is matched whoever sends: its answer goes to who made it.
      if (request.method === 'ACK') known.acknowledged()
      else known.repeated()
      return
    }
    if (request.method === 'ACK') return user.onAck(received)
    if (this.#completed.repeated(key)) return
    if (!this.#hasRoom()) return user.onOverload(received)
    const mergeKey =
      parts.toTag === undefined && request.method !== 'CANCEL'
        ? `${parts.callId} ${parts.cseq.number} ${parts.fromTag ?? ''} ${request.method}`
        : ''
    const transaction = new ServerTransaction(
      this,
      key,
      mergeKey,
      received.reply,
      request.method === 'INVITE',
      () => encodeResponse(request, parts.via, received.stamp, { status: 100 }),
    )
    this.#servers.add(key, transaction)
    if (request.method === 'CANCEL')
      return user.onCancel(received, transaction, this.#servers.get(cancelledKey(request, parts)))
    if (mergeKey !== '') {
      if (this.#merges.get(mergeKey) !== undefined || this.#completed.hasMerge(mergeKey))
        return user.onMerged(received, transaction)
      this.#merges.add(mergeKey, transaction)
    }
    user.onRequest(received, transaction)
  }

  /** A response came in; false when no request of ours waits for it (RFC 3261 §18.1.2). */
  answered(response: SipResponse, parts: Essentials): boolean {
    const transaction = this.#clients.get(clientKeyOf(parts))
    if (transaction === undefined) return false
    transaction.answered(response, parts.via)
    return true
  }

  /** Sends a request whose topmost Via carries `branch`. False when too many wait. */
  request(flow: Flow, method: string, branch: string, octets: Buffer, handler: ResponseHandler): boolean {
    const transaction = this.open(flow, method, branch, octets, handler)
    transaction?.begin()
    return transaction !== undefined
  }

  /** As `request`, not sent before its `begin()`. */
  open(
    flow: Flow,
    method: string,
    branch: string,
    octets: Buffer,
    handler: ResponseHandler,
  ): ClientTransaction | undefined {
    if (this.#clients.size >= this.#limits.clientTransactionsMax) return undefined
    const transaction = new ClientTransaction(
      this,
      clientKey(branch, method),
      flow,
      method === 'INVITE',
      octets,
      handler,
    )
    this.#clients.add(transaction.key, transaction)
    return transaction
  }

  /** A branch that is unique (RFC 3261 §8.1.1.7) and that nobody can guess. */
  newBranch(): string {
    return branchMagic + randomId(16)
  }

  /** A tag (RFC 3261 §19.3: at least 32 random bits). */
  newTag(): string {
    return randomId(10)
  }

  /** A connection is over: what waits for an answer on it will get none (RFC 3261 §18.4). */
  flowEnded(flow: Flow): void {
    for (const transaction of this.#clients.all()) if (transaction.flow === flow) transaction.failed()
  }

  ended(transaction: ServerTransaction | ClientTransaction): void {
    if (transaction instanceof ClientTransaction) {
      this.#clients.remove(transaction.key, transaction)
      return
    }
    this.#servers.remove(transaction.key, transaction)
    if (transaction.mergeKey !== '') this.#merges.remove(transaction.mergeKey, transaction)
  }

  completed(transaction: ServerTransaction, response: Buffer): void {
    const { key, mergeKey, flow } = transaction
    // One that came by another way has its response kept, but is not what others came before.
    const isFirst = mergeKey !== '' && this.#merges.get(mergeKey) === transaction
    this.ended(transaction)
    this.#completed.add(key, isFirst ? mergeKey : '', flow, response)
  }

  stop(): void {
    this.#completed.stop()
    for (const transaction of [...this.#servers.all(), ...this.#clients.all()]) transaction.drop()
    this.timers.stop()
  }

  /** Makes room: an answered transaction only waits for retransmissions, and the oldest has waited longest. */
  #hasRoom(): boolean {
    if (this.#servers.size + this.#completed.size < this.#limits.serverTransactionsMax) return true
    if (this.#completed.size > 0) {
      this.#completed.dropOldest()
      return true
    }
    for (const oldest of this.#servers.all(16))
      if (oldest.answered) {
        oldest.drop()
        return true
      }
    return false
  }
}
