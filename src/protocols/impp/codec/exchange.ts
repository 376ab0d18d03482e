// Requests that wait for their responses (docs/specs/impp-1.0.md §4 item 4; IMPP §17): which request a response belongs to.

import type { Bytes, Clock } from '#base'
import { Exchange as AnyExchange, type ExchangeLimits, type Settled as SettledBy } from '#wire/exchange'
import type { ImppResponse } from './unit.ts'

export type { ExchangeLimits }

export type Settled = SettledBy<ImppResponse>

/** What a response is matched by; without From, the id alone. Two requests of one key are answered in their order. */
export interface ExchangeKey {
  readonly id: string
  readonly from: string | undefined
  readonly connectionId: string | undefined
}

export class Exchange {
  readonly #requests: AnyExchange<ImppResponse>

  constructor(clock: Clock, limits: ExchangeLimits, write: (octets: Bytes) => void) {
    this.#requests = new AnyExchange(clock, limits, write)
  }

  get limits(): ExchangeLimits {
    return this.#requests.limits
  }

  get pending(): number {
    return this.#requests.pending
  }

  /** Called after a response when nothing more is under way: the far end has caught up. */
  set onIdle(onIdle: () => void) {
    this.#requests.onIdle = onIdle
  }

  request(key: ExchangeKey, octets: readonly Bytes[], settle: (settled: Settled) => void): boolean {
    const { id, from, connectionId } = key
    // A request without From is known by its id alone: the OK that ends a login names whom it has made.
    if (from === undefined) return this.#requests.request({ id }, octets, settle)
    const isOf = ({ headers }: ImppResponse): boolean =>
      headers.get('to') === from && headers.get('connection-id') === connectionId
    return this.#requests.request({ id, isOf }, octets, settle)
  }

  respond(response: ImppResponse): boolean {
    return this.#requests.respond(response)
  }

  close(): void {
    this.#requests.close()
  }
}
