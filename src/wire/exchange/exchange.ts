// Requests that wait for their responses, over one connection in one direction. No more wait at a time than the far end
// takes; others queue. It writes through a function and tells time by the clock, so that a test needs no socket.

import { BoundedQueue, type Bytes, type Clock, ownBytes, type Timer } from '#base'
/** What became of a request: its response (a loan), no response in time, or the connection ended. */
export type Settled<Response> = Response | 'timeout' | 'closed'

export interface ExchangeLimits {
  /** LIMIT: requests that wait for their response, as the far end stated it (`Max-Pending`). */
  pendingMax: number
  /** LIMIT: requests that wait to be written. */
  readonly queuedMax: number
  /** Milliseconds that a response may take. */
  readonly timeout: number
}

/** What a response is matched by. Two requests of one key are answered in their order. */
export interface ExchangeKey<Response> {
  readonly id: string
  /** Whether a response with the id is this request's; undefined: the id says it. */
  readonly isOf?: (response: Response) => boolean
}

interface Pending<Response> {
  readonly key: ExchangeKey<Response>
  readonly due: number
  readonly settle: (settled: Settled<Response>) => void
  done: boolean
  /** The next request with the same id. */
  next: Pending<Response> | undefined
}

interface Queued<Response> {
  readonly key: ExchangeKey<Response>
  readonly octets: readonly Bytes[]
  readonly settle: (settled: Settled<Response>) => void
}

export class Exchange<Response extends { readonly id: string }> {
  readonly limits: ExchangeLimits
  /** Called after a response when nothing more is under way: the far end has caught up. */
  onIdle: () => void = () => {}
  readonly #clock: Clock
  readonly #write: (octets: Bytes) => void
  readonly #byId = new Map<string, Pending<Response>>()
  readonly #queue: BoundedQueue<Queued<Response>>
  /** In the order of their due times, those that are done among them. */
  #order: Pending<Response>[] = []
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
  request(
    key: ExchangeKey<Response>,
    octets: readonly Bytes[],
    settle: (settled: Settled<Response>) => void,
  ): boolean {
    if (this.#closed) return false
    if (this.#pending >= this.limits.pendingMax) {
      return this.#queue.push({ key, octets: octets.map(ownBytes), settle })
    }
    this.#send(key, octets, settle)
    return true
  }

  /** Gives a response to the request it belongs to; false when there is none. */
  respond(response: Response): boolean {
    const pending = this.#take(response.id, ({ isOf }) => isOf?.(response) ?? true)
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
    this.#byId.clear()
    this.#pending = 0
  }

  #send(
    key: ExchangeKey<Response>,
    octets: readonly Bytes[],
    settle: (settled: Settled<Response>) => void,
  ): void {
    const due = this.#clock.monotonic() + this.limits.timeout
    const pending: Pending<Response> = { key, due, settle, done: false, next: undefined }
    const same = this.#byId.get(key.id)
    if (same === undefined) this.#byId.set(key.id, pending)
    else last(same).next = pending
    if (this.#order.length > 64 && this.#order.length > this.#pending * 2) {
      this.#order = this.#order.filter((other) => !other.done)
    }
    this.#order.push(pending)
    this.#pending++
    this.#arm()
    for (const part of octets) this.#write(part)
  }

  /** The oldest request that the response can belong to, taken out. */
  #take(id: string, isMeant: (key: ExchangeKey<Response>) => boolean): Pending<Response> | undefined {
    const first = this.#byId.get(id)
    let before: Pending<Response> | undefined
    for (let pending = first; pending !== undefined; before = pending, pending = pending.next) {
      if (!isMeant(pending.key)) continue
      if (before !== undefined) before.next = pending.next
      else if (pending.next !== undefined) this.#byId.set(id, pending.next)
      else this.#byId.delete(id)
      pending.done = true
      this.#pending--
      return pending
    }
    return undefined
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
      this.#take(pending.key.id, (key) => key === pending.key)
      pending.settle('timeout')
    }
    this.#order = this.#order.filter((pending) => !pending.done)
    this.#next()
    this.#arm()
  }
}

function last<Response>(pending: Pending<Response>): Pending<Response> {
  let end = pending
  while (end.next !== undefined) end = end.next
  return end
}
