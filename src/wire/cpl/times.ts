// The periods of a time switch, RFC 3880 §4.4 and RFC 5545 §3.3.10: what is written, as a Recurrence.

import {
  dayOf,
  daySeconds,
  daysInMonth,
  type Frequency,
  Recurrence,
  type Rule,
  recurringDaysMax,
  recurringDaysWithinDayMax,
  type Span,
  TimeZone,
  type WeekdayRule,
} from '#model'
import type { Element } from '#wire/xml'
import { scriptCountsMax, scriptStepsMax, scriptTimesMax } from './names.ts'
import type { Source } from './source.ts'

const weekdays = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU']
const frequencies: readonly Frequency[] = [
  'secondly',
  'minutely',
  'hourly',
  'daily',
  'weekly',
  'monthly',
  'yearly',
]

const ruleNames = [
  'interval',
  'until',
  'count',
  'bysecond',
  'byminute',
  'byhour',
  'byday',
  'bymonthday',
  'byyearday',
  'byweekno',
  'bymonth',
  'wkst',
  'bysetpos',
] as const
type Given = Partial<Record<(typeof ruleNames)[number] | 'dtstart' | 'dtend' | 'duration' | 'freq', string>>

/** A date and a time of day as seconds that clocks show. */
interface DateTime {
  readonly local: number
  readonly isUtc: boolean
}

export class TimeReader {
  readonly #source: Source
  readonly #zone: TimeZone
  readonly #utc = TimeZone.named('UTC') as TimeZone
  #timesLeft = scriptTimesMax
  #countsLeft = scriptCountsMax
  #stepsLeft = scriptStepsMax

  constructor(source: Source, zone: TimeZone) {
    this.#source = source
    this.#zone = zone
  }

  /** What reads the outputs of one switch. @throws Refused */
  of(element: Element): (output: Element) => Recurrence {
    const { tzid, tzurl } = this.#source.attributes(element, [], ['tzid', 'tzurl'])
    if (tzid === undefined && tzurl !== undefined)
      throw this.#source.refusal(element, 'no "tzurl" is fetched here: name the time zone with "tzid"')
    const zone = tzid === undefined ? this.#zone : TimeZone.named(tzid)
    if (zone === undefined) throw this.#source.refusal(element, `no time zone is known as "${tzid}"`)
    return (output) => this.#time(output, zone)
  }

  #time(element: Element, zone: TimeZone): Recurrence {
    if (--this.#timesLeft < 0)
      throw this.#source.refusal(element, `the script has more than ${scriptTimesMax} <time>`)
    const given: Given = this.#source.attributes(
      element,
      ['dtstart'],
      ['dtend', 'duration', 'freq', ...ruleNames],
    )
    const start = this.#dateTime(element, 'dtstart', given.dtstart ?? '')
    // RFC 5545 §3.3.10: a rule whose start is in UTC repeats in UTC.
    const own = start.isUtc ? this.#utc : zone
    const span = this.#span(element, given, start, own)
    const rule = given.freq === undefined ? undefined : this.#rule(element, given, given.freq)
    if (rule !== undefined) this.#checkLength(element, span, rule)
    const recurrence = new Recurrence(own, start.local, span, rule)
    const { fault, stepsLeft } = recurrence.examine(this.#stepsLeft)
    this.#stepsLeft = stepsLeft
    if (fault === 'overlap')
      throw this.#source.refusal(element, 'a period lasts beyond the beginning of the next')
    if (fault === 'too-far')
      throw this.#source.refusal(element, 'the rules of the script take too long to be followed')
    return recurrence
  }

  #span(element: Element, { dtend, duration }: Given, start: DateTime, own: TimeZone): Span {
    if ((dtend === undefined) === (duration === undefined))
      throw this.#source.refusal(element, '<time> has one of "dtend" and "duration"')
    if (duration !== undefined) return this.#duration(element, duration)
    const end = this.#dateTime(element, 'dtend', dtend ?? '')
    // "the same exact duration will apply to all the members" (RFC 5545 §3.8.5.3).
    const zoneOfEnd = end.isUtc ? this.#utc : own
    const seconds = zoneOfEnd.instantOf(end.local) - own.instantOf(start.local)
    if (seconds <= 0) throw this.#source.refusal(element, '"dtend" is not after "dtstart"')
    return { days: 0, seconds }
  }

  #checkLength(element: Element, { days, seconds }: Span, { freq }: Rule): void {
    const isWithinDay = freq === 'hourly' || freq === 'minutely' || freq === 'secondly'
    const most = isWithinDay ? recurringDaysWithinDayMax : recurringDaysMax
    if (days * daySeconds + seconds > most * daySeconds)
      throw this.#source.refusal(element, `a period that repeats ${freq} lasts at most ${most} days`)
  }

  /** RFC 5545 §3.3.5, form 1 or 2. */
  #dateTime(element: Element, name: string, written: string): DateTime {
    const found = /^([0-9]{4})([0-9]{2})([0-9]{2})T([0-9]{2})([0-9]{2})([0-9]{2})(Z?)$/.exec(written)
    const wrong = this.#source.refusal(
      element,
      `"${name}" is no date and time (20260131T170000): "${written}"`,
    )
    if (found === null) throw wrong
    const [year, month, day, hour, minute, second] = found.slice(1, 7).map(Number) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ]
    if (!isDate(year, month, day) || hour > 23 || minute > 59 || second > 60) throw wrong
    // A leap second is one that clocks do not show here.
    const time = hour * 3600 + minute * 60 + Math.min(second, 59)
    return { local: dayOf(year, month, day) * daySeconds + time, isUtc: found[7] === 'Z' }
  }

  /** RFC 5545 §3.3.6. */
  #duration(element: Element, written: string): Span {
    const found =
      /^\+?P(?=[0-9T])(?:([0-9]+)W|(?:([0-9]+)D)?(?:T(?=[0-9])(?:([0-9]+)H)?(?:([0-9]+)M)?(?:([0-9]+)S)?)?)$/.exec(
        written,
      )
    const [weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = (found?.slice(1) ?? []).map((one) =>
      Number(one ?? 0),
    )
    const span = { days: weeks * 7 + days, seconds: hours * 3600 + minutes * 60 + seconds }
    const length = span.days * daySeconds + span.seconds
    if (found === null || length <= 0 || length > spanSecondsMax)
      throw this.#source.refusal(element, `"duration" is no length of time (PT8H30M, P1D): "${written}"`)
    return span
  }

  #rule(element: Element, given: Given, written: string): Rule {
    const freq = this.#source.word(element, 'freq', written.toLowerCase(), frequencies, 'daily')
    const { until, count, interval } = given
    if (until !== undefined && count !== undefined)
      throw this.#source.refusal(element, '"until" and "count" do not stand together')
    const numbers = (name: (typeof ruleNames)[number], least: number, most: number, fromEnd = false) => {
      const value = given[name]
      return value === undefined ? undefined : this.#numbers(element, name, value, least, most, fromEnd)
    }
    const optional = {
      until: until === undefined ? undefined : this.#until(element, until),
      count: count === undefined ? undefined : this.#count(element, count),
      bySecond: numbers('bysecond', 0, 59),
      byMinute: numbers('byminute', 0, 59),
      byHour: numbers('byhour', 0, 23),
      byDay: given.byday === undefined ? undefined : this.#days(element, given.byday, freq, given),
      byMonthDay: numbers('bymonthday', 1, 31, true),
      byYearDay: numbers('byyearday', 1, 366, true),
      byWeekNumber: numbers('byweekno', 1, 53, true),
      byMonth: numbers('bymonth', 1, 12),
      bySetPosition: numbers('bysetpos', 1, 366, true),
    }
    if (optional.byWeekNumber !== undefined && freq !== 'yearly')
      throw this.#source.refusal(element, '"byweekno" is for yearly periods alone')
    const others = Object.entries(optional).some(
      ([name, value]) => value !== undefined && /^by(?!SetP)/.test(name),
    )
    if (optional.bySetPosition !== undefined && !others)
      throw this.#source.refusal(element, '"bysetpos" stands with another list alone')
    const weekStart = given.wkst === undefined ? 0 : weekdays.indexOf(given.wkst.toUpperCase())
    if (weekStart < 0) throw this.#source.refusal(element, `"wkst" is a day as "MO", not "${given.wkst}"`)
    return {
      freq,
      interval: interval === undefined ? 1 : this.#source.positive(element, 'interval', interval),
      weekStart,
      ...defined(optional),
    }
  }

  #until(element: Element, written: string): NonNullable<Rule['until']> {
    const found = /^([0-9]{4})([0-9]{2})([0-9]{2})$/.exec(written)
    if (found !== null) {
      const [year, month, day] = found.slice(1).map(Number) as [number, number, number]
      if (isDate(year, month, day)) return { day: dayOf(year, month, day) }
    }
    const { local, isUtc } = this.#dateTime(element, 'until', written)
    // "If specified as a date-time value, then it MUST be specified in UTC time format."
    if (!isUtc) throw this.#source.refusal(element, '"until" with a time of day is in UTC: it ends with Z')
    return { instant: local }
  }

  #count(element: Element, written: string): number {
    const count = this.#source.positive(element, 'count', written)
    this.#countsLeft -= count
    if (this.#countsLeft < 0)
      throw this.#source.refusal(element, `the counts of a script are at most ${scriptCountsMax} together`)
    return count
  }

  #numbers(
    element: Element,
    name: string,
    written: string,
    least: number,
    most: number,
    fromEnd: boolean,
  ): readonly number[] {
    return written.split(',').map((one) => {
      const number = /^[+-]?[0-9]{1,3}$/.test(one.trim()) ? Number(one) : Number.NaN
      const size = fromEnd ? Math.abs(number) : number
      if (size >= least && size <= most && !(one.trim().startsWith('-') && !fromEnd)) return number
      const range = fromEnd ? `${least} to ${most}, or -${most} to -${least}` : `${least} to ${most}`
      throw this.#source.refusal(element, `"${name}" has numbers from ${range}, not "${one}"`)
    })
  }

  #days(element: Element, written: string, freq: Frequency, given: Given): readonly WeekdayRule[] {
    return written.split(',').map((one) => {
      const found = /^([+-]?[0-9]{1,2})?(MO|TU|WE|TH|FR|SA|SU)$/i.exec(one.trim())
      const ordinal = Number(found?.[1] ?? 0)
      if (found === null || (found[1] !== undefined && (ordinal === 0 || Math.abs(ordinal) > 53)))
        throw this.#source.refusal(element, `"byday" has days as "MO", "1MO" or "-1MO", not "${one}"`)
      // "the nth occurrence of the specific day within the "monthly" or "yearly" recurrence".
      if (ordinal !== 0 && ((freq !== 'monthly' && freq !== 'yearly') || given.byweekno !== undefined))
        throw this.#source.refusal(
          element,
          `"${one}" counts days of a month or year, which this does not repeat by`,
        )
      return { ordinal, weekday: weekdays.indexOf((found[2] as string).toUpperCase()) }
    })
  }
}

/** LIMIT: seconds that a period which does not repeat may last: a thousand years. */
const spanSecondsMax = 366_000 * daySeconds

function isDate(year: number, month: number, day: number): boolean {
  return year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month)
}

function defined<T extends object>(all: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>
  }
}
