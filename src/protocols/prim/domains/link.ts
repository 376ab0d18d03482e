// One other domain as the core sees it (PeerLink): messages, and watching by leased subscription alone.

import { type FetchOutcome, fetchedNotification, type PeerLink, type WatcherAgent } from '#core'
import { type Address, type Envelope, type Outcome, refused } from '#model'
import { type KeptLink, WatchBook } from '#protocols/exchange'
import type { Settled } from '#wire/exchange'
import { protocolName } from '../binding.ts'
import { documentIn, forwardedSend, outcomeOf, refusalIn, sourcesOf } from '../binding-domains.ts'
import { idOf, type PrimResponse, requestBytes } from '../codec/index.ts'
import type { DomainsEnvironment } from './environment.ts'
import { Overloads } from './overloads.ts'
import type { DomainPair } from './pair.ts'
import { Watch } from './watch.ts'

export interface LinkParts {
  readonly domain: string
  readonly environment: DomainsEnvironment
  readonly pairOf: (ours: string) => DomainPair
}

export class PrimLink implements PeerLink, KeptLink {
  readonly protocol = protocolName
  readonly words = false
  readonly domain: string
  readonly #parts: LinkParts
  readonly #overloads = new Overloads()
  readonly #watches: WatchBook<Watch>

  constructor(parts: LinkParts) {
    this.#parts = parts
    this.domain = parts.domain
    this.#watches = new WatchBook(
      (watcher, presentity, onOver) => new Watch(parts.pairOf(watcher.domain), watcher, presentity, onOver),
    )
  }

  get isWatching(): boolean {
    return this.#watches.size > 0
  }

  send(envelope: Envelope, onOutcome: (outcome: Outcome) => void): void {
    const { head } = envelope
    if (head.kind === 'transit' || head.kind === 'presence')
      return onOutcome(refused('operation-not-supported'))
    if (head.hops <= 1) return onOutcome(refused('too-many-hops'))
    const { clock } = this.#parts.environment.service
    const octets = forwardedSend(envelope, 'medium', clock.now())
    if (typeof octets === 'string') return onOutcome(refused(octets))
    const pair = this.#parts.pairOf(head.from.domain)
    const settle = (settled: Settled<PrimResponse>): void => {
      const isBusy = typeof settled === 'object' && settled.status === 500
      onOutcome(this.#overloads.isPast(head, isBusy) ? refused('internal-fault') : outcomeOf(settled))
    }
    const taken = pair.request({ octets, settle })
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

  /** The watch that a NOTIFY is about; the earlier drafts have one of a pair, and no Subscription-ID. */
  watchOf(watcher: Address, presentity: Address, id: string | undefined): Watch | undefined {
    const watch = this.#watches.of(watcher, presentity)
    return id === undefined || watch?.id === id ? watch : undefined
  }

  fetch(watcher: Address, presentity: Address, onFetched: (fetched: FetchOutcome) => void): void {
    const octets = (id: string): Uint8Array[] => [
      requestBytes('FETCH', 'PRIM', id, [
        ['From', idOf(watcher, 'pres')],
        ['To', idOf(presentity, 'pres')],
        ['AStrength', 'medium'],
      ]),
    ]
    const settle = (settled: Settled<PrimResponse>): void =>
      onFetched(this.#fetched(settled, watcher, presentity))
    if (!this.#parts.pairOf(watcher.domain).request({ octets, settle }))
      onFetched(refused('connection-failed'))
  }

  watcher(): WatcherAgent | undefined {
    return undefined
  }

  /** The server stops: what is watched is not told that it is over. */
  stop(): void {
    for (const watch of this.#watches.all()) watch.over()
  }

  #fetched(settled: Settled<PrimResponse>, watcher: Address, presentity: Address): FetchOutcome {
    if (settled === 'timeout') return refused('remote-timeout')
    if (settled === 'closed') return refused('connection-failed')
    if (settled.status !== 200) return refused(refusalIn(settled))
    const document = documentIn(settled, this.#parts.environment.service.clock.now())
    if (typeof document === 'string') return refused('content-not-understood')
    return {
      kind: 'fetched',
      notification: fetchedNotification(presentity, sourcesOf(document, watcher, presentity)),
    }
  }
}
