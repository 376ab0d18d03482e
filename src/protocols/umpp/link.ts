// One other domain as the core sees it (PeerLink): messages by sessions, presence by leased subscriptions (UMPP §4.1, §4.2).

import type { FetchOutcome, PeerLink, WatcherAgent } from '#core'
import { type Address, type Envelope, type Outcome, presUri, refused } from '#model'
import { Watches } from '#protocols/sip'
import { olderPidfMediaType, pidfMediaType } from '#wire/pidf'
import type { UmppEnvironment } from './environment.ts'
import { ofTheSession } from './errors.ts'
import type { Sessions } from './sessions.ts'

export interface LinkParts {
  readonly domain: string
  readonly environment: UmppEnvironment
  readonly sessions: Sessions
  /** Its link by XMPP, for messages whose session it will not have; undefined: they are refused. */
  readonly otherwise: (() => PeerLink) | undefined
}

export class UmppLink implements PeerLink {
  readonly protocol = 'umpp'
  readonly words = false
  readonly domain: string
  readonly #parts: LinkParts
  readonly #watches: Watches

  constructor(parts: LinkParts) {
    const { domain, environment } = parts
    this.#parts = parts
    this.domain = domain
    this.#watches = new Watches({
      agent: environment.userAgent,
      uriOf: presUri,
      // Peers of the draft's time know the older name alone (RFC 3863 §1).
      accept: `${pidfMediaType}, ${olderPidfMediaType}`,
      places: environment.placesFor(domain),
    })
  }

  send(envelope: Envelope, onOutcome: (outcome: Outcome) => void): void {
    const { otherwise, sessions } = this.#parts
    // Requests between devices have no session to go by.
    if (envelope.head.kind === 'transit') return onOutcome(refused('operation-not-supported'))
    if (otherwise === undefined) return sessions.send(envelope, onOutcome)
    const kept = envelope.keep()
    sessions.send(kept, (outcome) => {
      if (outcome.kind === 'refused' && ofTheSession.has(outcome.condition)) otherwise().send(kept, onOutcome)
      else onOutcome(outcome)
    })
  }

  say(): void {
    // There are no words here (`words`).
  }

  watch(watcher: Address, presentity: Address): void {
    this.#watches.watch(watcher, presentity)
  }

  unwatch(watcher: Address, presentity: Address): void {
    this.#watches.unwatch(watcher, presentity)
  }

  fetch(watcher: Address, presentity: Address, onFetched: (fetched: FetchOutcome) => void): void {
    this.#watches.fetch(watcher, presentity, onFetched)
  }

  watcher(): WatcherAgent | undefined {
    return undefined
  }

  askAgain(): void {
    this.#watches.askAgain()
  }

  /** Nobody's presence hangs on it. */
  get isIdle(): boolean {
    return this.#watches.size === 0
  }

  stop(): void {
    this.#watches.stop()
  }
}
