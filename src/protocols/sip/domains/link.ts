// One other domain as the core sees it (PeerLink): messages, calls, and watching by leased subscription alone.

import type { FetchOutcome, PeerLink, WatcherAgent } from '#core'
import { type Address, type Envelope, type Outcome, type Report, refused, relayed, sipUri } from '#model'
import { pidfMediaType } from '#wire/pidf'
import { isTold } from '../binding-imdn.ts'
import { type MessageParts, messageParts, SipMessageEnvelope } from '../binding-message.ts'
import { SipTransitEnvelope } from '../binding-transit.ts'
import type { UserAgent } from '../client/user-agent.ts'
import { RelayedMessage } from './relayed-message.ts'
import { Watches } from './watches.ts'

export interface LinkParts {
  readonly domain: string
  readonly agent: UserAgent
  /** Whether that person was seen to read Message/CPIM (decision 0095). */
  readonly readsCpim: (person: Address) => boolean
}

export class SipLink implements PeerLink {
  readonly protocol = 'sip'
  readonly words = false
  readonly domain: string
  readonly #parts: LinkParts
  readonly #watches: Watches

  constructor(parts: LinkParts) {
    this.#parts = parts
    this.domain = parts.domain
    this.#watches = new Watches({ agent: parts.agent, uriOf: sipUri, accept: pidfMediaType })
  }

  send(envelope: Envelope, onOutcome: (outcome: Outcome) => void): void {
    const { head } = envelope
    if (envelope instanceof SipTransitEnvelope) {
      // The proxy, which asked whether it may, sends it (RFC 3261 §16).
      if (envelope.leaves === undefined) return onOutcome(refused('operation-not-supported'))
      envelope.leaves()
      return onOutcome(relayed)
    }
    const live = envelope instanceof SipMessageEnvelope ? envelope.live : undefined
    // RFC 3261 §16.3: a proxy passes on what has one hop left; what we write ourselves would leave with none.
    if (head.hops <= (live === undefined ? 1 : 0)) return onOutcome(refused('too-many-hops'))
    // RFC 5438 §8.2: a failure is told who asked to hear of it.
    if (head.kind === 'report' && !isTold(envelope.view() as Report)) return onOutcome(relayed)
    const parts = live === undefined ? this.#partsOf(envelope) : undefined
    // Nothing that could be shown there: a hint, which may be lost.
    if (live === undefined && parts === undefined) return onOutcome(relayed)
    new RelayedMessage(this.#parts.agent, envelope.keep(), parts, onOutcome).begin()
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

  get watches(): number {
    return this.#watches.size
  }

  /** The domain is there again: who waits for an answer asks at once. */
  askAgain(): void {
    this.#watches.askAgain()
  }

  /** The server stops: what is watched is not told that it is over. */
  stop(): void {
    this.#watches.stop()
  }

  #partsOf(envelope: Envelope): MessageParts | undefined {
    const { agent, readsCpim } = this.#parts
    const now = agent.environment.service.clock.now()
    return messageParts(envelope, { now, storedAt: undefined, readsCpim: readsCpim(envelope.head.to) })
  }
}
