// The order of messages between two parties (RFC 6120 §10.1): while one is outside the tick, later ones of the same sender
// and recipient wait behind it. On the local path there is never a lane, and the test for one costs a comparison.
import { BoundedQueue } from '#base'
import type { Head } from '#model'

/** LIMIT: messages that may wait behind one of the same sender and recipient. */
export const laneLengthMax = 1000

export class Lanes<T> {
  readonly #lanes = new Map<string, BoundedQueue<T>>()

  static key(head: Head): string {
    return `${head.from.key}\n${head.to.key}`
  }

  /** The queue behind a message that is under way between the two; undefined when none is. */
  behind(head: Head): BoundedQueue<T> | undefined {
    return this.#lanes.size === 0 ? undefined : this.#lanes.get(Lanes.key(head))
  }

  /** A message has left the tick: later ones wait. */
  open(key: string): void {
    if (!this.#lanes.has(key)) this.#lanes.set(key, new BoundedQueue(laneLengthMax))
  }

  /** The order of that message is settled: the next that waited, or undefined, in which case the lane is gone. */
  next(key: string): T | undefined {
    const next = this.#lanes.get(key)?.shift()
    if (next === undefined) this.#lanes.delete(key)
    return next
  }
}
