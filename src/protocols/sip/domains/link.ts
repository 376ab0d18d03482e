// One other domain as the core sees it (PeerLink): messages, calls, and watching by leased subscription alone.

import type { FetchOutcome, PeerLink, WatcherAgent } from '#core'
import { type Address, type Envelope, type Outcome, type Report, refused, relayed, sipUri } from '#model'
import { pidfMediaType } from '#wire/pidf'
import { documentIn, fetchedNotification, fetchRefusal, sourcesOf } from '../binding-domains.ts'
import { isTold } from '../binding-imdn.ts'
import { type MessageParts, messageParts, SipMessageEnvelope } from '../binding-message.ts'
import { SipTransitEnvelope } from '../binding-transit.ts'
import type { UserAgent } from '../client/user-agent.ts'
import { bodyOf } from '../codec/message.ts'
import { RelayedMessage } from './relayed-message.ts'
import { Watch } from './watch.ts'

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
  readonly #watches = new Map<string, Watch>()

  constructor(parts: LinkParts) {
    this.#parts = parts
    this.domain = parts.domain
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
    const key = watchKey(watcher, presentity)
    const known = this.#watches.get(key)
    if (known !== undefined) return known.refresh()
    this.#watches.set(
      key,
      new Watch(this.#parts.agent, sipUri(presentity), watcher, presentity, (over) => {
        if (this.#watches.get(key) === over) this.#watches.delete(key)
      }),
    )
  }

  unwatch(watcher: Address, presentity: Address): void {
    this.#watches.get(watchKey(watcher, presentity))?.end()
  }

  fetch(watcher: Address, presentity: Address, onFetched: (fetched: FetchOutcome) => void): void {
    const { agent } = this.#parts
    let told = false
    const tell = (fetched: FetchOutcome): void => {
      if (!told) onFetched(fetched)
      told = true
    }
    agent.subscribe(
      { uri: sipUri(presentity), from: watcher, event: 'presence', accept: pidfMediaType, seconds: 0 },
      {
        onState: () => undefined,
        onNotify: (request) => {
          const document = documentIn(request, agent.environment.service.clock.now())
          if (typeof document === 'string') tell(refused('content-not-understood'))
          else if (document !== undefined) {
            const sources = sourcesOf(document, bodyOf(request), watcher, presentity)
            tell({ kind: 'fetched', notification: fetchedNotification(sources, presentity) })
          }
          return 200
        },
        onLapsed: () => undefined,
        // Without a document nothing may be seen: the owner has to be asked, or has refused.
        onEnded: (reason, status) =>
          tell(
            reason === 'asked-once' || reason === 'rejected'
              ? refused('permission-denied')
              : fetchRefusal(status),
          ),
      },
    )
  }

  watcher(): WatcherAgent | undefined {
    return undefined
  }

  get watches(): number {
    return this.#watches.size
  }

  /** The domain is there again: who waits for an answer asks at once. */
  askAgain(): void {
    for (const watch of this.#watches.values()) watch.refresh()
  }

  /** The server stops: what is watched is not told that it is over. */
  stop(): void {
    for (const watch of [...this.#watches.values()]) watch.abandon()
  }

  #partsOf(envelope: Envelope): MessageParts | undefined {
    const { agent, readsCpim } = this.#parts
    const now = agent.environment.service.clock.now()
    return messageParts(envelope, { now, storedAt: undefined, readsCpim: readsCpim(envelope.head.to) })
  }
}

function watchKey(watcher: Address, presentity: Address): string {
  return `${watcher.key}\n${presentity.key}`
}
