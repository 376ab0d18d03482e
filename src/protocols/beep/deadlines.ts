// What a session waits for, each with its time.

import type { Clock, Timer } from '#base'

export type Deadline = 'greeting' | 'tuning' | 'stall' | 'release'

export class Deadlines {
  readonly #clock: Clock
  readonly #timers = new Map<Deadline, Timer>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  has(name: Deadline): boolean {
    return this.#timers.has(name)
  }

  /** Replaces the one of that name. */
  set(name: Deadline, seconds: number, run: () => void): void {
    this.cancel(name)
    const timer = this.#clock.schedule(seconds * 1000, () => {
      this.#timers.delete(name)
      run()
    })
    this.#timers.set(name, timer)
  }

  cancel(name: Deadline): void {
    this.#timers.get(name)?.cancel()
    this.#timers.delete(name)
  }

  cancelAll(): void {
    for (const timer of this.#timers.values()) timer.cancel()
    this.#timers.clear()
  }
}
