// A period of time that may repeat, as calendars have them (RFC 5545 §3.3.10, RFC 3880 §4.4), and whether an instant is in it. What is asked
// is answered in bounded time: the last beginning before the instant is looked for from the instant back, no longer than a period lasts.

import { type Rule, RuleDates } from './dates.ts'
import { daySeconds, modulo } from './days.ts'
import type { TimeZone } from './time-zone.ts'
import { RuleTimes } from './times.ts'

/** How long it is: days by the calendar, and seconds (RFC 5545 §3.3.6: nominal and exact). */
export interface Span {
  readonly days: number
  readonly seconds: number
}

/** LIMIT: days that one period of a rule may last; and of a rule that repeats within the day. */
export const recurringDaysMax = 366
export const recurringDaysWithinDayMax = 1

/** Beginnings that are looked at for two that overlap. */
const overlapsSought = 40

/** What a rule took more than: it is of no use to anybody. */
class TooFar extends Error {}

const unitOf = { hourly: 3600, minutely: 60, secondly: 1 } as const

/** How much clocks may be put forward or back, and more. */
const slack = 2 * daySeconds

export class Recurrence {
  readonly #zone: TimeZone
  /** The first beginning: an instant, and as clocks show it. */
  readonly #start: number
  readonly #startLocal: number
  readonly #span: Span
  readonly #rule: Rule | undefined
  readonly #dates: RuleDates | undefined
  readonly #times: RuleTimes | undefined
  #last: number | undefined
  /** Days or units that may be looked at; bounded only while a rule is examined. */
  #stepsLeft = Number.POSITIVE_INFINITY

  /** @param local the first beginning as clocks of the zone show it */
  constructor(zone: TimeZone, local: number, span: Span, rule: Rule | undefined) {
    this.#zone = zone
    this.#start = zone.instantOf(local)
    this.#startLocal = local
    this.#span = span
    this.#rule = rule
    if (rule === undefined) return
    this.#dates = new RuleDates(rule, Math.floor(local / daySeconds))
    this.#times = timesOf(rule, modulo(local, daySeconds))
  }

  /** Whether the instant (seconds since 1970) is in one of its periods: its beginning is, its end is not. */
  covers(instant: number): boolean {
    const last = this.#latest(Math.min(instant, this.#lastStart()), instant - this.#longest())
    return last !== undefined && instant < this.#endOf(last)
  }

  /** When the first period begins that begins after the instant, up to `horizon`; undefined where none does. */
  next(instant: number, horizon: number): number | undefined {
    if (instant < this.#start) return this.#start <= horizon ? this.#start : undefined
    const end = Math.min(horizon, this.#lastStart())
    // Ever longer stretches, until one has a beginning in it; then halves of that.
    let empty = instant
    let width = 1
    while (this.#latest(Math.min(empty + width, end), empty) === undefined) {
      empty = Math.min(empty + width, end)
      if (empty >= end) return undefined
      width *= 2
    }
    let found = this.#latest(Math.min(empty + width, end), empty) as number
    while (found - empty > 1) {
      const middle = Math.floor((empty + found) / 2)
      const earlier = this.#latest(middle, empty)
      if (earlier === undefined) empty = middle
      else found = earlier
    }
    return found
  }

  /**
   * Follows the rule as far as is needed later, once: what is wrong with it (a period that lasts into the next), and how many of `stepsMax` steps
   * are left. `too-far`: they were not enough.
   */
  examine(stepsMax: number): { readonly fault?: 'overlap' | 'too-far'; readonly stepsLeft: number } {
    this.#stepsLeft = stepsMax
    try {
      const isOverlapping = this.#overlaps()
      this.#lastStart()
      return { stepsLeft: this.#stepsLeft, ...(isOverlapping ? { fault: 'overlap' } : {}) }
    } catch (cause) {
      if (!(cause instanceof TooFar)) throw cause
      return { stepsLeft: 0, fault: 'too-far' }
    } finally {
      this.#stepsLeft = Number.POSITIVE_INFINITY
    }
  }

  #step(): void {
    if (--this.#stepsLeft < 0) throw new TooFar()
  }

  /** By clocks that are never changed; of rules that may overlap the first forty beginnings are looked at. */
  #overlaps(): boolean {
    if (this.#rule === undefined) return false
    const length = this.#span.days * daySeconds + this.#span.seconds
    if (length <= leastGapOf(this.#rule)) return false
    let from = this.#start
    for (let i = 0; i < overlapsSought; i++) {
      const next = this.next(from, from + length + slack)
      if (next === undefined) return false
      if (this.#zone.localOf(next) - this.#zone.localOf(from) < length) return true
      from = next
    }
    return false
  }

  /** The instant after which none begins; of a rule with a count it is found once, when it is first needed. */
  #lastStart(): number {
    this.#last ??= this.#findLast()
    return this.#last
  }

  #findLast(): number {
    const { until, count } = this.#rule ?? {}
    if (until !== undefined) {
      if ('instant' in until) return until.instant
      return this.#zone.instantOf((until.day + 1) * daySeconds) - 1
    }
    if (count === undefined) return Number.POSITIVE_INFINITY
    this.#last = Number.POSITIVE_INFINITY
    let last = this.#start
    // "The dtstart parameter counts as the first occurrence."
    for (let n = 1; n < count; n++) {
      const next = this.next(last, last + horizonOf(this.#rule as Rule))
      if (next === undefined) break
      last = next
    }
    return last
  }

  #endOf(start: number): number {
    const { days, seconds } = this.#span
    if (days === 0) return start + seconds
    return this.#zone.instantOf(this.#zone.localOf(start) + days * daySeconds) + seconds
  }

  #longest(): number {
    return this.#span.days * daySeconds + this.#span.seconds + slack
  }

  /** The last beginning that is not after `bound` and is after `floor`, in instants. */
  #latest(bound: number, floor: number): number | undefined {
    if (bound < this.#start) return undefined
    const found =
      this.#rule === undefined ? undefined : this.#latestOfRule(bound, Math.max(floor, this.#start))
    // The first is one, whether the rule has it or not.
    return found ?? (this.#start > floor ? this.#start : undefined)
  }

  #latestOfRule(bound: number, floor: number): number | undefined {
    const { freq } = this.#rule as Rule
    if (freq === 'hourly' || freq === 'minutely' || freq === 'secondly')
      return this.#latestWithinDays(unitOf[freq], bound, floor)
    // Where clocks were changed, what they show now and what they would show without: the later of both counts.
    const now = this.#zone.localOf(bound)
    const unchanged = bound + this.#zone.offsetAt(bound - daySeconds)
    let latest: number | undefined
    for (const local of now === unchanged ? [now] : [now, unchanged]) {
      const found = this.#latestByDays(local, floor - slack + this.#zone.offsetAt(floor))
      const instant = found === undefined ? undefined : this.#zone.instantOf(found)
      if (instant === undefined || instant > bound || instant <= floor) continue
      if (latest === undefined || instant > latest) latest = instant
    }
    return latest
  }

  /** Of a rule by days or longer, as clocks show it. */
  #latestByDays(bound: number, floor: number): number | undefined {
    const { interval, bySetPosition } = this.#rule as Rule
    const dates = this.#dates as RuleDates
    const boundDay = Math.floor(bound / daySeconds)
    const floorDay = Math.max(Math.floor(floor / daySeconds), Math.floor(this.#startLocal / daySeconds))
    let period = dates.periodUpTo(dates.periodOf(boundDay))
    for (; dates.firstDayOf(period + 1) > floorDay; period -= interval) {
      const first = Math.max(dates.firstDayOf(period), bySetPosition === undefined ? floorDay : -Infinity)
      const last = dates.firstDayOf(period + 1) - 1
      const found =
        bySetPosition === undefined
          ? this.#latestOfDays(first, Math.min(last, boundDay), bound)
          : this.#latestOfPositions(first, last, bound, bySetPosition)
      if (found !== undefined) return found
    }
    return undefined
  }

  #latestOfDays(first: number, last: number, bound: number): number | undefined {
    const dates = this.#dates as RuleDates
    for (let day = last; day >= first; ) {
      this.#step()
      const earlier = dates.beforeMonthOf(day)
      if (earlier !== undefined) {
        day = earlier
        continue
      }
      const time = dates.has(day) ? this.#times?.upTo(bound - day * daySeconds) : undefined
      if (time !== undefined) return day * daySeconds + time
      day--
    }
    return undefined
  }

  /** Of one period, those at the positions alone: "the nth occurrence within the set of events specified by the rule". */
  #latestOfPositions(
    first: number,
    last: number,
    bound: number,
    positions: readonly number[],
  ): number | undefined {
    const times = this.#times as RuleTimes
    const days: number[] = []
    for (let day = first; day <= last; day++) {
      this.#step()
      if (this.#dates?.has(day) === true) days.push(day)
    }
    let latest: number | undefined
    for (const index of indexesOf(positions, days.length * times.length)) {
      const local =
        (days[Math.floor(index / times.length)] as number) * daySeconds + times.at(index % times.length)
      if (local <= bound && (latest === undefined || local > latest)) latest = local
    }
    return latest
  }

  /** Of a rule by hours, minutes or seconds: those pass as they do, whatever is done to clocks. */
  #latestWithinDays(unit: number, bound: number, floor: number): number | undefined {
    const { interval, bySetPosition } = this.#rule as Rule
    const anchor = this.#start - modulo(this.#startLocal, unit)
    for (let at = bound; at > floor; ) {
      this.#step()
      const local = this.#zone.localOf(at)
      const begin = at - modulo(local, unit)
      const behind = modulo(Math.round((begin - anchor) / unit), interval)
      const earlier = behind > 0 ? begin - (behind - 1) * unit - 1 : this.#skipped(at, local, unit)
      if (earlier !== undefined) {
        at = earlier
        continue
      }
      const found = this.#latestOfUnit(at - begin, bySetPosition)
      if (found !== undefined) return begin + found > floor ? begin + found : undefined
      at = begin - 1
    }
    return undefined
  }

  /** The instant before the day, hour, minute or second, where the rule's lists leave that out. */
  #skipped(at: number, local: number, unit: number): number | undefined {
    const { byHour, byMinute, bySecond } = this.#rule as Rule
    const day = Math.floor(local / daySeconds)
    if (this.#dates?.has(day) !== true) return Math.min(this.#zone.instantOf(day * daySeconds), at) - 1
    const time = modulo(local, daySeconds)
    if (byHour !== undefined && !byHour.includes(Math.floor(time / 3600))) return at - (time % 3600) - 1
    if (unit <= 60 && byMinute !== undefined && !byMinute.includes(Math.floor((time % 3600) / 60)))
      return at - (time % 60) - 1
    return unit === 1 && bySecond !== undefined && !bySecond.includes(time % 60) ? at - 1 : undefined
  }

  /** Seconds into the hour, minute or second that was found. */
  #latestOfUnit(bound: number, positions: readonly number[] | undefined): number | undefined {
    const times = this.#times as RuleTimes
    if (positions === undefined) return times.upTo(bound)
    const all = indexesOf(positions, times.length)
      .map((index) => times.at(index))
      .filter((time) => time <= bound)
    return all.length === 0 ? undefined : Math.max(...all)
  }
}

/** Seconds that are between two beginnings at least; 0 where a rule names times. */
function leastGapOf({ freq, interval, byHour, byMinute, bySecond }: Rule): number {
  const unit =
    freq === 'hourly' || freq === 'minutely' || freq === 'secondly' ? unitOf[freq] * interval : daySeconds
  return [byHour, byMinute, bySecond].some((list) => list !== undefined) ? 0 : unit
}

/**
 * LIMIT: how far ahead, in seconds, the next of so many times (`count`) is looked for. A 29 February that has to be a Monday comes after 40 years at
 * most; a rule that has none by then has come to its end.
 */
function horizonOf({ freq, interval }: Rule): number {
  const years =
    freq === 'yearly' ? interval : freq === 'monthly' ? Math.ceil(interval / 12) : Math.ceil(interval / 50)
  return 41 * 366 * daySeconds * years
}

function indexesOf(positions: readonly number[], length: number): number[] {
  return positions
    .map((position) => (position > 0 ? position - 1 : length + position))
    .filter((index) => index >= 0 && index < length)
}

/** Of the day, or of what the rule repeats by, where that is shorter. @param time of the first beginning, seconds of its day */
function timesOf(rule: Rule, time: number): RuleTimes {
  const { freq, byHour, byMinute, bySecond } = rule
  const isWithinHour = freq === 'hourly' || freq === 'minutely' || freq === 'secondly'
  const hours = isWithinHour ? [0] : (byHour ?? [Math.floor(time / 3600)])
  const minutes =
    freq === 'minutely' || freq === 'secondly' ? [0] : (byMinute ?? [Math.floor((time % 3600) / 60)])
  const seconds = freq === 'secondly' ? [0] : (bySecond ?? [time % 60])
  return new RuleTimes(ascending(hours), ascending(minutes), ascending(seconds))
}

function ascending(numbers: readonly number[]): readonly number[] {
  return [...new Set(numbers)].sort((a, b) => a - b)
}
