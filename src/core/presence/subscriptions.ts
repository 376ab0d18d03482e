// Leased subscriptions to one presentity (RFC 3859 §3.3, IMPP §14). They die by their timer and never touch an authorization.
import { RareMap } from '#base'
import type { Address } from '#model'
import type { WatcherAgent } from '../agents.ts'
import type { Lease } from '../leases.ts'

/** LIMIT: leased subscriptions to one presentity, and of one watcher to it. */
export const subscriptionsMax = 10_000
export const subscriptionsOfWatcherMax = 32

export interface Subscription {
  /** Unique among the presentity's: RFC 3859's SubscriptID, made by the protocol. */
  readonly id: string
  readonly watcher: Address
  readonly presentity: Address
  /** Whoever renewed it last: a watcher may come back by another connection. */
  agent: WatcherAgent
  readonly lease: Lease
  /** When it was opened, milliseconds since the epoch. */
  readonly since: number
  /** `pending`: the owner has not decided; `polite`: politely blocked, appears active. */
  state: 'pending' | 'active' | 'polite'
  /** What led to the state (RFC 3857 §4.7.1). */
  event: 'subscribe' | 'approved'
}

export class Subscriptions {
  readonly #byId = new RareMap<string, Subscription>()
  readonly #byWatcher = new RareMap<string, Set<Subscription>>()

  get size(): number {
    return this.#byId.size
  }

  get(id: string): Subscription | undefined {
    return this.#byId.get(id)
  }

  /** False when a limit is met. */
  add(subscription: Subscription): boolean {
    const { key } = subscription.watcher
    const others = this.#byWatcher.get(key)
    if (this.#byId.size >= subscriptionsMax || (others?.size ?? 0) >= subscriptionsOfWatcherMax) return false
    this.#byId.set(subscription.id, subscription)
    if (others === undefined) this.#byWatcher.set(key, new Set([subscription]))
    else others.add(subscription)
    return true
  }

  remove(id: string): Subscription | undefined {
    const subscription = this.#byId.get(id)
    if (subscription === undefined) return undefined
    subscription.lease.cancel()
    this.#byId.delete(id)
    const { key } = subscription.watcher
    const ofWatcher = this.#byWatcher.get(key)
    ofWatcher?.delete(subscription)
    if (ofWatcher?.size === 0) this.#byWatcher.delete(key)
    return subscription
  }

  all(): readonly Subscription[] {
    return [...this.#byId.values()]
  }

  of(watcher: Address): readonly Subscription[] {
    return [...(this.#byWatcher.get(watcher.key) ?? [])]
  }
}
