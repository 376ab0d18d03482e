// Who may connect: how many at a time, how many of one source, how fast. One for each listener.

import type { Clock } from '#base'
import { RateLimit } from './rate-limit.ts'

export interface ListenerLimits {
  /** LIMIT: connections of this listener at a time. */
  readonly connectionsMax: number
  /** LIMIT: connections of one remote address at a time (an IPv6 /64 counts as one). */
  readonly connectionsPerAddressMax: number
  /** LIMIT: connections accepted from one remote address a second, over ten seconds; 0 sets no limit. */
  readonly acceptsPerAddressPerSecondMax: number
}

export const defaultListenerLimits: ListenerLimits = {
  connectionsMax: 100_000,
  connectionsPerAddressMax: 10_000,
  acceptsPerAddressPerSecondMax: 0,
}

export class Admission {
  readonly #limits: ListenerLimits
  readonly #perAddress = new Map<string, number>()
  readonly #rate: RateLimit | undefined
  #inside = 0

  constructor(limits: Partial<ListenerLimits> | undefined, clock: Clock) {
    this.#limits = { ...defaultListenerLimits, ...limits }
    const rate = this.#limits.acceptsPerAddressPerSecondMax
    if (rate > 0) this.#rate = new RateLimit({ perSecond: rate, burst: rate * 10, clock })
  }

  /** The limit that is met; undefined: `source` is in, until leave(). */
  enter(source: string): string | undefined {
    const inside = this.#perAddress.get(source) ?? 0
    if (this.#inside >= this.#limits.connectionsMax) return 'connections'
    if (inside >= this.#limits.connectionsPerAddressMax) return 'connections-per-address'
    if (this.#rate !== undefined && !this.#rate.take(source)) return 'accept-rate'
    this.#inside++
    this.#perAddress.set(source, inside + 1)
    return undefined
  }

  leave(source: string): void {
    this.#inside--
    const left = (this.#perAddress.get(source) ?? 1) - 1
    if (left === 0) this.#perAddress.delete(source)
    else this.#perAddress.set(source, left)
  }
}

/** Whom a limit counts as one: an IPv4 address, or the /64 of an IPv6 one, which one subscriber has for himself. */
export function sourceOf(address: string): string {
  if (!address.includes(':')) return address
  const [head = '', tail] = address.split('%', 1)[0]!.split('::')
  const front = head === '' ? [] : head.split(':')
  if (tail !== undefined) {
    const back = tail === '' ? [] : tail.split(':')
    while (front.length + back.length < 8) front.push('0')
    front.push(...back)
  }
  return `${front.slice(0, 4).join(':')}::/64`
}
