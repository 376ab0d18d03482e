// Which days a recurrence rule is about: RFC 5545 §3.3.10 (RFC 2445 §4.3.10), but for the times of day. Pure.

import {
  civilOf,
  dayOf,
  daysInMonth,
  daysInYear,
  modulo,
  weekdayOf,
  weekYearOf,
  weekYearStart,
} from './days.ts'

export type Frequency = 'secondly' | 'minutely' | 'hourly' | 'daily' | 'weekly' | 'monthly' | 'yearly'

/** A day of the week; with an ordinal, the nth in its month or year (negative: from its end). */
export interface WeekdayRule {
  /** 0: each. */
  readonly ordinal: number
  /** 0 is Monday. */
  readonly weekday: number
}

export interface Rule {
  readonly freq: Frequency
  readonly interval: number
  /** An instant in seconds, or the number of a local day: the last that may begin. */
  readonly until?: { readonly instant: number } | { readonly day: number }
  readonly count?: number
  readonly bySecond?: readonly number[]
  readonly byMinute?: readonly number[]
  readonly byHour?: readonly number[]
  readonly byDay?: readonly WeekdayRule[]
  readonly byMonthDay?: readonly number[]
  readonly byYearDay?: readonly number[]
  readonly byWeekNumber?: readonly number[]
  readonly byMonth?: readonly number[]
  /** 0 is Monday. */
  readonly weekStart: number
  readonly bySetPosition?: readonly number[]
}

/** The days of a rule, with what its start stands for where the rule says nothing. */
export class RuleDates {
  readonly #rule: Rule
  readonly #byMonth: ReadonlySet<number> | undefined
  readonly #byMonthDay: ReadonlySet<number> | undefined
  readonly #byYearDay: ReadonlySet<number> | undefined
  readonly #byWeekNumber: ReadonlySet<number> | undefined
  readonly #byDay: readonly WeekdayRule[] | undefined
  readonly #startPeriod: number

  /** @param start the day of the first occurrence */
  constructor(rule: Rule, start: number) {
    this.#rule = rule
    const { freq, byMonth, byMonthDay, byYearDay, byWeekNumber, byDay } = rule
    const { month, day } = civilOf(start)
    const namesDays = [byMonthDay, byYearDay, byDay].some((list) => list !== undefined)
    const isDerived = !namesDays && byWeekNumber === undefined
    // "the appropriate minute, hour, day, or month would have been retrieved from the dtstart parameter" (RFC 3880 §4.4).
    const takesMonth = isDerived && freq === 'yearly' && byMonth === undefined
    const takesDay = isDerived && (freq === 'yearly' || freq === 'monthly')
    const takesWeekday = !namesDays && (freq === 'weekly' || byWeekNumber !== undefined)
    this.#byMonth = setOf(takesMonth ? [month] : byMonth)
    this.#byMonthDay = setOf(takesDay ? [day] : byMonthDay)
    this.#byYearDay = setOf(byYearDay)
    this.#byWeekNumber = setOf(byWeekNumber)
    this.#byDay = takesWeekday ? [{ ordinal: 0, weekday: weekdayOf(start) }] : byDay
    this.#startPeriod = this.periodOf(start)
  }

  /** The number of the year, month, week or day that a day is in. */
  periodOf(day: number): number {
    const { freq, weekStart } = this.#rule
    switch (freq) {
      case 'yearly':
        // "weeks of the year" may begin before it and end after it.
        return this.#byWeekNumber === undefined ? civilOf(day).year : weekYearOf(day, weekStart)
      case 'monthly': {
        const { year, month } = civilOf(day)
        return year * 12 + month - 1
      }
      case 'weekly':
        return Math.floor((day + 3 - weekStart) / 7)
      default:
        return day
    }
  }

  firstDayOf(period: number): number {
    const { freq, weekStart } = this.#rule
    switch (freq) {
      case 'yearly':
        return this.#byWeekNumber === undefined ? dayOf(period, 1, 1) : weekYearStart(period, weekStart)
      case 'monthly':
        return dayOf(Math.floor(period / 12), modulo(period, 12) + 1, 1)
      case 'weekly':
        return period * 7 - 3 + weekStart
      default:
        return period
    }
  }

  /** The last period, this one or an earlier, in which the rule repeats. */
  periodUpTo(period: number): number {
    return period - modulo(period - this.#startPeriod, this.#rule.interval)
  }

  /** The last day of a month before this one, where the rule is not about this month; else undefined. */
  beforeMonthOf(day: number): number | undefined {
    if (this.#byMonth === undefined) return undefined
    const civil = civilOf(day)
    return this.#byMonth.has(civil.month) ? undefined : day - civil.day
  }

  /** Whether the rule's lists have the day; its period is not looked at. */
  has(dayNumber: number): boolean {
    const { year, month, day } = civilOf(dayNumber)
    if (this.#byMonth?.has(month) === false) return false
    if (this.#byMonthDay !== undefined && !isIn(this.#byMonthDay, day, daysInMonth(year, month))) return false
    if (this.#byYearDay !== undefined) {
      const yearDay = dayNumber - dayOf(year, 1, 1) + 1
      if (!isIn(this.#byYearDay, yearDay, daysInYear(year))) return false
    }
    if (this.#byWeekNumber !== undefined && !this.#hasWeek(dayNumber, this.#byWeekNumber)) return false
    return this.#byDay?.some((rule) => this.#isDay(rule, dayNumber, year, month, day)) ?? true
  }

  #hasWeek(dayNumber: number, numbers: ReadonlySet<number>): boolean {
    const { weekStart } = this.#rule
    const year = weekYearOf(dayNumber, weekStart)
    const first = weekYearStart(year, weekStart)
    const weeks = (weekYearStart(year + 1, weekStart) - first) / 7
    return isIn(numbers, Math.floor((dayNumber - first) / 7) + 1, weeks)
  }

  #isDay(
    { ordinal, weekday }: WeekdayRule,
    dayNumber: number,
    year: number,
    month: number,
    day: number,
  ): boolean {
    if (weekdayOf(dayNumber) !== weekday) return false
    if (ordinal === 0) return true
    // RFC 5545 §3.3.10, note 2: within the month where the rule names months.
    const isOfMonth = this.#rule.freq === 'monthly' || this.#rule.byMonth !== undefined
    const at = isOfMonth ? day : dayNumber - dayOf(year, 1, 1) + 1
    const length = isOfMonth ? daysInMonth(year, month) : daysInYear(year)
    return ordinal > 0 ? Math.ceil(at / 7) === ordinal : Math.ceil((length - at + 1) / 7) === -ordinal
  }
}

/** Numbers count from 1, negative ones from the end. */
function isIn(numbers: ReadonlySet<number>, at: number, length: number): boolean {
  return numbers.has(at) || numbers.has(at - length - 1)
}

function setOf(list: readonly number[] | undefined): ReadonlySet<number> | undefined {
  return list === undefined ? undefined : new Set(list)
}
