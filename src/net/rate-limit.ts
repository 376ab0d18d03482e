// A token bucket a source: so many a second, with a burst.

import type { Clock } from '#base'

export interface RateLimitOptions {
  readonly perSecond: number
  readonly burst: number
  readonly clock: Clock
  /** LIMIT: sources remembered; past it the longest unused are forgotten (and start with a full bucket). */
  readonly sourcesMax?: number
}

interface Bucket {
  tokens: number
  at: number
}

export class RateLimit {
  readonly #perMillisecond: number
  readonly #burst: number
  readonly #clock: Clock
  readonly #sourcesMax: number
  /** In order of use: the first is the longest unused. */
  readonly #buckets = new Map<string, Bucket>()

  constructor(options: RateLimitOptions) {
    this.#perMillisecond = options.perSecond / 1000
    this.#burst = options.burst
    this.#clock = options.clock
    this.#sourcesMax = options.sourcesMax ?? 10_000
  }

  get sources(): number {
    return this.#buckets.size
  }

  /** False when the source has used up what it may. */
  take(source: string): boolean {
    const now = this.#clock.monotonic()
    const bucket = this.#buckets.get(source)
    if (bucket === undefined) return this.#first(source, now)
    bucket.tokens = Math.min(this.#burst, bucket.tokens + (now - bucket.at) * this.#perMillisecond)
    bucket.at = now
    if (bucket.tokens < 1) return false
    bucket.tokens -= 1
    return true
  }

  /** What it may still take now. */
  left(source: string): number {
    const bucket = this.#buckets.get(source)
    if (bucket === undefined) return this.#burst
    const since = this.#clock.monotonic() - bucket.at
    return Math.min(this.#burst, bucket.tokens + since * this.#perMillisecond)
  }

  #first(source: string, now: number): boolean {
    if (this.#buckets.size >= this.#sourcesMax) this.#forget(now)
    this.#buckets.set(source, { tokens: this.#burst - 1, at: now })
    return this.#burst >= 1
  }

  /** Those whose bucket is full again are forgotten without loss; else the oldest tenth. */
  #forget(now: number): void {
    for (const [source, bucket] of this.#buckets) {
      if (bucket.tokens + (now - bucket.at) * this.#perMillisecond >= this.#burst)
        this.#buckets.delete(source)
    }
    let extra = this.#buckets.size - Math.floor(this.#sourcesMax * 0.9)
    for (const source of this.#buckets.keys()) {
      if (extra-- <= 0) break
      this.#buckets.delete(source)
    }
  }
}
