// Periods that repeat against an oracle that knows nothing of how they are found.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Rule } from './dates.ts'
import { Recurrence } from './recurrence.ts'
import { TimeZone } from './time-zone.ts'

const runs = { numRuns: process.env['VERONA_SOAK'] === undefined ? 60 : 20_000 }

const utc = TimeZone.named('UTC') as TimeZone

/** `2026-03-08T02:30` as clocks show it. */
const local = (written: string): number => Date.parse(`${written}:00Z`) / 1000

// The oracle: every second of some days is asked for itself, from the text of RFC 5545 alone, without looking back.

/** Whether a rule (without positions) begins at a time that clocks show. UTC, where nothing is done to clocks. */
function begins(rule: Rule, start: number, at: number): boolean {
  if (at < start) return false
  if (at === start) return true
  const [a, b] = [new Date(at * 1000), new Date(start * 1000)]
  const midnight = (date: Date): number =>
    Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()) / 1000
  const weekOf = (date: Date): number => Math.floor((midnight(date) / 86_400 + 3 - rule.weekStart) / 7)
  const passed = {
    secondly: at - start,
    minutely: Math.floor(at / 60) - Math.floor(start / 60),
    hourly: Math.floor(at / 3600) - Math.floor(start / 3600),
    daily: (midnight(a) - midnight(b)) / 86_400,
    weekly: weekOf(a) - weekOf(b),
    monthly: (a.getUTCFullYear() - b.getUTCFullYear()) * 12 + a.getUTCMonth() - b.getUTCMonth(),
    yearly: a.getUTCFullYear() - b.getUTCFullYear(),
  }[rule.freq]
  if (passed % rule.interval !== 0) return false
  const sizes = ['secondly', 'minutely', 'hourly', 'daily', 'weekly', 'monthly', 'yearly']
  const size = sizes.indexOf(rule.freq)
  const same = (list: readonly number[] | undefined, now: number, then: number, from: number): boolean =>
    list === undefined ? size < from || now === then : list.includes(now)
  if (!same(rule.bySecond, a.getUTCSeconds(), b.getUTCSeconds(), 1)) return false
  if (!same(rule.byMinute, a.getUTCMinutes(), b.getUTCMinutes(), 2)) return false
  if (!same(rule.byHour, a.getUTCHours(), b.getUTCHours(), 3)) return false
  if (rule.byMonth !== undefined && !rule.byMonth.includes(a.getUTCMonth() + 1)) return false
  const monthDays = new Date(Date.UTC(a.getUTCFullYear(), a.getUTCMonth() + 1, 0)).getUTCDate()
  const day = a.getUTCDate()
  if (rule.byMonthDay !== undefined && !rule.byMonthDay.some((n) => n === day || monthDays + 1 + n === day))
    return false
  const newYear = Date.UTC(a.getUTCFullYear(), 0, 1) / 1000
  const yearDays = (Date.UTC(a.getUTCFullYear() + 1, 0, 1) / 1000 - newYear) / 86_400
  const yearDay = (midnight(a) - newYear) / 86_400 + 1
  if (
    rule.byYearDay !== undefined &&
    !rule.byYearDay.some((n) => n === yearDay || yearDays + 1 + n === yearDay)
  )
    return false
  const weekday = (a.getUTCDay() + 6) % 7
  if (rule.byDay !== undefined) {
    const byMonth = rule.freq === 'monthly' || rule.byMonth !== undefined
    const [index, length] = byMonth ? [day, monthDays] : [yearDay, yearDays]
    const nth = Math.floor((index - 1) / 7) + 1
    const nthLast = Math.floor((length - index) / 7) + 1
    const isIn = rule.byDay.some(
      (one) =>
        one.weekday === weekday && (one.ordinal === 0 || one.ordinal === nth || one.ordinal === -nthLast),
    )
    if (!isIn) return false
  }
  if (rule.byDay !== undefined || rule.byMonthDay !== undefined || rule.byYearDay !== undefined) return true
  if (rule.freq === 'weekly') return weekday === (b.getUTCDay() + 6) % 7
  if (rule.freq === 'monthly') return day === b.getUTCDate()
  if (rule.freq !== 'yearly') return true
  return day === b.getUTCDate() && (rule.byMonth !== undefined || a.getUTCMonth() === b.getUTCMonth())
}

const some = (least: number, most: number): fc.Arbitrary<number[] | undefined> =>
  fc.option(fc.array(fc.integer({ min: least, max: most }), { minLength: 1, maxLength: 4 }), {
    nil: undefined,
  })
const someOrFromEnd = (most: number): fc.Arbitrary<number[] | undefined> =>
  fc.option(
    fc.array(fc.oneof(fc.integer({ min: 1, max: most }), fc.integer({ min: -most, max: -1 })), {
      minLength: 1,
      maxLength: 4,
    }),
    { nil: undefined },
  )

const rules: fc.Arbitrary<Rule> = fc
  .record({
    freq: fc.constantFrom('secondly', 'minutely', 'hourly', 'daily', 'weekly', 'monthly', 'yearly' as const),
    interval: fc.integer({ min: 1, max: 5 }),
    weekStart: fc.integer({ min: 0, max: 6 }),
    bySecond: some(0, 59),
    byMinute: some(0, 59),
    byHour: some(0, 23),
    byMonth: some(1, 12),
    byMonthDay: someOrFromEnd(31),
    byYearDay: someOrFromEnd(366),
    days: fc.option(
      fc.array(fc.tuple(fc.integer({ min: -5, max: 5 }), fc.integer({ min: 0, max: 6 })), {
        minLength: 1,
        maxLength: 3,
      }),
      {
        nil: undefined,
      },
    ),
    dense: fc.boolean(),
  })
  .map(({ days, dense, freq, ...rule }) => {
    const mayCount = freq === 'monthly' || freq === 'yearly'
    const byDay = days?.map(([ordinal, weekday]) => ({ ordinal: mayCount ? ordinal : 0, weekday }))
    const sparse = dense ? { byYearDay: undefined, byMonthDay: undefined } : {}
    return without({ ...rule, ...sparse, byDay, freq }) as unknown as Rule
  })

function without(all: object): object {
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}

test('an instant is in a period exactly where the period began less than its length before', () => {
  fc.assert(
    fc.property(
      rules,
      fc.integer({ min: 0, max: 4 * 366 * 86_400 }),
      fc.oneof(fc.integer({ min: 1, max: 90 }), fc.constant(3600), fc.constant(7 * 3600)),
      fc.array(fc.integer({ min: 0, max: 3 * 366 * 86_400 }), { minLength: 1, maxLength: 4 }),
      (rule, later, length, offsets) => {
        const start = local('2023-12-28T22:58') + later
        const recurrence = new Recurrence(utc, start, { days: 0, seconds: length }, rule)
        for (const offset of offsets) {
          // Near the beginnings, where something happens, and anywhere.
          const next = recurrence.next(start + offset, start + offset + 40 * 86_400) ?? start + offset
          for (const at of [start + offset, next, next - 1, next + length - 1, next + length]) {
            let expected = false
            for (let s = at; s > at - length && !expected; s--) expected = begins(rule, start, s)
            assert.equal(recurrence.covers(at), expected, `${JSON.stringify(rule)} ${start} ${length} ${at}`)
          }
        }
      },
    ),
    runs,
  )
})

test('the next beginning is the first second at which the rule begins', () => {
  fc.assert(
    fc.property(
      rules,
      fc.integer({ min: 0, max: 366 * 86_400 }),
      fc.integer({ min: 0, max: 300 * 86_400 }),
      (rule, later, from) => {
        const start = local('2023-12-28T22:58') + later
        const recurrence = new Recurrence(utc, start, { days: 0, seconds: 1 }, rule)
        const horizon = start + from + 6 * 3600
        let expected: number | undefined
        for (let s = start + from + 1; s <= horizon && expected === undefined; s++)
          if (begins(rule, start, s)) expected = s
        assert.equal(
          recurrence.next(start + from, horizon),
          expected,
          `${JSON.stringify(rule)} ${start} ${from}`,
        )
      },
    ),
    runs,
  )
})
