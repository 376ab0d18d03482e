// The subscriptions that people of other domains hold here (IMPP §18.1, §18.2), and what of them outlives a restart.

import type { Address, Condition } from '#model'
import { ForeignSubscriptions } from '#protocols/exchange'
import { absentBody, protocolName } from '../binding.ts'
import {
  acceptedTypes,
  type Body,
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
  readonly #held: ForeignSubscriptions<ForeignWatcher>

  constructor(environment: DomainsEnvironment, pairOf: (ours: string, theirs: string) => DomainPair) {
    this.#environment = environment
    this.#held = new ForeignSubscriptions({
      service: environment.service,
      protocol: protocolName,
      perDomainMax: environment.settings.domainSubscriptionsMax,
      revive: ({ watcher, presentity }) =>
        this.#made(pairOf(presentity.domain, watcher.domain), watcher, presentity),
    })
  }

  hasAny(domain: string): boolean {
    return this.#held.hasAny(domain)
  }

  get size(): number {
    return this.#held.size
  }

  restore(): Promise<void> {
    return this.#held.restore()
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
    const known = this.#held.get(subscriptionId(watcher, presentity))
    if (known === undefined && this.#held.isFullFor(pair.theirs)) return reply.error('resource-limit')
    const agent = known ?? this.#held.add(this.#made(pair, watcher, presentity))
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
      const kept = this.#held.keep(agent, outcome.seconds)
      const ok = (fields: [string, string][], body: Body): void =>
        void kept.then(() => reply.ok(fields, body))
      const granted = (state: string, sequence: string): [string, string][] => [
        ['Lease-Time', leaseTimeText(outcome.seconds)],
        ['Subscription-State', state],
        ['Sequence', sequence],
      ]
      if (outcome.kind === 'pending')
        return ok(granted('pending', agent.nextSequence()), absentBody(presentity, type))
      // The full notification that follows at once is what the OK returns (D74).
      agent.answerWith((body, sequence) => ok(granted('active', sequence), body))
    })
  }

  unsubscribe(watcher: Address, presentity: Address, done: (condition: Condition | undefined) => void): void {
    const agent = this.#held.get(subscriptionId(watcher, presentity))
    if (agent === undefined) return done('subscription-unknown')
    agent.end(false)
    this.#environment.service.presence.unsubscribe(presentity, agent.id, watcher, (outcome) =>
      done(outcome.kind === 'refused' ? outcome.condition : undefined),
    )
  }

  #made(pair: DomainPair, watcher: Address, presentity: Address): ForeignWatcher {
    return new ForeignWatcher(pair, watcher, presentity, this.#held.onOver)
  }
}
