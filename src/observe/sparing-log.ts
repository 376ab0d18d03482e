// What strangers can make happen without end, told without filling the log: one warning a source and kind, then none of it for a while.
import type { Clock } from '#base'
import type { Log } from './log.ts'

export interface SparingLimits {
  /** How often it happens from one source within `windowMs` before it is told. */
  readonly toldFrom: number
  /** Milliseconds; a source is told of once within it. */
  readonly windowMs: number
  /** LIMIT: sources and kinds that are counted; past it those seen first are forgotten. */
  readonly trackedMax: number
  /** LIMIT: warnings within `windowMs`, of all sources; one more says that there are others. */
  readonly linesMax: number
}

export const sparingLimits: SparingLimits = {
  // Hundreds of phones behind one translator come at once after a restart.
  toldFrom: 500,
  windowMs: 600_000,
  trackedMax: 4096,
  linesMax: 20,
}

interface Counted {
  readonly since: number
  times: number
}

export class SparingLog {
  readonly #log: Log
  readonly #clock: Clock
  readonly #limits: SparingLimits
  readonly #counted = new Map<string, Counted>()
  #lines = 0
  #linesSince = Number.NEGATIVE_INFINITY

  constructor(log: Log, clock: Clock, limits: Partial<SparingLimits> = {}) {
    this.#log = log
    this.#clock = clock
    this.#limits = { ...sparingLimits, ...limits }
  }

  /** It happened once more. `what` is a sentence of ours, `source` an address. */
  count(what: string, source: string): void {
    const { toldFrom, windowMs, trackedMax } = this.#limits
    const key = `${what}\n${source}`
    const now = this.#clock.monotonic()
    let counted = this.#counted.get(key)
    if (counted === undefined || now - counted.since > windowMs) {
      this.#counted.delete(key)
      if (this.#counted.size >= trackedMax) this.#counted.delete(this.#counted.keys().next().value as string)
      counted = { since: now, times: 0 }
      this.#counted.set(key, counted)
    }
    if (++counted.times === toldFrom) this.#tell(what, { source, times: toldFrom }, now)
  }

  #tell(what: string, fields: { readonly source: string; readonly times: number }, now: number): void {
    const { windowMs, linesMax } = this.#limits
    if (now - this.#linesSince > windowMs) {
      this.#linesSince = now
      this.#lines = 0
    }
    this.#lines++
    if (this.#lines <= linesMax) this.#log.warn(what, fields)
    else if (this.#lines === linesMax + 1)
      this.#log.warn('more sources do what was told of others, and are not named for a while')
  }
}
