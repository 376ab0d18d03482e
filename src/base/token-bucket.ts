// So many a second, with a burst. What is taken beyond that is owed, and is over when the time since has brought it.
import type { Clock } from './clock.ts'

export class TokenBucket {
  readonly perSecond: number
  readonly #clock: Clock
  readonly #burst: number
  #tokens: number
  /** Of the clock that never steps back. */
  #at: number

  constructor(clock: Clock, perSecond: number, burst = perSecond) {
    this.perSecond = perSecond
    this.#clock = clock
    this.#burst = burst
    this.#tokens = burst
    this.#at = clock.monotonic()
  }

  /** Milliseconds until `count` are there; 0: they are. More than the burst never are: all of it will do. */
  wait(count = 1): number {
    this.#grow()
    const missing = Math.min(count, this.#burst) - this.#tokens
    // A clock counts whole milliseconds: one that comes too early would come twice.
    return missing <= 0 ? 0 : Math.ceil((missing * 1000) / this.perSecond)
  }

  take(count = 1): void {
    this.#grow()
    this.#tokens -= count
  }

  /** More than the time brings, up to the burst. */
  give(count: number): void {
    this.#grow()
    this.#tokens = Math.min(this.#burst, this.#tokens + count)
  }

  get isFull(): boolean {
    this.#grow()
    return this.#tokens >= this.#burst
  }

  #grow(): void {
    const now = this.#clock.monotonic()
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#at) * this.perSecond) / 1000)
    this.#at = now
  }
}
