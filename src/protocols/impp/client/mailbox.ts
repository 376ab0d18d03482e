// Messages that came and were not taken yet. A message is acknowledged when the program takes it, not before: what it never took
// stays on the server and comes again. What comes again after it was taken is acknowledged and not shown twice.

import { Feed } from './feed.ts'
import type { Incoming } from './impp-session.ts'

/** LIMIT: messages that wait for the program; others stay on the server. */
const waitingMax = 1000
/** LIMIT: messages remembered as taken. */
const takenMax = 1000

interface Waiting {
  readonly key: string
  readonly incoming: Incoming
  /** One for each time it came. */
  readonly acknowledge: (() => void)[]
}

export class Mailbox {
  readonly feed = new Feed<Incoming>(() => this.#take())
  readonly #waiting = new Map<string, Waiting>()
  readonly #taken = new Set<string>()

  /** Resolves when the program has taken it. @throws Error when too many wait */
  readonly put = (incoming: Incoming): void | Promise<void> => {
    const { from, to, id } = incoming.message
    const key = JSON.stringify([from.key, to.key, id])
    if (this.#taken.has(key)) return
    const waiting = this.#waiting.get(key)
    if (waiting === undefined && this.#waiting.size >= waitingMax) throw new Error('too many messages wait')
    return new Promise((resolve) => {
      if (waiting !== undefined) {
        waiting.acknowledge.push(resolve)
        return
      }
      this.#waiting.set(key, { key, incoming, acknowledge: [resolve] })
      this.feed.wake()
    })
  }

  #take(): Incoming | undefined {
    const next = this.#waiting.values().next().value
    if (next === undefined) return undefined
    this.#waiting.delete(next.key)
    this.#remember(next.key)
    for (const acknowledge of next.acknowledge) acknowledge()
    return next.incoming
  }

  #remember(key: string): void {
    this.#taken.add(key)
    if (this.#taken.size > takenMax) this.#taken.delete(this.#taken.values().next().value as string)
  }
}
