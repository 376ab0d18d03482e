// People of other domains who watch people here, by leased subscriptions (docs/specs/prim.md §8.4), and what of them outlives a restart. At
// most one NOTIFY of a subscription is under way; what changes meanwhile is told when that one is answered, and only as it then is.

import { type Timer, text, utf8 } from '#base'
import type { PresenceNotification, StoredSubscription, TerminationReason, WatcherAgent } from '#core'
import type { Address } from '#model'
import type { Settled } from '#wire/exchange'
import { absentBody, notificationBody, protocolName } from '../binding.ts'
import { type Body, dateText, idOf, isSuccess, type PrimResponse, requestBytes } from '../codec/index.ts'
import type { Reply } from '../reply.ts'
import type { DomainsEnvironment } from './environment.ts'
import type { DomainPair } from './pair.ts'

/** NOTIFYs in a row that fail before the subscription is dropped (§6.3), and seconds between them. */
const failuresMax = 3
const againSeconds = 15

class ForeignWatcher implements WatcherAgent {
  readonly protocol = protocolName
  readonly watcher: Address
  readonly presentity: Address
  readonly subscriptionId: string
  readonly id: string
  readonly #pair: DomainPair
  readonly #onOver: (over: ForeignWatcher, dropped: boolean) => void
  #due = 0
  #underWay = false
  #latest: PresenceNotification | undefined
  #again: Timer | undefined
  #failures = 0
  #isOver = false

  constructor(
    pair: DomainPair,
    watcher: Address,
    presentity: Address,
    subscriptionId: string,
    onOver: (over: ForeignWatcher, dropped: boolean) => void,
  ) {
    this.#pair = pair
    this.watcher = watcher
    this.presentity = presentity
    this.subscriptionId = subscriptionId
    this.id = idOfSubscription(watcher, presentity, subscriptionId)
    this.#onOver = onOver
  }

  granted(seconds: number): void {
    this.#due = this.#clock.monotonic() + seconds * 1000
  }

  notify(notification: PresenceNotification): void {
    this.#latest = notification
    if (!this.#underWay) this.#tell()
  }

  terminated(_subscriptionId: string, reason: TerminationReason): void {
    if (this.#isOver) return
    this.end(false)
    // Who subscribed knows the Duration: its end needs no word.
    if (reason === 'timeout') return
    const octets = this.#notify(0, absentBody(this.presentity))
    this.#pair.request({ octets, settle: () => {} })
  }

  /** Nothing more will be told. `dropped`: it was the other domain that did not want it. */
  end(dropped: boolean): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#again?.cancel()
    this.#onOver(this, dropped)
  }

  get #clock() {
    return this.#pair.environment.service.clock
  }

  #tell(): void {
    const notification = this.#latest
    this.#latest = undefined
    if (notification === undefined || this.#isOver) return
    const left = Math.max(1, Math.ceil((this.#due - this.#clock.monotonic()) / 1000))
    const octets = this.#notify(left, notificationBody(notification))
    this.#underWay = true
    const taken = this.#pair.request({ octets, settle: (settled) => this.#told(settled, notification) })
    if (!taken) this.#told('closed', notification)
  }

  #told(settled: Settled<PrimResponse>, notification: PresenceNotification): void {
    this.#underWay = false
    if (typeof settled === 'object' && isSuccess(settled.status)) {
      this.#failures = 0
      return this.#tell()
    }
    const isUnknown = typeof settled === 'object' && settled.status === 403
    if (isUnknown || ++this.#failures >= failuresMax) return this.end(true)
    this.#latest ??= notification
    this.#again?.cancel()
    this.#again = this.#clock.schedule(againSeconds * 1000, () => {
      if (!this.#underWay) this.#tell()
    })
  }

  #notify(seconds: number, body: Body): (id: string) => readonly Uint8Array[] {
    const { presentity, watcher, subscriptionId } = this
    const date = dateText(this.#clock.now())
    return (id) => [
      requestBytes(
        'NOTIFY',
        'PRIM',
        id,
        [
          ['From', idOf(presentity, 'pres')],
          ['To', idOf(watcher, 'pres')],
          ['Subscription-ID', subscriptionId],
          ['Duration', String(seconds)],
          ['Date', date],
        ],
        body,
      ),
    ]
  }
}

export class ForeignWatchers {
  readonly #environment: DomainsEnvironment
  readonly #pairOf: (ours: string, theirs: string) => DomainPair
  readonly #byId = new Map<string, ForeignWatcher>()
  readonly #perDomain = new Map<string, number>()

  constructor(environment: DomainsEnvironment, pairOf: (ours: string, theirs: string) => DomainPair) {
    this.#environment = environment
    this.#pairOf = pairOf
  }

  get size(): number {
    return this.#byId.size
  }

  hasAny(domain: string): boolean {
    return this.#perDomain.has(domain)
  }

  /** SUBSCRIBE with a Duration: opens or renews. */
  subscribe(watcher: Address, presentity: Address, subscriptionId: string, wish: number, reply: Reply): void {
    const { settings, service } = this.#environment
    const known = this.#byId.get(idOfSubscription(watcher, presentity, subscriptionId))
    if (known === undefined && this.#count(watcher.domain) >= settings.domainSubscriptionsMax)
      return reply.error('resource-limit')
    const agent = known ?? this.#open(watcher, presentity, subscriptionId)
    const seconds = Math.max(Math.min(wish, settings.subscriptionSecondsMax), settings.subscriptionSecondsMin)
    service.presence.subscribe({ id: agent.id, watcher, presentity, seconds, agent }, (outcome) => {
      if (outcome.kind === 'refused') {
        agent.end(false)
        return reply.refuse(outcome)
      }
      agent.granted(outcome.seconds)
      this.#keep(agent, outcome.seconds)
      // Where the presentity must agree first, NOTIFY follows when it has (§8.4).
      reply.give(outcome.seconds === wish ? 200 : 201, [['Duration', String(outcome.seconds)]])
    })
  }

  /** Ends those of the pair with that id, or all: how many there were. */
  unsubscribe(watcher: Address, presentity: Address, subscriptionId: string | undefined): number {
    let ended = 0
    for (const agent of [...this.#byId.values()]) {
      const isPair = agent.watcher.key === watcher.key && agent.presentity.key === presentity.key
      if (!isPair || (subscriptionId !== undefined && agent.subscriptionId !== subscriptionId)) continue
      agent.end(true)
      ended++
    }
    return ended
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

  #restoreOne({ id, watcher, presentity, state }: StoredSubscription, seconds: number): void {
    if (this.#byId.has(id)) return
    const agent = this.#open(watcher, presentity, text(state))
    agent.granted(seconds)
    this.#environment.service.presence.subscribe({ id, watcher, presentity, seconds, agent }, (outcome) => {
      if (outcome.kind === 'refused') agent.terminated(id, 'rejected')
    })
  }

  #open(watcher: Address, presentity: Address, subscriptionId: string): ForeignWatcher {
    const pair = this.#pairOf(presentity.domain, watcher.domain)
    const agent = new ForeignWatcher(pair, watcher, presentity, subscriptionId, (over, dropped) => {
      this.#byId.delete(over.id)
      this.#perDomain.set(watcher.domain, this.#count(watcher.domain) - 1)
      if (this.#count(watcher.domain) <= 0) this.#perDomain.delete(watcher.domain)
      this.#forget(over.id)
      if (dropped) this.#environment.service.presence.unsubscribe(presentity, over.id, watcher, () => {})
    })
    this.#byId.set(agent.id, agent)
    this.#perDomain.set(watcher.domain, this.#count(watcher.domain) + 1)
    return agent
  }

  #count(domain: string): number {
    return this.#perDomain.get(domain) ?? 0
  }

  /** Nobody waits for it: what a crash takes, its subscriber renews. */
  #keep({ id, watcher, presentity, subscriptionId }: ForeignWatcher, seconds: number): void {
    const { service } = this.#environment
    const expires = service.clock.now() + seconds * 1000
    const state = utf8(subscriptionId)
    service.store
      .putSubscription({ id, protocol: protocolName, watcher, presentity, expires, state })
      .catch((error: unknown) => service.log.error('a subscription could not be stored', { error }))
  }

  #forget(id: string): void {
    const { service } = this.#environment
    service.store
      .removeSubscription(id)
      .catch((error: unknown) => service.log.error('a stored subscription could not be removed', { error }))
  }
}

function idOfSubscription(watcher: Address, presentity: Address, subscriptionId: string): string {
  return `prim ${watcher.key} ${presentity.key} ${subscriptionId}`
}
