// People of other domains who watch people here (docs/specs/prim.md §8.4), as they subscribe, renew and leave.
import { text } from '#base'
import type { Address } from '#model'
import { ForeignSubscriptions } from '#protocols/exchange'
import { protocolName } from '../binding.ts'
import type { Reply } from '../reply.ts'
import type { DomainsEnvironment } from './environment.ts'
import { ForeignWatcher, idOfSubscription } from './foreign-watcher.ts'
import type { DomainPair } from './pair.ts'

export class ForeignWatchers {
  readonly #environment: DomainsEnvironment
  readonly #held: ForeignSubscriptions<ForeignWatcher>
  readonly #pairOf: (ours: string, theirs: string) => DomainPair

  constructor(environment: DomainsEnvironment, pairOf: (ours: string, theirs: string) => DomainPair) {
    this.#environment = environment
    this.#pairOf = pairOf
    this.#held = new ForeignSubscriptions({
      service: environment.service,
      protocol: protocolName,
      perDomainMax: environment.settings.domainSubscriptionsMax,
      revive: ({ watcher, presentity, state }, seconds) => {
        const agent = this.#made(watcher, presentity, text(state))
        agent.granted(seconds)
        return agent
      },
    })
  }

  get size(): number {
    return this.#held.size
  }

  hasAny(domain: string): boolean {
    return this.#held.hasAny(domain)
  }

  restore(): Promise<void> {
    return this.#held.restore()
  }

  /** SUBSCRIBE with a Duration: opens or renews. */
  subscribe(watcher: Address, presentity: Address, subscriptionId: string, wish: number, reply: Reply): void {
    const { settings, service } = this.#environment
    const known = this.#held.get(idOfSubscription(watcher, presentity, subscriptionId))
    if (known === undefined && this.#held.isFullFor(watcher.domain)) return reply.error('resource-limit')
    const agent = known ?? this.#held.add(this.#made(watcher, presentity, subscriptionId))
    const seconds = Math.max(Math.min(wish, settings.subscriptionSecondsMax), settings.subscriptionSecondsMin)
    service.presence.subscribe({ id: agent.id, watcher, presentity, seconds, agent }, (outcome) => {
      if (outcome.kind === 'refused') {
        agent.end(false)
        return reply.refuse(outcome)
      }
      agent.granted(outcome.seconds)
      // Where the presentity must agree first, NOTIFY follows when it has (§8.4).
      const status = outcome.seconds === wish ? 200 : 201
      const granted = (): void => {
        reply.give(status, [['Duration', String(outcome.seconds)]])
        agent.answered()
      }
      agent.answering()
      void this.#held.keep(agent, outcome.seconds).then(granted)
    })
  }

  /** Ends those of the pair with that id, or all: how many there were. */
  unsubscribe(watcher: Address, presentity: Address, subscriptionId: string | undefined): number {
    const named = subscriptionId && this.#held.get(idOfSubscription(watcher, presentity, subscriptionId))
    const all = subscriptionId === undefined ? this.#ofPair(watcher, presentity) : named ? [named] : []
    for (const agent of all) agent.end(true)
    return all.length
  }

  #ofPair(watcher: Address, presentity: Address): readonly ForeignWatcher[] {
    return this.#held
      .all()
      .filter((agent) => agent.watcher.key === watcher.key && agent.presentity.key === presentity.key)
  }

  #made(watcher: Address, presentity: Address, subscriptionId: string): ForeignWatcher {
    const pair = this.#pairOf(presentity.domain, watcher.domain)
    return new ForeignWatcher(pair, watcher, presentity, subscriptionId, this.#held.onOver)
  }
}
