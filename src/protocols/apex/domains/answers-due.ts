// What the presence service of another domain will still answer to our terminate, or to a poll that nobody waits for any more: the person in whose name we
// asked has not asked, and is not to hear of it (decision 0151).

import type { Address } from '#model'

/** LIMIT: transIDs to which answers may still come; past it the oldest are forgotten, and what comes reaches the person's applications. */
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

  /** Whether it is one of them. There may be two: to what was asked last, and to its end. */
  has(transId: number | undefined, { key }: Address): boolean {
    return transId !== undefined && this.#due.get(transId) === key
  }
}
