// A presentity of another domain as one account here sees it: its tuples, each with the envelope that brought it, and the leased
// subscriptions of the account's own devices. It is kept while somebody of the account looks.
import type { Address, PresenceEnvelope } from '#model'
import type { Lease } from '../leases.ts'
import type { PeerLink } from '../peers/peers.ts'
import type { Turn } from '../peers/turns.ts'
import { PresenceNotification } from './notification.ts'
import { presenceTuplesMax, saysTheSame, type TupleChange } from './presentities.ts'
import { type Subscription, Subscriptions } from './subscriptions.ts'

/** LIMIT: presentities of other domains that one account looks at. */
export const foreignPresentitiesMax = 10_000

export class ForeignPresentity {
  readonly address: Address
  link: PeerLink
  /** True while the link was asked to watch, and did not end it. */
  watching = false
  /** When the link is asked to: its domain may have been asked much. */
  turn: Turn | undefined
  /** True once its state was told: until then nobody is told that it is absent. */
  heard = false
  /** A request that nobody waits for, kept until it has reached the other domain, where watching is by lease alone. */
  wish: Lease | undefined
  readonly #tuples = new Map<string, PresenceEnvelope>()
  /** Made when first wanted: most are looked at by sessions alone. */
  #subscriptions: Subscriptions | undefined

  constructor(address: Address, link: PeerLink) {
    this.address = address
    this.link = link
  }

  /** Of the account's own devices. */
  get subscriptions(): Subscriptions {
    this.#subscriptions ??= new Subscriptions()
    return this.#subscriptions
  }

  /** Those subscriptions, all of them. */
  get subscribed(): readonly Subscription[] {
    return this.#subscriptions?.all() ?? []
  }

  get isSubscribed(): boolean {
    return (this.#subscriptions?.size ?? 0) > 0
  }

  /** What is known now, oldest tuple first. */
  sources(): readonly { readonly tuple: string; readonly source: PresenceEnvelope }[] {
    return [...this.#tuples].map(([tuple, source]) => ({ tuple, source }))
  }

  /**
   * Takes what was learnt and answers what is new of it: the same octets again are not. LIMIT: `presenceTuplesMax` tuples; more are
   * not taken.
   */
  take(changes: readonly TupleChange[], full: boolean): readonly TupleChange[] {
    const taken: TupleChange[] = full ? this.#unnamed(changes) : []
    for (const { tuple } of taken) this.#tuples.delete(tuple)
    for (const change of changes) {
      const own = this.#takeOne(change)
      if (own !== undefined) taken.push(own)
    }
    return taken
  }

  #takeOne({ kind, tuple, source }: TupleChange): TupleChange | undefined {
    const before = this.#tuples.get(tuple)
    if (kind === 'removed' || source === undefined) {
      if (!this.#tuples.delete(tuple)) return undefined
      return { kind: 'removed', tuple, source: source?.keep() }
    }
    if (before !== undefined && saysTheSame(before, source)) return undefined
    if (before === undefined && this.#tuples.size >= presenceTuplesMax) return undefined
    const kept = source.keep()
    this.#tuples.set(tuple, kept)
    return { kind: before === undefined ? 'added' : 'changed', tuple, source: kept }
  }

  endWish(): void {
    this.wish?.cancel()
    this.wish = undefined
  }

  /** Everything goes; what there was, as removals. */
  forget(): readonly TupleChange[] {
    const gone = this.#unnamed([])
    this.#tuples.clear()
    this.heard = false
    return gone
  }

  #unnamed(changes: readonly TupleChange[]): TupleChange[] {
    const named = new Set(changes.map(({ tuple }) => tuple))
    return [...this.#tuples.keys()]
      .filter((tuple) => !named.has(tuple))
      .map((tuple) => ({ kind: 'removed', tuple, source: undefined }))
  }
}

/** All that is known of it now. */
export function whole(presentity: ForeignPresentity): PresenceNotification {
  const sources = presentity.sources()
  const changes = sources.map(({ tuple, source }): TupleChange => ({ kind: 'added', tuple, source }))
  return new PresenceNotification(presentity.address, 'full', changes, true, sources)
}
