// A line of those who wait for their turn with one domain, so that none of them, nor all together, are too many for it at a moment.
import type { Clock, Timer } from '#base'

export interface Turn {
  /** It is not wanted any more. No effect once it has come. */
  cancel(): void
}

interface Waiting {
  go: (() => void) | undefined
}

/** One that has come. */
export const come: Turn = { cancel: () => {} }

export class Turns {
  readonly #clock: Clock
  readonly #wait: () => number
  readonly #fault: (cause: unknown) => void
  #waiting: Waiting[] = []
  #timer: Timer | undefined

  /** @param wait milliseconds until the next may go; 0: it goes, and is counted */
  constructor(clock: Clock, wait: () => number, fault: (cause: unknown) => void) {
    this.#clock = clock
    this.#wait = wait
    this.#fault = fault
  }

  get length(): number {
    return this.#waiting.length
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }

  /** In the order of the calls; in the same tick where nobody waits and it may. */
  next(go: () => void): Turn {
    if (this.#waiting.length === 0) {
      const wait = this.#wait()
      if (wait === 0) {
        go()
        return come
      }
      this.#serveIn(wait)
    }
    const waiting: Waiting = { go }
    this.#waiting.push(waiting)
    return {
      cancel: () => {
        waiting.go = undefined
      },
    }
  }

  /** All go at once, and whoever comes from now on waits anew. */
  release(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    for (const { go } of this.#waiting.splice(0)) this.#call(go)
  }

  #serveIn(wait: number): void {
    this.#timer = this.#clock.schedule(wait, () => this.#serve())
  }

  #serve(): void {
    this.#timer = undefined
    let served = 0
    let wait = 0
    while (served < this.#waiting.length) {
      const next = this.#waiting[served] as Waiting
      // Who does not want it any more takes nobody's turn.
      wait = next.go === undefined ? 0 : this.#wait()
      if (wait > 0) break
      served++
      this.#call(next.go)
    }
    this.#waiting.splice(0, served)
    if (this.#waiting.length > 0) this.#serveIn(wait)
  }

  /** One that fails must not take the turn of the others. */
  #call(go: (() => void) | undefined): void {
    try {
      go?.()
    } catch (cause) {
      this.#fault(cause)
    }
  }
}
