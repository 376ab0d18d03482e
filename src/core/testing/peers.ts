// Other domains of the tests: links whose outcomes are the test's choice, and that go down and up.

import type { Address, Condition } from '#model'
import { delivered, type Envelope, type Outcome, type ProtocolName, refused } from '#model'
import type { AuthorizationEvent, WatcherAgent } from '../agents.ts'
import {
  namedWay,
  noWay,
  type PeerExamination,
  type PeerLink,
  type PeerPolicy,
  type PeerProtocol,
  type PeerStatus,
  type Way,
} from '../peers/peers.ts'
import type { FetchOutcome } from '../presence/presence-service.ts'
import { testProtocol } from './envelopes.ts'

type OnOutcome = (outcome: Outcome) => void

/** A link that delivers at once, unless it is down or `onSend` says otherwise. What it was told is written down. */
export class ScriptedLink implements PeerLink {
  readonly protocol: ProtocolName
  readonly domain: string
  words = false
  keepsOrder = false
  up = true
  /** How it refuses while it is down. */
  whenDown: Condition = 'connection-failed'
  /** Every offer, whatever became of it. */
  readonly offered: Envelope[] = []
  /** What the other domain took, in its order. */
  readonly taken: Envelope[] = []
  /** `say`, `watch`, `unwatch` and `fetch`, one line each: `watch romeo@… juliet@…`. */
  readonly log: string[] = []
  onSend: (envelope: Envelope, answer: OnOutcome) => void = (_, answer) => answer(delivered)
  onFetch: (watcher: Address, presentity: Address, answer: (fetched: FetchOutcome) => void) => void = (
    _watcher,
    _presentity,
    answer,
  ) => answer(refused('connection-failed'))
  /** The agent for a foreign watcher, where `words`. */
  watcherOf: (watcher: Address) => WatcherAgent | undefined = () => undefined

  constructor(protocol: ProtocolName, domain: string) {
    this.protocol = protocol
    this.domain = domain
  }

  send(envelope: Envelope, onOutcome: OnOutcome): void {
    const kept = envelope.keep()
    this.offered.push(kept)
    if (!this.up) return onOutcome(refused(this.whenDown))
    this.onSend(kept, (outcome) => {
      if (outcome.kind !== 'refused') this.taken.push(kept)
      onOutcome(outcome)
    })
  }

  say(event: AuthorizationEvent, from: Address, to: Address, source: Envelope | undefined): void {
    this.log.push(`${event} ${from.key} ${to.key}${source === undefined ? '' : ' with its stanza'}`)
  }

  watch(watcher: Address, presentity: Address): void {
    this.log.push(`watch ${watcher.key} ${presentity.key}`)
  }

  unwatch(watcher: Address, presentity: Address): void {
    this.log.push(`unwatch ${watcher.key} ${presentity.key}`)
  }

  fetch(watcher: Address, presentity: Address, onFetched: (fetched: FetchOutcome) => void): void {
    this.log.push(`fetch ${watcher.key} ${presentity.key}`)
    this.onFetch(watcher, presentity, onFetched)
  }

  watcher(watcher: Address): WatcherAgent | undefined {
    return this.watcherOf(watcher)
  }

  /** The identifiers of what the other domain took. */
  get takenIds(): string[] {
    return this.taken.map(({ head }) => head.id)
  }

  /** The lines since it was last asked. */
  take(): string[] {
    return this.log.splice(0)
  }
}

/** A protocol that reaches the domains it is given. */
export class ScriptedPeerProtocol implements PeerProtocol {
  readonly protocol: ProtocolName
  readonly reached: Map<string, Way | 'unanswered'>
  /** The domains it was asked about, each as often as it was. */
  readonly asked: string[] = []
  /** How long an answer takes: until what it gives is fulfilled. */
  delay: () => Promise<void> = () => Promise.resolve()
  readonly #links = new Map<string, ScriptedLink>()

  constructor(reached: readonly string[], protocol: ProtocolName = testProtocol) {
    this.protocol = protocol
    this.reached = new Map(reached.map((domain) => [domain, namedWay]))
  }

  async reaches(domain: string): Promise<Way | 'unanswered'> {
    this.asked.push(domain)
    await this.delay()
    return this.reached.get(domain) ?? noWay
  }

  linkTo(domain: string): ScriptedLink {
    const link = this.#links.get(domain) ?? new ScriptedLink(this.protocol, domain)
    this.#links.set(domain, link)
    return link
  }

  async examine(_ours: string, domain: string): Promise<PeerExamination> {
    const reached = await this.reaches(domain)
    return { reached, source: 'the test', tries: [] }
  }

  status(): readonly PeerStatus[] {
    return [...this.#links.values()].map(({ protocol, domain, up }) => ({
      protocol,
      domain,
      state: up ? 'connected' : 'backing-off',
      connections: [],
      identity: '',
      lastError: '',
    }))
  }
}

/** A domain that we speak with, whatever it wants. */
export const welcome: PeerPolicy = {
  allowed: true,
  protocol: undefined,
  trusted: true,
  messages: true,
  presence: true,
  calls: true,
}
