// The subscriptions of PRIM watchers of ours. They outlive connections (docs/specs/prim.md §4.4): a watcher that comes back takes up
// the one it has.

import type { Clock } from '#base'
import type { Address } from '#model'
import { PrimWatch } from './subscription.ts'

export interface WatchesParts {
  readonly clock: Clock
  /** LIMIT: subscriptions of one watcher. */
  readonly subscriptionsMax: number
}

export class Watches {
  readonly #parts: WatchesParts
  readonly #watches = new Map<string, PrimWatch>()
  /** By watcher and presentity. */
  readonly #pairs = new Map<string, Set<PrimWatch>>()
  /** By watcher. */
  readonly #counts = new Map<string, number>()

  constructor(parts: WatchesParts) {
    this.#parts = parts
  }

  get size(): number {
    return this.#watches.size
  }

  find(watcher: Address, presentity: Address, subscriptionId: string | undefined): PrimWatch | undefined {
    return this.#watches.get(keyOf(watcher, presentity, subscriptionId))
  }

  /** All of a pair, whatever their Subscription-ID. */
  of(watcher: Address, presentity: Address): readonly PrimWatch[] {
    return [...(this.#pairs.get(keyOf(watcher, presentity, undefined)) ?? [])]
  }

  /** A new one; undefined when the watcher has too many. */
  open(
    watcher: Address,
    presentity: Address,
    subscriptionId: string | undefined,
    onOver: (watch: PrimWatch) => void,
  ): PrimWatch | undefined {
    const count = this.#counts.get(watcher.key) ?? 0
    if (count >= this.#parts.subscriptionsMax) return undefined
    const key = keyOf(watcher, presentity, subscriptionId)
    const watch = new PrimWatch({
      id: `prim ${watcher.key} ${subscriptionId ?? ''}`,
      watcher,
      presentity,
      subscriptionId,
      clock: this.#parts.clock,
      onOver: () => {
        if (this.#watches.get(key) === watch) this.#close(key, watch)
        onOver(watch)
      },
    })
    this.#watches.set(key, watch)
    const pair = keyOf(watcher, presentity, undefined)
    const same = this.#pairs.get(pair)
    if (same === undefined) this.#pairs.set(pair, new Set([watch]))
    else same.add(watch)
    this.#counts.set(watcher.key, count + 1)
    return watch
  }

  #close(key: string, watch: PrimWatch): void {
    const { watcher, presentity } = watch
    this.#watches.delete(key)
    const pair = keyOf(watcher, presentity, undefined)
    const same = this.#pairs.get(pair)
    same?.delete(watch)
    if (same?.size === 0) this.#pairs.delete(pair)
    const left = (this.#counts.get(watcher.key) ?? 1) - 1
    if (left > 0) this.#counts.set(watcher.key, left)
    else this.#counts.delete(watcher.key)
  }
}

function keyOf(watcher: Address, presentity: Address, subscriptionId: string | undefined): string {
  const pair = `${watcher.key}\n${presentity.key}`
  return subscriptionId === undefined ? pair : `${pair}\n${subscriptionId}`
}
