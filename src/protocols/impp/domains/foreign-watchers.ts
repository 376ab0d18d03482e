// The subscriptions that people of other domains hold here (IMPP §18.1, §18.2), and what of them outlives a restart.

import { noBytes } from '#base'
import type { StoredSubscription } from '#core'
import type { Address, Condition } from '#model'
import { absentBody, protocolName } from '../binding.ts'
import {
  acceptedTypes,
  type ImppRequest,
  leaseTimeOf,
  leaseTimeText,
  presenceTypeOf,
} from '../codec/index.ts'
import type { Reply } from '../reply.ts'
import type { DomainsEnvironment } from './environment.ts'
import { ForeignWatcher, subscriptionId } from './foreign-watcher.ts'
import type { DomainPair } from './pair.ts'

export class ForeignWatchers {
  readonly #environment: DomainsEnvironment
  readonly #pairOf: (ours: string, theirs: string) => DomainPair
  readonly #byId = new Map<string, ForeignWatcher>()
  readonly #perDomain = new Map<string, number>()

  constructor(environment: DomainsEnvironment, pairOf: (ours: string, theirs: string) => DomainPair) {
    this.#environment = environment
    this.#pairOf = pairOf
  }

  hasAny(domain: string): boolean {
    return this.#count(domain) > 0
  }

  get size(): number {
    return this.#byId.size
  }

  /** SUBSCRIBE: creates or extends; we decide the lease (IMPP §14, D50, D55). */
  subscribe(
    pair: DomainPair,
    request: ImppRequest,
    watcher: Address,
    presentity: Address,
    reply: Reply,
  ): void {
    const { settings, service } = this.#environment
    const { headers } = request
    const wish = headers.get('lease-time')
    const asked = wish === undefined ? settings.subscriptionSecondsDefault : leaseTimeOf(wish)
    if (asked === undefined || asked === 'connection') return reply.error('malformed')
    const type = presenceTypeOf(acceptedTypes(headers.get('accept') ?? ''))
    if (type === undefined) return reply.error('content-not-understood')
    const known = this.#byId.get(subscriptionId(watcher, presentity))
    if (known === undefined && this.#count(pair.theirs) >= settings.domainSubscriptionsMax)
      return reply.error('resource-limit')
    const agent = known ?? this.#open(pair, watcher, presentity)
    agent.type = type
    const seconds = Math.max(
      Math.min(asked, settings.subscriptionSecondsMax),
      settings.subscriptionSecondsMin,
    )
    service.presence.subscribe({ id: agent.id, watcher, presentity, seconds, agent }, (outcome) => {
      if (outcome.kind === 'refused') {
        agent.end(false)
        return reply.refuse(outcome)
      }
      this.#keep(agent, outcome.seconds)
      const granted = (state: string, sequence: string): [string, string][] => [
        ['Lease-Time', leaseTimeText(outcome.seconds)],
        ['Subscription-State', state],
        ['Sequence', sequence],
      ]
      if (outcome.kind === 'pending')
        return reply.ok(granted('pending', agent.nextSequence()), absentBody(presentity, type))
      // The full notification that follows at once is what the OK returns (D74).
      agent.answerWith((body, sequence) => reply.ok(granted('active', sequence), body))
    })
  }

  unsubscribe(watcher: Address, presentity: Address, done: (condition: Condition | undefined) => void): void {
    const agent = this.#byId.get(subscriptionId(watcher, presentity))
    if (agent === undefined) return done('subscription-unknown')
    agent.end(false)
    this.#environment.service.presence.unsubscribe(presentity, agent.id, watcher, (outcome) =>
      done(outcome.kind === 'refused' ? outcome.condition : undefined),
    )
  }

  /** What was subscribed before a restart: its watchers are told how things stand now. */
  async restore(): Promise<void> {
    const { service } = this.#environment
    const now = service.clock.now()
    for (const stored of await service.store.subscriptions(protocolName)) {
      const left = (stored.expires - now) / 1000
      if (left < 1 || !service.router.isLocal(stored.presentity.domain)) this.#forget(stored.id)
      else this.#restoreOne(stored, left)
    }
  }

  #restoreOne({ id, watcher, presentity }: StoredSubscription, seconds: number): void {
    if (this.#byId.has(id)) return
    const agent = this.#open(this.#pairOf(presentity.domain, watcher.domain), watcher, presentity)
    this.#environment.service.presence.subscribe({ id, watcher, presentity, seconds, agent }, (outcome) => {
      if (outcome.kind === 'refused') agent.terminated(id, 'rejected')
    })
  }

  #open(pair: DomainPair, watcher: Address, presentity: Address): ForeignWatcher {
    const agent = new ForeignWatcher(pair, watcher, presentity, (over, unknownThere) => {
      this.#byId.delete(over.id)
      this.#perDomain.set(watcher.domain, this.#count(watcher.domain) - 1)
      if (this.#count(watcher.domain) <= 0) this.#perDomain.delete(watcher.domain)
      this.#forget(over.id)
      if (unknownThere) this.#environment.service.presence.unsubscribe(presentity, over.id, watcher, () => {})
    })
    this.#byId.set(agent.id, agent)
    this.#perDomain.set(watcher.domain, this.#count(watcher.domain) + 1)
    return agent
  }

  #count(domain: string): number {
    return this.#perDomain.get(domain) ?? 0
  }

  /** Nobody waits for it: what a crash takes, its subscriber renews. */
  #keep({ id, watcher, presentity }: ForeignWatcher, seconds: number): void {
    const { service } = this.#environment
    const expires = service.clock.now() + seconds * 1000
    service.store
      .putSubscription({ id, protocol: protocolName, watcher, presentity, expires, state: noBytes })
      .catch((error: unknown) => service.log.error('a subscription could not be stored', { error }))
  }

  #forget(id: string): void {
    const { service } = this.#environment
    service.store
      .removeSubscription(id)
      .catch((error: unknown) => service.log.error('a stored subscription could not be removed', { error }))
  }
}
