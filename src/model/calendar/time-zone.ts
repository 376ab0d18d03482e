// A time zone of the IANA database, as Intl has it: which time clocks show at an instant, and back. Offsets are looked up once a year of a
// zone, so that what is asked often costs a search in a short list. All times are whole seconds since 1970-01-01; local ones as clocks show.

import { civilOf, dayOf, daySeconds } from './days.ts'

/** LIMIT: years of one zone that are remembered, and zones; then we begin anew. */
const yearsMax = 200
const zonesMax = 1000

/** Seconds between two looks at a zone: changes are further apart than ten days (those around Ramadan are about thirty). */
const stride = 10 * daySeconds

/** From an instant on, clocks are so many seconds ahead of UTC. */
interface Offset {
  readonly from: number
  readonly seconds: number
}

const known = new Map<string, TimeZone>()

export class TimeZone {
  readonly name: string
  readonly #format: Intl.DateTimeFormat
  readonly #years = new Map<number, readonly Offset[]>()

  private constructor(name: string, format: Intl.DateTimeFormat) {
    this.name = name
    this.#format = format
  }

  /** Undefined where there is no zone of that name. */
  static named(name: string): TimeZone | undefined {
    const zone = known.get(name)
    if (zone !== undefined) return zone
    // Intl takes offsets, too; a zone has a name.
    if (!/^[A-Za-z]/.test(name)) return undefined
    const format = formatFor(name)
    if (format === undefined) return undefined
    if (known.size >= zonesMax) known.clear()
    const made = new TimeZone(name, format)
    known.set(name, made)
    return made
  }

  /** Seconds that clocks are ahead of UTC at an instant. */
  offsetAt(instant: number): number {
    const { year } = civilOf(Math.floor(instant / daySeconds))
    const offsets = this.#offsetsOf(year)
    for (let at = offsets.length - 1; at > 0; at--) {
      const offset = offsets[at] as Offset
      if (instant >= offset.from) return offset.seconds
    }
    return (offsets[0] as Offset).seconds
  }

  localOf(instant: number): number {
    return instant + this.offsetAt(instant)
  }

  /**
   * When clocks show it: the first time, where they show it twice; where they never do, as the offset before the gap has it (RFC 5545
   * §3.3.5).
   */
  instantOf(local: number): number {
    const before = this.offsetAt(local - daySeconds)
    const first = local - before
    if (this.offsetAt(first) === before) return first
    const after = this.offsetAt(local + daySeconds)
    const second = local - after
    return this.offsetAt(second) === after ? second : first
  }

  #offsetsOf(year: number): readonly Offset[] {
    const kept = this.#years.get(year)
    if (kept !== undefined) return kept
    if (this.#years.size >= yearsMax) this.#years.clear()
    const offsets = this.#lookUp(dayOf(year, 1, 1) * daySeconds, dayOf(year + 1, 1, 1) * daySeconds)
    this.#years.set(year, offsets)
    return offsets
  }

  #lookUp(start: number, end: number): readonly Offset[] {
    const offsets: Offset[] = [{ from: start, seconds: this.#ask(start) }]
    for (let instant = start; instant < end; instant += stride) {
      const { seconds } = offsets.at(-1) as Offset
      const next = this.#ask(instant + stride)
      if (next !== seconds) offsets.push({ from: this.#change(instant, seconds), seconds: next })
    }
    return offsets
  }

  /** The first second of those after `instant` at which the offset is no longer `seconds`. */
  #change(instant: number, seconds: number): number {
    let before = instant
    let after = instant + stride
    while (after - before > 1) {
      const middle = Math.floor((before + after) / 2)
      if (this.#ask(middle) === seconds) before = middle
      else after = middle
    }
    return after
  }

  #ask(instant: number): number {
    const shown: Record<string, number> = {}
    for (const { type, value } of this.#format.formatToParts(instant * 1000)) shown[type] = Number(value)
    const { year, month, day, hour, minute, second } = shown as Record<string, number>
    const local = dayOf(year as number, month as number, day as number) * daySeconds
    return local + (hour as number) * 3600 + (minute as number) * 60 + (second as number) - instant
  }
}

function formatFor(timeZone: string): Intl.DateTimeFormat | undefined {
  const part = 'numeric'
  const shown = { year: part, month: part, day: part, hour: part, minute: part, second: part } as const
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone, hourCycle: 'h23', ...shown })
  } catch {
    return undefined // no zone of that name
  }
}
