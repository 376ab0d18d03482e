// A watch operation in progress (RFC 3343 §4.3): its originator is told by `notify` who subscribes and who does no more.

import type { Account, Lease, WatcherInfo, WatcherInfoAgent } from '#core'
import type { Address } from '#model'
import { type EndpointName, endpointOf, notifyText, terminateText } from '../codec/index.ts'
import type { Relay } from '../relay.ts'
import type { Operation } from './operation.ts'

export interface WatcherFeedParts {
  readonly relay: Relay
  readonly originator: EndpointName
  readonly account: Account
  readonly domain: string
  readonly transId: number
  readonly seconds: number
  readonly onOver: (feed: WatcherFeed) => void
}

/** LIMIT: events that wait while the originator is not attached; past it the oldest are forgotten. */
const waitingMax = 1000

export class WatcherFeed implements WatcherInfoAgent, Operation {
  readonly kind = 'watch'
  readonly #parts: WatcherFeedParts
  readonly #known = new Set<string>()
  readonly #waiting: string[] = []
  readonly #lease: Lease | undefined

  constructor(parts: WatcherFeedParts) {
    this.#parts = parts
    const { service } = parts.relay
    const watchers = service.presence.watchers(parts.account)
    for (const info of watchers) this.#changed(info)
    if (parts.seconds === 0) return
    service.presence.watchWatchers(parts.account, this)
    this.#lease = service.leases.grant(parts.seconds, () => {
      this.#post(terminateText(parts.transId))
      this.end()
    })
  }

  get originator(): EndpointName {
    return this.#parts.originator
  }

  get transId(): number {
    return this.#parts.transId
  }

  get subject(): string {
    return this.#parts.account.address.key
  }

  watchersChanged(_owner: Address, changes: readonly WatcherInfo[]): void {
    for (const change of changes) this.#changed(change)
  }

  /** "whenever a subscribe operation succeeds": a poll is one that is over at once. */
  fetched(_owner: Address, watcher: Address): void {
    this.#tell(watcher, 'subscribe', 0)
  }

  end(): void {
    const { relay, account, onOver } = this.#parts
    this.#lease?.cancel()
    relay.service.presence.unwatchWatchers(account, this)
    onOver(this)
  }

  catchUp(): void {
    for (const inline of this.#waiting.splice(0)) this.#post(inline)
  }

  #changed({ id, watcher, status, lease }: WatcherInfo): void {
    if (status === 'terminated') {
      if (this.#known.delete(id)) this.#tell(watcher, 'terminate', 0)
    } else if (status === 'active' && !this.#known.has(id)) {
      this.#known.add(id)
      this.#tell(watcher, 'subscribe', lease?.secondsLeft ?? 0)
    }
  }

  #tell(watcher: Address, action: 'subscribe' | 'terminate', seconds: number): void {
    this.#post(notifyText(this.transId, endpointOf(watcher).written, action, seconds))
  }

  #post(inline: string): void {
    const { relay, originator, domain } = this.#parts
    if (relay.post({ service: 'presence', domain, to: originator, inline })) return
    if (this.#waiting.length >= waitingMax) this.#waiting.shift()
    this.#waiting.push(inline)
  }
}
