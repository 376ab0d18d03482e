// Messages that another domain answers 500 (docs/specs/prim.md §7.2): it did nothing with them, most often as it has too much at a time.
// They are offered again, but not for ever: one that it can never take must not hold up all that waits behind it.

import type { Head } from '#model'

/** LIMIT: times that a message is offered again after a 500. */
export const overloadsMax = 8
/** LIMIT: messages that are counted; past it the longest counted begin anew. */
const countedMax = 10_000

export class Overloads {
  readonly #times = new Map<string, number>()

  /** What the domain said of an offer of the message: true where it has had that offer often enough. */
  isPast({ from, to, id }: Head, isBusy: boolean): boolean {
    if (!isBusy && this.#times.size === 0) return false
    const key = `${from.key}\n${to.key}\n${id}`
    const times = isBusy ? (this.#times.get(key) ?? 0) + 1 : 0
    this.#times.delete(key)
    if (times === 0) return false
    if (times > overloadsMax) return true
    if (this.#times.size >= countedMax) this.#forget()
    this.#times.set(key, times)
    return false
  }

  #forget(): void {
    for (const oldest of this.#times.keys()) {
      this.#times.delete(oldest)
      return
    }
  }
}
