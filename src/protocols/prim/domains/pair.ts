// One domain of ours and one other: the connection that we opened, and what waits for it (docs/specs/prim.md §8.3). What it carries does not
// depend on any connection's staying open: who asked hears that it ended, and asks again.

import { BoundedQueue } from '#base'
import type { Settled } from '#wire/exchange'
import type { PrimResponse } from '../codec/index.ts'
import type { DomainsEnvironment } from './environment.ts'
import type { Leg } from './leg.ts'

/** A request to the other domain, made when its id is known. */
export interface Waiting {
  readonly octets: (id: string) => readonly Uint8Array[]
  readonly settle: (settled: Settled<PrimResponse>) => void
}

export interface PairParts {
  readonly environment: DomainsEnvironment
  readonly ours: string
  readonly theirs: string
  /** Opens a connection; rejects with an Error that says why there is none. */
  readonly open: () => Promise<Leg>
}

export class DomainPair {
  readonly environment: DomainsEnvironment
  readonly ours: string
  readonly theirs: string
  state: 'idle' | 'connecting' | 'connected' = 'idle'
  lastError = ''
  leg: Leg | undefined
  /** Who tries something again when its time has come, and at once when there is a connection. */
  readonly trying = new Set<() => void>()
  readonly #parts: PairParts
  readonly #waiting: BoundedQueue<Waiting>
  #isOver = false

  constructor(parts: PairParts) {
    this.#parts = parts
    this.environment = parts.environment
    this.ours = parts.ours
    this.theirs = parts.theirs
    this.#waiting = new BoundedQueue(parts.environment.settings.domainQueuedMax)
  }

  /** Says it now or when there is a connection. False when too much waits; `settle` is not called then. */
  request(waiting: Waiting): boolean {
    if (this.leg?.state === 'ready') return this.#say(this.leg, waiting)
    if (this.#isOver || !this.#waiting.push(waiting)) return false
    if (this.state !== 'connecting') this.#connect()
    return true
  }

  /** Nothing more is said: whatever waits is told so. */
  close(): void {
    this.#isOver = true
    this.leg?.close('the server stops')
    this.#giveUp()
  }

  #connect(): void {
    this.state = 'connecting'
    this.#parts.open().then(
      (leg) => this.#opened(leg),
      (error: unknown) => this.#failed(error as Error),
    )
  }

  #opened(leg: Leg): void {
    if (this.#isOver) return leg.close('the server stops')
    this.leg = leg
    this.state = 'connected'
    this.lastError = ''
    const { service } = this.environment
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift())
      if (!this.#say(leg, next)) next.settle('closed')
    for (const again of [...this.trying]) again()
    service.relay.retry(this.theirs)
  }

  #failed(error: Error): void {
    this.state = 'idle'
    const at = new Date(this.environment.service.clock.now()).toISOString()
    this.lastError = `${at} ${error.message}`
    this.#giveUp()
  }

  #giveUp(): void {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift())
      next.settle('closed')
  }

  /** The connection ended. */
  over(leg: Leg, why: string): void {
    if (this.leg !== leg) return
    this.leg = undefined
    this.state = 'idle'
    this.lastError = `${new Date(this.environment.service.clock.now()).toISOString()} ${why}`
  }

  #say(leg: Leg, { octets, settle }: Waiting): boolean {
    const id = leg.freshId()
    this.environment.metrics.sent.add()
    leg.use()
    return leg.exchange.request({ id }, octets(id), (settled) => {
      settle(settled)
      // What is there answers; the next request goes by another connection.
      if (settled === 'timeout') leg.fail('the far end does not answer')
    })
  }
}
