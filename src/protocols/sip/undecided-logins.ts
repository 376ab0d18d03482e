// Logins of one address that are not decided yet. An undecided one counts as a wrong guess there (`#auth`, back-off), so that
// a hundred phones behind one address that come back at once must come one after the other, not be taken for a guesser.

import { BoundedQueue } from '#base'

/** LIMIT: logins of one address that are looked at at a time; below the wrong guesses that cost an address nothing. */
const atOnceMax = 8
/** LIMIT: logins of one address that wait for their turn; past it they are told to come later. */
const waitingMax = 10_000

interface Line {
  undecided: number
  readonly waiting: BoundedQueue<() => void>
}

export class UndecidedLogins {
  readonly #lines = new Map<string, Line>()

  /** True when a login from there must wait; `wait` then. */
  isBusy(address: string): boolean {
    const line = this.#lines.get(address)
    return line !== undefined && line.undecided >= atOnceMax
  }

  /** Calls `go` when one before it is decided; false when too many wait. */
  wait(address: string, go: () => void): boolean {
    return this.#lines.get(address)?.waiting.push(go) === true
  }

  begun(address: string): void {
    const line = this.#lines.get(address)
    if (line !== undefined) line.undecided++
    else this.#lines.set(address, { undecided: 1, waiting: new BoundedQueue(waitingMax) })
  }

  /** One is decided: the next ones get their turn. */
  decided(address: string): void {
    const line = this.#lines.get(address)
    if (line === undefined) return
    line.undecided--
    while (line.undecided < atOnceMax) {
      const next = line.waiting.shift()
      if (next === undefined) break
      next()
    }
    if (line.undecided === 0 && line.waiting.length === 0) this.#lines.delete(address)
  }
}
