// Who watches, told to the presentity that asked (docs/specs/prim.md §6.6): WATCHERNOTIFY. PRIM tells an event, not a state.

import type { WatcherInfo, WatcherInfoAgent } from '#core'
import type { Address } from '#model'
import type { ClientSession } from './client-session.ts'
import { idOf, requestBytes } from './codec/index.ts'

/** LIMIT: events that wait while the client is slow; past it the oldest are forgotten: GET the list again. */
const eventsMax = 1000

type WatcherType = 'fetch' | 'subscribe' | 'unsubscribe'

export class WatcherFeed implements WatcherInfoAgent {
  readonly #session: ClientSession
  readonly #presentity: Address
  /** Watchers that were told of, by the id of what they have. */
  readonly #known = new Set<string>()
  #waiting: (readonly [Address, WatcherType])[] = []

  constructor(session: ClientSession, presentity: Address, watchers: readonly WatcherInfo[]) {
    this.#session = session
    this.#presentity = presentity
    for (const { id, status } of watchers) if (status !== 'waiting') this.#known.add(id)
  }

  watchersChanged(_owner: Address, changes: readonly WatcherInfo[]): void {
    for (const { id, watcher, status } of changes) {
      if (status === 'terminated') {
        if (this.#known.delete(id)) this.#tell(watcher, 'unsubscribe')
      } else if (status !== 'waiting' && !this.#known.has(id)) {
        this.#known.add(id)
        this.#tell(watcher, 'subscribe')
      }
    }
  }

  fetched(_owner: Address, watcher: Address): void {
    this.#tell(watcher, 'fetch')
  }

  /** The client was too slow and has caught up. */
  catchUp(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const [watcher, type] of waiting) this.#tell(watcher, type)
  }

  #tell(watcher: Address, type: WatcherType): void {
    const { exchange, freshId } = this.#session
    const id = freshId()
    const octets = requestBytes('WATCHERNOTIFY', 'PRIM-PR', id, [
      ['From', idOf(watcher, 'pres')],
      ['To', idOf(this.#presentity, 'pres')],
      ['Watcher-Type', type],
    ])
    if (exchange.request({ id }, [octets], () => {})) return
    if (this.#waiting.length >= eventsMax) this.#waiting.shift()
    this.#waiting.push([watcher, type])
  }
}
