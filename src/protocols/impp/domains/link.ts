// One other domain as the core sees it (PeerLink): messages, and watching by leased subscription alone.

import { type FetchOutcome, fetchedNotification, type PeerLink, type WatcherAgent } from '#core'
import { type Address, type Envelope, type Outcome, refused } from '#model'
import { type KeptLink, WatchBook } from '#protocols/exchange'
import { protocolName } from '../binding.ts'
import {
  documentIn,
  forwardedSend,
  freshTransmission,
  offerOf,
  outcomeOf,
  presenceRequest,
  refusalIn,
  sourcesOf,
} from '../binding-domains.ts'
import type { DomainsEnvironment } from './environment.ts'
import type { Carried } from './outstanding.ts'
import type { DomainPair } from './pair.ts'
import { Watch } from './watch.ts'

/** LIMIT: messages of which nobody knows whether they were taken, remembered until they are offered again. */
const doubtfulMax = 10_000

export interface LinkParts {
  readonly domain: string
  readonly environment: DomainsEnvironment
  readonly pairOf: (ours: string) => DomainPair
  /** `host:port` of a server of the domain to which our users are to go themselves (IMPP §10, D30); undefined: by us. */
  readonly direct: () => Promise<string | undefined> | undefined
}

export class ImppLink implements PeerLink, KeptLink {
  readonly protocol = protocolName
  readonly words = false
  readonly domain: string
  readonly #parts: LinkParts
  /** What was sent and never answered, by what two offers of it have in common: how that sending was marked. */
  readonly #doubtful = new Map<string, string>()
  readonly #watches: WatchBook<Watch>

  constructor(parts: LinkParts) {
    this.#parts = parts
    this.domain = parts.domain
    this.#watches = new WatchBook(
      (watcher, presentity, onOver) => new Watch(parts.pairOf(watcher.domain), watcher, presentity, onOver),
    )
  }

  send(envelope: Envelope, onOutcome: (outcome: Outcome) => void): void {
    const { head } = envelope
    if (head.hops <= 1) return onOutcome(refused('too-many-hops'))
    const direct =
      head.protocol === protocolName && head.kind === 'message' ? this.#parts.direct() : undefined
    if (direct !== undefined) return redirect(direct, onOutcome)
    const kept = envelope.keep()
    const { metrics } = this.#parts.environment
    // Told only where a sending is in doubt: what was answered may come again as another message.
    const offer = this.#doubtful.size === 0 ? undefined : offerOf(kept)
    const transmission = (offer && this.#doubtful.get(offer)) ?? freshTransmission(head)
    const pair = this.#parts.pairOf(head.from.domain)
    const forwarded = forwardedSend(envelope, kept, pair.ours, transmission)
    if (typeof forwarded === 'string') return onOutcome(refused(forwarded))
    metrics.sent.add()
    const { key, octets, lane } = forwarded
    const taken = pair.outstanding.request(key, octets, lane, (carried) => {
      if (carried === 'timeout') this.#doubt(offerOf(kept), transmission)
      else if (carried !== 'unreachable' && this.#doubtful.size > 0) this.#doubtful.delete(offerOf(kept))
      onOutcome(this.#outcomeOf(carried))
    })
    if (!taken) onOutcome(refused('connection-failed'))
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

  /** The watch that a CHANGE-NOTIFY is about. */
  watchOf(watcher: Address, presentity: Address): Watch | undefined {
    return this.#watches.of(watcher, presentity)
  }

  fetch(watcher: Address, presentity: Address, onFetched: (fetched: FetchOutcome) => void): void {
    const pair = this.#parts.pairOf(watcher.domain)
    const { key, octets, lane } = presenceRequest('FETCH', watcher, presentity)
    this.#parts.environment.metrics.sent.add()
    const taken = pair.outstanding.request(key, octets, lane, (carried) =>
      onFetched(this.#fetched(carried, watcher, presentity)),
    )
    if (!taken) onFetched(refused('connection-failed'))
  }

  watcher(): WatcherAgent | undefined {
    return undefined
  }

  /** The server stops: what is watched is not told that it is over. */
  stop(): void {
    for (const watch of this.#watches.all()) watch.abandon()
  }

  get isWatching(): boolean {
    return this.#watches.size > 0
  }

  #fetched(carried: Carried, watcher: Address, presentity: Address): FetchOutcome {
    const failed = notCarried(carried)
    if (failed !== undefined) return failed
    const response = carried as Exclude<Carried, string>
    if (!response.ok) return refused(refusalIn(response).condition)
    const document = documentIn(response, this.#parts.environment.service.clock.now())
    if (document === undefined || typeof document === 'string') return refused('content-not-understood')
    return {
      kind: 'fetched',
      notification: fetchedNotification(presentity, sourcesOf(document, watcher, presentity)),
    }
  }

  #outcomeOf(carried: Carried): Outcome {
    return (
      notCarried(carried) ??
      outcomeOf(carried as Exclude<Carried, string>, this.#parts.environment.service.clock.now())
    )
  }

  #doubt(offer: string, transmission: string): void {
    if (this.#doubtful.size >= doubtfulMax) {
      for (const oldest of this.#doubtful.keys()) {
        this.#doubtful.delete(oldest)
        break
      }
    }
    this.#doubtful.set(offer, transmission)
  }
}

function notCarried(carried: Carried): (Outcome & { kind: 'refused' }) | undefined {
  if (carried === 'timeout') return refused('remote-timeout')
  if (carried === 'unreachable') return refused('connection-failed')
  return carried === 'too-large' ? refused('message-too-large') : undefined
}

function redirect(to: Promise<string | undefined>, onOutcome: (outcome: Outcome) => void): void {
  to.then((location) =>
    onOutcome(
      location === undefined
        ? refused('connection-failed')
        : { kind: 'refused', condition: 'redirect-to-server', location },
    ),
  )
}
