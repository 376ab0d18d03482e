// What was taken in an earlier life of this server (decision 0146): a message that was durable when the process was killed, and whose sender
// never heard so, comes again. Those that bear a mark are known by it, and are not taken twice.
import type { Clock } from '#base'
import type { Head } from '#model'
import type { Store } from '../store.ts'

/** LIMIT: how long before the end something may have been taken that is asked for again, in milliseconds; and how many messages are known. */
const withinMax = 600_000
const countMax = 20_000

/** LIMIT: milliseconds after the start for which they are known. */
const knownFor = 3_600_000

export class EarlierLife {
  readonly #clock: Clock
  readonly #store: Store
  #taken = new Set<string>()
  #until = 0

  constructor(clock: Clock, store: Store) {
    this.#clock = clock
    this.#store = store
  }

  /** Before anybody may send. Rejects when the store does. */
  async load(): Promise<void> {
    const heads = await this.#store.recentHeads(withinMax, countMax)
    for (const head of heads) if (head.mark !== undefined) this.#taken.add(nameOf(head))
    this.#until = this.#clock.monotonic() + knownFor
  }

  /** Whether it is a message that was taken then. Hot path: nothing is looked at for those without a mark, and nothing an hour after the start. */
  hasTaken(head: Head): boolean {
    if (head.mark === undefined || this.#taken.size === 0) return false
    if (this.#clock.monotonic() > this.#until) this.#taken = new Set()
    return this.#taken.has(nameOf(head))
  }
}

function nameOf({ protocol, from, to, mark }: Head): string {
  return `${protocol}\n${from.key}\n${to.key}\n${mark}`
}
