// Requests that wait for their responses, over one connection in one direction (docs/specs/impp-1.0.md §4 item 4; IMPP §17).
// No more wait at a time than the far end has said it takes; others queue. It writes through a function and tells time by
// the clock, so that a test needs no socket.

import { BoundedQueue, type Bytes, type Clock, ownBytes, type Timer } from '#base'
import type { ImppResponse } from './unit.ts'

/** What became of a request: its response (a loan), no response in time, or the connection ended. */
export type Settled = ImppResponse | 'timeout' | 'closed'

export interface ExchangeLimits {
  /** LIMIT: requests that wait for their response, as the far end stated it (`Max-Pending`). */
  pendingMax: number
  /** LIMIT: requests that wait to be written. */
  readonly queuedMax: number
  /** Milliseconds that a response may take. */
  readonly timeout: number
}

interface Pending {
  readonly key: string
  readonly due: number
  readonly settle: (settled: Settled) => void
  done: boolean
}

interface Queued {
  readonly key: string
  readonly octets: readonly Bytes[]
  readonly settle: (settled: Settled) => void
}

/** What a response is matched by. Two requests of one key are answered in their order. */
export function exchangeKey(id: string, from: string | undefined, connectionId: string | undefined): string {
  return `${id} ${from ?? ''} ${connectionId ?? ''}`
}

export class Exchange {
  readonly limits: ExchangeLimits
  /** Called after a response when nothing more is under way: the far end has caught up. */
  onIdle: () => void = () => {}
  readonly #clock: Clock
  readonly #write: (octets: Bytes) => void
  readonly #byKey = new Map<string, Pending[]>()
  readonly #queue: BoundedQueue<Queued>
  /** In the order of their due times, those that are done among them. */
  #order: Pending[] = []
  #pending = 0
  #timer: Timer | undefined
  #closed = false

  constructor(clock: Clock, limits: ExchangeLimits, write: (octets: Bytes) => void) {
    this.#clock = clock
    this.limits = limits
    this.#write = write
    this.#queue = new BoundedQueue(limits.queuedMax)
  }

  /** Requests that wait for their response. */
  get pending(): number {
    return this.#pending
  }

  /**
   * Writes a request now, or when its turn comes (then its octets are copied). `settle` is called once. False when too many
   * are queued or the connection is over, and then `settle` is not called.
   */
  request(key: string, octets: readonly Bytes[], settle: (settled: Settled) => void): boolean {
    if (this.#closed) return false
    if (this.#pending >= this.limits.pendingMax) {
      return this.#queue.push({ key, octets: octets.map(ownBytes), settle })
    }
    this.#send(key, octets, settle)
    return true
  }

  /** Gives a response to the request it belongs to; false when there is none. */
  respond(response: ImppResponse): boolean {
    const { headers } = response
    const key = exchangeKey(response.id, headers.get('to'), headers.get('connection-id'))
    // A request without From is known by its id alone: the OK that ends a login names whom it has made.
    const pending = this.#take(key) ?? this.#take(exchangeKey(response.id, undefined, undefined))
    if (pending === undefined) return false
    pending.settle(response)
    this.#next()
    if (this.#pending === 0 && !this.#closed) this.onIdle()
    return true
  }

  /** The connection is over: whatever waits is told so, oldest first. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#timer?.cancel()
    for (const pending of this.#order) {
      if (pending.done) continue
      pending.done = true
      pending.settle('closed')
    }
    for (let queued = this.#queue.shift(); queued !== undefined; queued = this.#queue.shift()) {
      queued.settle('closed')
    }
    this.#order = []
    this.#byKey.clear()
    this.#pending = 0
  }

  #send(key: string, octets: readonly Bytes[], settle: (settled: Settled) => void): void {
    const pending: Pending = { key, due: this.#clock.monotonic() + this.limits.timeout, settle, done: false }
    const same = this.#byKey.get(key)
    if (same === undefined) this.#byKey.set(key, [pending])
    else same.push(pending)
    if (this.#order.length > 64 && this.#order.length > this.#pending * 2) {
      this.#order = this.#order.filter((other) => !other.done)
    }
    this.#order.push(pending)
    this.#pending++
    this.#arm()
    for (const part of octets) this.#write(part)
  }

  #take(key: string): Pending | undefined {
    const same = this.#byKey.get(key)
    const pending = same?.shift()
    if (same === undefined || pending === undefined) return undefined
    if (same.length === 0) this.#byKey.delete(key)
    pending.done = true
    this.#pending--
    return pending
  }

  #next(): void {
    while (this.#pending < this.limits.pendingMax) {
      const queued = this.#queue.shift()
      if (queued === undefined) return
      this.#send(queued.key, queued.octets, queued.settle)
    }
  }

  /** One timer, for the oldest. */
  #arm(): void {
    if (this.#timer !== undefined || this.#closed) return
    const oldest = this.#order.find((pending) => !pending.done)
    if (oldest === undefined) return
    this.#timer = this.#clock.schedule(Math.max(0, oldest.due - this.#clock.monotonic()), () =>
      this.#expire(),
    )
  }

  #expire(): void {
    this.#timer = undefined
    const now = this.#clock.monotonic()
    const late = this.#order.filter((pending) => !pending.done && pending.due <= now)
    for (const pending of late) {
      // Same keys have one order here and in the map, so this takes just this one.
      this.#take(pending.key)
      pending.settle('timeout')
    }
    this.#order = this.#order.filter((pending) => !pending.done)
    this.#next()
    this.#arm()
  }
}
