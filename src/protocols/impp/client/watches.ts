// Whom the program watches, over all its connections: each presentity is subscribed to once, again after each login.

import type { PresenceDocument } from '#model'
import { ConnectionLost, Refused, SubscriptionEnded } from './failures.ts'
import { Feed } from './feed.ts'
import type { ImppSession } from './impp-session.ts'
import type { Watch } from './watch.ts'

/** How somebody is now. */
export interface Sighting {
  /** `user@domain` */
  readonly target: string
  /** `pending`: they have not agreed yet, and the presence shows nothing. */
  readonly state: 'active' | 'pending'
  readonly presence: PresenceDocument
}

interface Watched {
  readonly target: string
  readonly watchers: Set<Watcher>
  last: Sighting | undefined
  watch: Watch | undefined
}

/** One who iterates. Only the latest is kept for the slow: each says all there is to say. */
class Watcher {
  latest: Sighting | undefined
  readonly feed = new Feed<Sighting>(() => {
    const { latest } = this
    this.latest = undefined
    return latest
  })

  show(sighting: Sighting): void {
    this.latest = sighting
    this.feed.wake()
  }
}

export class Watches {
  readonly #watched = new Map<string, Watched>()
  readonly #session: () => ImppSession | undefined
  readonly #onTrouble: (error: Error) => void

  constructor(session: () => ImppSession | undefined, onTrouble: (error: Error) => void) {
    this.#session = session
    this.#onTrouble = onTrouble
  }

  /** @param target its key, `user@domain` */
  async *watch(target: string, signal: AbortSignal | undefined): AsyncGenerator<Sighting, void, undefined> {
    const watcher = new Watcher()
    const watched = this.#watched.get(target)
    if (watched === undefined) {
      const first: Watched = { target, watchers: new Set([watcher]), last: undefined, watch: undefined }
      this.#watched.set(target, first)
      void this.#subscribe(first)
    } else {
      watched.watchers.add(watcher)
      if (watched.last !== undefined) watcher.show(watched.last)
    }
    try {
      yield* watcher.feed.iterate(signal)
    } finally {
      this.#leave(target, watcher)
    }
  }

  /** There is a new login: everything is subscribed to again. */
  restore(): void {
    for (const watched of this.#watched.values()) void this.#subscribe(watched)
  }

  /** The client is over. */
  end(error: Error | undefined): void {
    for (const { watchers } of this.#watched.values()) for (const watcher of watchers) watcher.feed.end(error)
    this.#watched.clear()
  }

  async #subscribe(watched: Watched): Promise<void> {
    const session = this.#session()
    // Without a connection, the next login does it.
    if (session === undefined) return
    const nothing = { entity: '', tuples: [], notes: [], extensions: [] }
    const show = (state: Sighting['state'], presence: PresenceDocument): void => {
      watched.last = { target: watched.target, state, presence }
      for (const watcher of watched.watchers) watcher.show(watched.last)
    }
    try {
      watched.watch = await session.watch(watched.target, {
        onPresence: (presence) => show('active', presence),
        onPending: () => show('pending', nothing),
        onEnded: (why) => this.#over(watched, new SubscriptionEnded(why)),
      })
      // Whoever watched may have gone meanwhile.
      if (watched.watchers.size === 0) await watched.watch.stop()
    } catch (error) {
      if (error instanceof ConnectionLost && !session.isOpen) return
      if (error instanceof Refused || error instanceof ConnectionLost) this.#over(watched, error)
      else this.#onTrouble(error as Error)
    }
  }

  #over(watched: Watched, error: Error): void {
    if (this.#watched.get(watched.target) === watched) this.#watched.delete(watched.target)
    for (const { feed } of watched.watchers) feed.end(error)
  }

  #leave(target: string, watcher: Watcher): void {
    const watched = this.#watched.get(target)
    if (watched === undefined || !watched.watchers.delete(watcher) || watched.watchers.size > 0) return
    this.#watched.delete(target)
    watched.watch?.stop().catch((error: Error) => {
      if (!(error instanceof ConnectionLost)) this.#onTrouble(error)
    })
  }
}
