// Who here watches whom in one other domain, by subscriptions there, and presence that is asked for once: what is learnt goes to RemotePresence.

import { type FetchOutcome, fetchedNotification } from '#core'
import { type Address, refused } from '#model'
import { documentIn, fetchRefusal, sourcesOf } from '../binding-domains.ts'
import type { UserAgent } from '../client/user-agent.ts'
import { bodyOf } from '../codec/message.ts'
import type { Ends } from './environment.ts'
import { Watch } from './watch.ts'

export interface WatchesParts {
  readonly agent: UserAgent
  /** How a presentity is addressed there. */
  readonly uriOf: (presentity: Address) => string
  /** Media types of documents that are read, for Accept. */
  readonly accept: string
  readonly places?: Ends['places']
}

export class Watches {
  readonly #parts: WatchesParts
  readonly #watches = new Map<string, Watch>()

  constructor(parts: WatchesParts) {
    this.#parts = parts
  }

  /** One subscription a pair of people; asking again asks for the whole state anew. */
  watch(watcher: Address, presentity: Address): void {
    const key = keyOf(watcher, presentity)
    const known = this.#watches.get(key)
    if (known !== undefined) return known.refresh()
    const { agent, uriOf, accept, places } = this.#parts
    const wish = { uri: uriOf(presentity), accept, places }
    this.#watches.set(
      key,
      new Watch(agent, wish, watcher, presentity, (over) => {
        if (this.#watches.get(key) === over) this.#watches.delete(key)
      }),
    )
  }

  unwatch(watcher: Address, presentity: Address): void {
    this.#watches.get(keyOf(watcher, presentity))?.end()
  }

  fetch(watcher: Address, presentity: Address, onFetched: (fetched: FetchOutcome) => void): void {
    const { agent, uriOf, accept, places } = this.#parts
    let told = false
    const tell = (fetched: FetchOutcome): void => {
      if (!told) onFetched(fetched)
      told = true
    }
    agent.subscribe(
      { uri: uriOf(presentity), from: watcher, places, event: 'presence', accept, seconds: 0 },
      {
        onState: () => undefined,
        onNotify: (request) => {
          const document = documentIn(request, agent.environment.service.clock.now())
          if (typeof document === 'string') tell(refused('content-not-understood'))
          else if (document !== undefined) {
            const sources = sourcesOf(document, bodyOf(request), watcher, presentity)
            tell({ kind: 'fetched', notification: fetchedNotification(presentity, sources) })
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

  get size(): number {
    return this.#watches.size
  }

  /** The domain is there again: who waits for an answer asks at once. */
  askAgain(): void {
    for (const watch of this.#watches.values()) watch.refreshInTurn()
  }

  /** The server stops: what is watched is not told that it is over. */
  stop(): void {
    for (const watch of [...this.#watches.values()]) watch.abandon()
  }
}

function keyOf(watcher: Address, presentity: Address): string {
  return `${watcher.key}\n${presentity.key}`
}
