// When to copy the log into the database: once nothing has been written for a while, so that nobody waits for it.
import type { Clock } from '#base'

export const idleMilliseconds = 1000

export class IdleCheckpoint {
  readonly #clock: Clock
  readonly #checkpoint: () => void
  #lastWrite = 0
  #isSet = false

  constructor(clock: Clock, checkpoint: () => void) {
    this.#clock = clock
    this.#checkpoint = checkpoint
  }

  wrote(): void {
    this.#lastWrite = this.#clock.monotonic()
    if (this.#isSet) return
    this.#isSet = true
    this.#wait(idleMilliseconds)
  }

  #wait(milliseconds: number): void {
    this.#clock.schedule(milliseconds, () => {
      const left = this.#lastWrite + idleMilliseconds - this.#clock.monotonic()
      if (left > 0) return this.#wait(left)
      this.#isSet = false
      this.#checkpoint()
    })
  }
}
