// How fast one connection is read: who sends more than its share waits, and not the others. A token bucket of a second's share.
import type { Clock, Timer } from '#base'
import type { Connection } from './connection.ts'

/** Milliseconds that reading rests at a time: short, so that what is too fast flows on at its pace. */
const restMs = 100

/** LIMIT: milliseconds that reading rests because somebody says so: longer, and the other side takes the connection for dead. */
export const restMsMax = 10_000

export interface ReadingPaceOptions {
  readonly connection: Pick<Connection, 'pause' | 'resume'>
  readonly clock: Clock
  /** LIMIT: units a second. */
  readonly perSecondMax: number
  /** Reading goes on; the connection is resumed. */
  readonly onAgain?: () => void
}

export class ReadingPace {
  readonly #options: ReadingPaceOptions
  /** Units that may be read now; below zero reading rests. */
  #left: number
  /** When it last grew, monotonic. */
  #grownAt: number
  #rest: Timer | undefined
  /** Somebody said so. */
  #restsUntil = Number.NEGATIVE_INFINITY

  constructor(options: ReadingPaceOptions) {
    this.#options = options
    this.#left = options.perSecondMax
    this.#grownAt = options.clock.monotonic()
  }

  /** While it rests nothing more should be read, though some may be underway. */
  get isResting(): boolean {
    return this.#rest !== undefined
  }

  /** A unit was read. Hot path: the clock is asked only when the share is used up. */
  took(): void {
    if (--this.#left >= 0 || this.#rest !== undefined || this.#grow()) return
    this.#options.connection.pause()
    this.#restOn()
  }

  /** Reading rests for so many milliseconds, beside what its own pace asks for. */
  rest(milliseconds: number): void {
    const { clock, connection } = this.#options
    const until = clock.monotonic() + Math.min(milliseconds, restMsMax)
    this.#restsUntil = Math.max(this.#restsUntil, until)
    if (this.#rest !== undefined) return
    connection.pause()
    this.#restOn()
  }

  end(): void {
    this.#rest?.cancel()
  }

  #restOn(): void {
    const { clock } = this.#options
    const said = this.#restsUntil - clock.monotonic()
    this.#rest = clock.schedule(said > 0 ? said : restMs, () => {
      const rests = this.#restsUntil > clock.monotonic()
      if (!this.#grow() || rests) return this.#restOn()
      this.#rest = undefined
      this.#options.connection.resume()
      this.#options.onAgain?.()
    })
  }

  /** False when the time since has not brought enough. */
  #grow(): boolean {
    const { clock, perSecondMax } = this.#options
    const now = clock.monotonic()
    this.#left = Math.min(perSecondMax, this.#left + ((now - this.#grownAt) * perSecondMax) / 1000)
    this.#grownAt = now
    return this.#left >= 0
  }
}
