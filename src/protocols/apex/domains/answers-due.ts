// What the presence service of another domain will still answer to our terminate, or to a poll that nobody waits for any more: the person in whose name we
// asked has not asked, and is not to hear of it (decision 0151).

import type { Address } from '#model'

/** LIMIT: answers that may still come; past it the oldest are forgotten, and reach the person's applications. */
const dueMax = 10_000

export class AnswersDue {
  readonly #due = new Map<number, string>()

  expect(transId: number, { key }: Address): void {
    if (this.#due.size >= dueMax) {
      for (const oldest of this.#due.keys()) {
        this.#due.delete(oldest)
        break
      }
    }
    this.#due.set(transId, key)
  }

  /** Whether it was one of them; it is none any more. */
  came(transId: number | undefined, { key }: Address): boolean {
    if (transId === undefined || this.#due.get(transId) !== key) return false
    return this.#due.delete(transId)
  }
}
