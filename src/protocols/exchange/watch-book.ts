// Who here watches whom of one other domain: one watch of each pair, however often it is asked for.
import type { Address } from '#model'

/** A watch, as its protocol keeps it up. */
export interface BookedWatch {
  /** It is wanted, and the whole state anew. */
  want(): void
  unwant(): void
}

export class WatchBook<Watch extends BookedWatch> {
  readonly #watches = new Map<string, Watch>()
  readonly #make: (watcher: Address, presentity: Address, onOver: (over: Watch) => void) => Watch

  constructor(make: (watcher: Address, presentity: Address, onOver: (over: Watch) => void) => Watch) {
    this.#make = make
  }

  get size(): number {
    return this.#watches.size
  }

  all(): readonly Watch[] {
    return [...this.#watches.values()]
  }

  of(watcher: Address, presentity: Address): Watch | undefined {
    return this.#watches.get(keyOf(watcher, presentity))
  }

  watch(watcher: Address, presentity: Address): void {
    const key = keyOf(watcher, presentity)
    const known = this.#watches.get(key)
    if (known !== undefined) return known.want()
    const made = this.#make(watcher, presentity, (over) => {
      if (this.#watches.get(key) === over) this.#watches.delete(key)
    })
    this.#watches.set(key, made)
    made.want()
  }

  unwatch(watcher: Address, presentity: Address): void {
    this.of(watcher, presentity)?.unwant()
  }
}

function keyOf(watcher: Address, presentity: Address): string {
  return `${watcher.key}\n${presentity.key}`
}
