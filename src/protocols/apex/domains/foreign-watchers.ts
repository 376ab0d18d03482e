// The subscribe operations that people of other domains have in progress here: how many there may be, and what of them outlives a restart
// (RFC 3343 §4: "kept in persistent storage").

import { text, utf8 } from '#base'
import type { StoredSubscription } from '#core'
import { protocolName } from '../binding.ts'
import { type EndpointName, readEndpoint } from '../codec/index.ts'
import type { Relay } from '../relay.ts'
import type { SubscriptionParts } from '../services/subscription.ts'
import { ForeignWatcher } from './foreign-watcher.ts'

/** What of an operation its watcher and its presentity do not say, as it is stored. */
interface Kept {
  readonly originator: string
  readonly publisher: string
  readonly transId: number
}

export class ForeignWatchers {
  readonly #relay: Relay
  readonly #perDomain = new Map<string, number>()

  constructor(relay: Relay) {
    this.#relay = relay
  }

  get size(): number {
    let sum = 0
    for (const count of this.#perDomain.values()) sum += count
    return sum
  }

  isFull({ domain }: EndpointName): boolean {
    return this.#count(domain) >= this.#relay.settings.domainSubscriptionsMax
  }

  open(parts: SubscriptionParts): ForeignWatcher {
    const { domain } = parts.originator
    const watcher: ForeignWatcher = new ForeignWatcher(parts, () => {
      const left = this.#count(domain) - 1
      if (left > 0) this.#perDomain.set(domain, left)
      else this.#perDomain.delete(domain)
      this.#forget(watcher.id)
    })
    this.#perDomain.set(domain, this.#count(domain) + 1)
    return watcher
  }

  /** Resolves when a kill would not take it. Where it could not be written it holds as long as this process. */
  async keep({ id, transId }: ForeignWatcher, parts: SubscriptionParts, seconds: number): Promise<void> {
    const { service } = this.#relay
    const { originator, watcher, presentity, publisher } = parts
    const kept: Kept = { originator: originator.written, publisher, transId }
    const expires = service.clock.now() + seconds * 1000
    const state = utf8(JSON.stringify(kept))
    try {
      await service.store.putSubscription({ id, protocol: protocolName, watcher, presentity, expires, state })
    } catch (error) {
      service.log.error('a subscription could not be stored', { error })
    }
  }

  /** What was in progress before a restart, each with the seconds that are left: `resume` tells its originator how things stand now. */
  async restore(resume: (kept: RestoredOperation) => void): Promise<void> {
    const { service } = this.#relay
    for (const stored of await service.store.subscriptions(protocolName)) {
      const seconds = (stored.expires - service.clock.now()) / 1000
      const restored = seconds < 1 ? undefined : restoredOf(stored, seconds)
      if (restored === undefined || !this.#relay.isOurs(stored.presentity.domain)) this.#forget(stored.id)
      else resume(restored)
    }
  }

  #count(domain: string): number {
    return this.#perDomain.get(domain) ?? 0
  }

  #forget(id: string): void {
    const { service } = this.#relay
    service.store
      .removeSubscription(id)
      .catch((error: unknown) => service.log.error('a stored subscription could not be removed', { error }))
  }
}

export interface RestoredOperation
  extends Pick<SubscriptionParts, 'originator' | 'watcher' | 'presentity' | 'publisher' | 'transId'> {
  readonly seconds: number
}

function restoredOf(
  { watcher, presentity, state }: StoredSubscription,
  seconds: number,
): RestoredOperation | undefined {
  const kept = JSON.parse(text(state)) as Kept
  const originator = readEndpoint(kept.originator)
  return originator && { ...kept, originator, watcher, presentity, seconds }
}
