// The leased subscriptions that people of other domains hold here, and what of them outlives a restart. How each is told is its protocol's.
import type { Bytes } from '#base'
import type { Service, StoredSubscription, WatcherAgent } from '#core'
import type { Address } from '#model'

/** One of them, as its protocol tells it. */
export interface ForeignSubscription extends WatcherAgent {
  /** The same for every SUBSCRIBE that renews it. */
  readonly id: string
  readonly presentity: Address
  /** What its protocol must know of it after a restart. */
  readonly state: Bytes
}

/** It is over; `isDropped`: the other domain did not want it, and the presence service has not heard of that. */
export type OnOver = (over: ForeignSubscription, isDropped: boolean) => void

export interface ForeignSubscriptionsParts<Agent> {
  readonly service: Service
  readonly protocol: string
  /** LIMIT: subscriptions of one domain. */
  readonly perDomainMax: number
  /** One of the watcher's, by what was kept of it. */
  readonly revive: (stored: StoredSubscription, seconds: number) => Agent
}

export class ForeignSubscriptions<Agent extends ForeignSubscription> {
  readonly #parts: ForeignSubscriptionsParts<Agent>
  readonly #byId = new Map<string, Agent>()
  readonly #perDomain = new Map<string, number>()
  /** For the making of one. */
  readonly onOver: OnOver = (over, isDropped) => this.#over(over, isDropped)

  constructor(parts: ForeignSubscriptionsParts<Agent>) {
    this.#parts = parts
  }

  get size(): number {
    return this.#byId.size
  }

  hasAny(domain: string): boolean {
    return this.#perDomain.has(domain)
  }

  get(id: string): Agent | undefined {
    return this.#byId.get(id)
  }

  /** All, while some may end. */
  all(): readonly Agent[] {
    return [...this.#byId.values()]
  }

  /** Whether one more of that domain is too many. */
  isFullFor(domain: string): boolean {
    return this.#count(domain) >= this.#parts.perDomainMax
  }

  add(agent: Agent): Agent {
    this.#byId.set(agent.id, agent)
    this.#perDomain.set(agent.watcher.domain, this.#count(agent.watcher.domain) + 1)
    return agent
  }

  /**
   * It was granted for so long. Resolves when a kill would not take it: whoever hears sooner that it was granted waits until the renewal for news that
   * nobody sends. Where it could not be written it holds as long as this process.
   */
  async keep({ id, watcher, presentity, state }: Agent, seconds: number): Promise<void> {
    const { service, protocol } = this.#parts
    const expires = service.clock.now() + seconds * 1000
    try {
      await service.store.putSubscription({ id, protocol, watcher, presentity, expires, state })
    } catch (error) {
      service.log.error('a subscription could not be stored', { error })
    }
  }

  /** What was subscribed before a restart: its watchers are told how things stand now. */
  async restore(): Promise<void> {
    const { service, protocol } = this.#parts
    const now = service.clock.now()
    for (const stored of await service.store.subscriptions(protocol)) {
      const left = (stored.expires - now) / 1000
      if (left < 1 || !service.router.isLocal(stored.presentity.domain)) this.#forget(stored.id)
      else this.#restoreOne(stored, left)
    }
  }

  #restoreOne(stored: StoredSubscription, seconds: number): void {
    const { id, watcher, presentity } = stored
    if (this.#byId.has(id)) return
    const agent = this.add(this.#parts.revive(stored, seconds))
    this.#parts.service.presence.subscribe({ id, watcher, presentity, seconds, agent }, (outcome) => {
      if (outcome.kind === 'refused') agent.terminated(id, 'rejected')
    })
  }

  #over({ id, watcher, presentity }: ForeignSubscription, isDropped: boolean): void {
    this.#byId.delete(id)
    const left = this.#count(watcher.domain) - 1
    if (left > 0) this.#perDomain.set(watcher.domain, left)
    else this.#perDomain.delete(watcher.domain)
    this.#forget(id)
    if (isDropped) this.#parts.service.presence.unsubscribe(presentity, id, watcher, () => {})
  }

  #count(domain: string): number {
    return this.#perDomain.get(domain) ?? 0
  }

  #forget(id: string): void {
    const { service } = this.#parts
    service.store
      .removeSubscription(id)
      .catch((error: unknown) => service.log.error('a stored subscription could not be removed', { error }))
  }
}
