import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Rule, WeekdayRule } from './dates.ts'
import { civilOf, dayOf, daySeconds, modulo, weekdayOf, weekYearStart } from './days.ts'
import { Recurrence, type Span } from './recurrence.ts'
import { TimeZone } from './time-zone.ts'

const runs = { numRuns: process.env['VERONA_SOAK'] === undefined ? 150 : 20_000 }

const utc = TimeZone.named('UTC') as TimeZone
const newYork = TimeZone.named('America/New_York') as TimeZone

/** `2026-03-08T02:30` as clocks show it. */
function local(written: string): number {
  return Date.parse(`${written.length > 16 ? written : `${written}:00`}Z`) / 1000
}

const weekly = { freq: 'weekly', interval: 1, weekStart: 0 } as const

test('days are those of the calendar', () => {
  fc.assert(
    fc.property(fc.integer({ min: -100_000, max: 200_000 }), (day) => {
      const date = new Date(day * daySeconds * 1000)
      const civil = civilOf(day)
      assert.deepEqual(civil, {
        year: date.getUTCFullYear(),
        month: date.getUTCMonth() + 1,
        day: date.getUTCDate(),
      })
      assert.equal(dayOf(civil.year, civil.month, civil.day), day)
      assert.equal(weekdayOf(day), modulo(date.getUTCDay() - 1, 7))
    }),
    runs,
  )
})

test('week 1 is the first with four days in the year (RFC 3880 §4.4)', () => {
  for (const [year, start] of [
    [2004, '2003-12-29'],
    [2005, '2005-01-03'],
    [2009, '2008-12-29'],
    [2016, '2016-01-04'],
    [2026, '2025-12-29'],
  ] as const)
    assert.equal(weekYearStart(year, 0), local(`${start}T00:00`) / daySeconds, String(year))
})

test('a zone has the offset of each instant, and of what clocks show twice the first time counts (RFC 5545 §3.3.5)', () => {
  const rows: [string, string][] = [
    ['2026-01-15T12:00', '2026-01-15T17:00'],
    ['2026-07-15T12:00', '2026-07-15T16:00'],
    // Clocks go from 1:59 to 3:00: what is between is as before.
    ['2026-03-08T01:59', '2026-03-08T06:59'],
    ['2026-03-08T02:30', '2026-03-08T07:30'],
    ['2026-03-08T03:00', '2026-03-08T07:00'],
    // And from 1:59 back to 1:00.
    ['2026-11-01T01:30', '2026-11-01T05:30'],
    ['2026-11-01T02:00', '2026-11-01T07:00'],
  ]
  for (const [shown, instant] of rows) assert.equal(newYork.instantOf(local(shown)), local(instant), shown)
  assert.equal(newYork.localOf(local('2026-11-01T06:30')), local('2026-11-01T01:30'))
  assert.equal(TimeZone.named('Mantua/Street'), undefined)
  assert.equal(TimeZone.named('+01:00'), undefined)
})

test('what clocks show is when they show it, in zones of many kinds', () => {
  const zones = [
    'Europe/Rome',
    'Australia/Lord_Howe',
    'Africa/Casablanca',
    'Asia/Kathmandu',
    'America/St_Johns',
  ]
  fc.assert(
    fc.property(
      fc.constantFrom(...zones),
      fc.integer({ min: local('1990-01-01T00:00'), max: local('2040-01-01T00:00') }),
      (name, instant) => {
        const zone = TimeZone.named(name) as TimeZone
        const shown = zone.localOf(instant)
        const first = zone.instantOf(shown)
        assert.equal(zone.localOf(first), shown)
        assert.ok(first <= instant && instant - first <= 2 * 3600, `${name} ${instant}`)
      },
    ),
    runs,
  )
})

interface Row {
  readonly what: string
  readonly zone?: TimeZone
  readonly start: string
  readonly span: Span
  readonly rule?: Rule
  readonly in: readonly string[]
  readonly out: readonly string[]
}

const hours = (count: number): Span => ({ days: 0, seconds: count * 3600 })
const on = (...days: number[]): WeekdayRule[] => days.map((weekday) => ({ ordinal: 0, weekday }))

const rows: readonly Row[] = [
  {
    what: 'one period: its beginning is in it, its end is not',
    start: '2026-01-01T09:00',
    span: hours(8),
    in: ['2026-01-01T09:00', '2026-01-01T16:59'],
    out: ['2026-01-01T08:59', '2026-01-01T17:00', '2026-01-02T10:00'],
  },
  {
    what: 'weekdays from nine to five in New York, whatever the season (§12.7)',
    zone: newYork,
    start: '2000-07-03T09:00',
    span: hours(8),
    rule: { ...weekly, byDay: on(0, 1, 2, 3, 4) },
    in: ['2026-01-15T14:00', '2026-01-15T21:59', '2026-07-15T13:00', '2026-07-15T20:59'],
    out: ['2026-01-15T13:59', '2026-01-15T22:00', '2026-07-15T12:59', '2026-07-18T15:00', '2000-07-02T15:00'],
  },
  {
    what: 'every Sunday in January, every other year, at 8:30 and 9:30 (§4.4)',
    start: '1997-01-05T08:30',
    span: { days: 0, seconds: 600 },
    rule: {
      freq: 'yearly',
      interval: 2,
      weekStart: 0,
      byMonth: [1],
      byDay: on(6),
      byHour: [8, 9],
      byMinute: [30],
    },
    in: ['1997-01-05T08:30', '1997-01-12T09:39', '1999-01-03T08:35'],
    out: ['1997-01-05T08:40', '1998-01-04T08:35', '1999-02-07T08:35', '1999-01-03T10:30'],
  },
  {
    what: 'the last work day of the month (§4.4)',
    start: '2026-01-30T09:00',
    span: hours(1),
    rule: { freq: 'monthly', interval: 1, weekStart: 0, byDay: on(0, 1, 2, 3, 4), bySetPosition: [-1] },
    in: ['2026-01-30T09:30', '2026-02-27T09:30', '2026-05-29T09:30'],
    out: ['2026-02-26T09:30', '2026-05-31T09:30', '2026-02-27T10:00'],
  },
  {
    what: 'the first counts, though the rule does not have it',
    start: '2026-01-01T09:00',
    span: hours(1),
    rule: { ...weekly, byDay: on(0), count: 3 },
    in: ['2026-01-01T09:00', '2026-01-05T09:00', '2026-01-12T09:59'],
    out: ['2026-01-19T09:00', '2026-01-08T09:00'],
  },
  {
    what: 'until names the last that begins, itself included',
    start: '2026-01-01T09:00',
    span: hours(2),
    rule: { freq: 'daily', interval: 1, weekStart: 0, until: { instant: local('2026-01-03T09:00') } },
    in: ['2026-01-03T10:59'],
    out: ['2026-01-04T09:30'],
  },
  {
    what: 'until as a day has that day',
    start: '2026-01-01T09:00',
    span: hours(2),
    rule: {
      freq: 'daily',
      interval: 1,
      weekStart: 0,
      until: { day: local('2026-01-03T00:00') / daySeconds },
    },
    in: ['2026-01-03T10:59'],
    out: ['2026-01-04T09:30'],
  },
  {
    what: 'a 29 February comes every fourth year, and not in 2100',
    start: '2024-02-29T00:00',
    span: { days: 1, seconds: 0 },
    rule: { freq: 'yearly', interval: 1, weekStart: 0 },
    in: ['2028-02-29T12:00', '2096-02-29T00:00', '2104-02-29T23:59'],
    out: ['2025-02-28T12:00', '2025-03-01T12:00', '2100-02-28T12:00', '2100-03-01T12:00'],
  },
  {
    what: 'a night is over midnight',
    start: '2026-01-01T22:00',
    span: hours(8),
    rule: { freq: 'daily', interval: 2, weekStart: 0 },
    in: ['2026-01-02T05:59', '2026-01-03T22:00'],
    out: ['2026-01-02T06:00', '2026-01-02T23:00', '2026-01-03T02:00'],
  },
  {
    what: 'where clocks go forward a day of the calendar has 23 hours, and eight hours are eight',
    zone: newYork,
    start: '2026-03-07T00:00',
    span: { days: 1, seconds: 0 },
    rule: { freq: 'daily', interval: 7, weekStart: 0 },
    in: ['2026-03-08T04:59'],
    out: ['2026-03-08T05:00'],
  },
  {
    what: 'a beginning that clocks skip is an hour later by them',
    zone: newYork,
    start: '2026-03-01T02:30',
    span: { days: 0, seconds: 900 },
    rule: { freq: 'daily', interval: 1, weekStart: 0 },
    in: ['2026-03-08T07:30', '2026-03-08T07:44'],
    out: ['2026-03-08T07:29', '2026-03-08T07:45', '2026-03-08T06:40'],
  },
  {
    what: 'a beginning that clocks show twice is the first',
    zone: newYork,
    start: '2026-10-01T01:45',
    span: { days: 0, seconds: 1800 },
    rule: { freq: 'daily', interval: 1, weekStart: 0 },
    in: ['2026-11-01T05:45', '2026-11-01T06:14'],
    out: ['2026-11-01T06:15', '2026-11-01T06:45'],
  },
  {
    what: 'hours pass, whatever is done to clocks',
    zone: newYork,
    start: '2026-10-31T00:00',
    span: { days: 0, seconds: 600 },
    rule: { freq: 'hourly', interval: 5, weekStart: 0 },
    in: ['2026-11-01T05:09', '2026-11-01T10:00', '2026-11-01T15:05'],
    out: ['2026-11-01T06:05', '2026-11-01T11:05'],
  },
  {
    what: 'the hundredth day of the year, and the third week',
    start: '2026-01-01T00:00',
    span: hours(1),
    rule: { freq: 'yearly', interval: 1, weekStart: 0, byYearDay: [100, -1] },
    in: ['2026-04-10T00:30', '2026-12-31T00:30', '2028-04-09T00:30'],
    out: ['2026-04-11T00:30', '2027-12-30T00:30'],
  },
  {
    what: 'a week of the year has the weekday of the first',
    start: '1997-05-12T09:00',
    span: hours(1),
    rule: { freq: 'yearly', interval: 1, weekStart: 0, byWeekNumber: [20] },
    in: ['1998-05-11T09:00', '1999-05-17T09:00'],
    out: ['1998-05-12T09:00', '1999-05-10T09:00'],
  },
  {
    what: 'the week of a year may begin before it',
    start: '2008-01-01T09:00',
    span: hours(1),
    rule: { freq: 'yearly', interval: 1, weekStart: 0, byWeekNumber: [1], byDay: on(0) },
    in: ['2008-12-29T09:00', '2009-12-28T09:00'.replace('2009-12-28', '2010-01-04')],
    out: ['2009-01-05T09:00'],
  },
  {
    what: 'the first day of the week matters to every other week (RFC 5545 §3.8.5.3)',
    start: '1997-08-05T09:00',
    span: hours(1),
    rule: { freq: 'weekly', interval: 2, weekStart: 6, byDay: on(1, 6), count: 4 },
    in: ['1997-08-05T09:00', '1997-08-17T09:00', '1997-08-19T09:00', '1997-08-31T09:00'],
    out: ['1997-08-10T09:00', '1997-08-24T09:00', '1997-09-02T09:00'],
  },
]

for (const { what, zone = utc, start, span, rule, in: inside, out } of rows) {
  test(what, () => {
    const recurrence = new Recurrence(zone, local(start), span, rule)
    for (const at of inside) assert.equal(recurrence.covers(local(at)), true, `${at} is in it`)
    for (const at of out) assert.equal(recurrence.covers(local(at)), false, `${at} is not`)
  })
}

test('periods that overlap are found; those that touch do not', () => {
  const daily = { freq: 'daily', interval: 1, weekStart: 0 } as const
  const start = local('2026-01-01T09:00')
  assert.equal(new Recurrence(utc, start, hours(24), daily).examine(10_000).fault, undefined)
  assert.equal(
    new Recurrence(newYork, start, { days: 1, seconds: 0 }, daily).examine(10_000).fault,
    undefined,
  )
  assert.equal(new Recurrence(utc, start, hours(25), daily).examine(10_000).fault, 'overlap')
  assert.equal(
    new Recurrence(utc, start, hours(9), { ...daily, byHour: [9, 17] }).examine(10_000).fault,
    'overlap',
  )
  assert.equal(new Recurrence(utc, start, hours(2000), undefined).examine(10_000).fault, undefined)
})

test('a rule that takes more to follow than is allowed is too far', () => {
  const rare = {
    freq: 'yearly',
    interval: 1,
    weekStart: 0,
    byMonth: [2],
    byMonthDay: [29],
    byDay: on(0),
  } as const
  const start = local('2024-02-29T00:00')
  const hour = hours(1)
  assert.deepEqual(new Recurrence(utc, start, hour, { ...rare, count: 50 }).examine(10_000), {
    fault: 'too-far',
    stepsLeft: 0,
  })
  const few = new Recurrence(utc, start, hour, { ...rare, count: 2 })
  assert.ok(few.examine(300_000).stepsLeft > 0)
  // The Mondays among them are 28 years apart, the next one 2044.
  assert.equal(few.covers(local('2044-02-29T00:30')), true)
  assert.equal(few.covers(local('2072-02-29T00:30')), false)
})

test('a count is the same number of beginnings, and positions are those of their period', () => {
  const third = {
    freq: 'monthly',
    interval: 1,
    weekStart: 0,
    byDay: on(0, 2),
    bySetPosition: [3, -1],
    count: 6,
  } as const
  const start = local('2026-01-12T09:00')
  const found: number[] = [start]
  const recurrence = new Recurrence(utc, start, hours(1), third)
  for (let at = recurrence.next(start, start + 400 * daySeconds); at !== undefined; ) {
    found.push(at)
    at = recurrence.next(at, at + 400 * daySeconds)
  }
  assert.deepEqual(
    found.map((at) => new Date(at * 1000).toISOString().slice(0, 10)),
    ['2026-01-12', '2026-01-28', '2026-02-09', '2026-02-25', '2026-03-09', '2026-03-30'],
  )
})

test('what never comes again, or only after decades, is known at once', () => {
  const start = local('2024-02-29T00:00')
  const never = { freq: 'yearly', interval: 1, weekStart: 0, byMonth: [2], byMonthDay: [30] } as const
  const began = performance.now()
  const year = { days: 365, seconds: 0 }
  for (const rule of [
    never,
    { ...never, freq: 'secondly' },
    { ...never, count: 1000 },
    { ...never, byMonthDay: [29], byDay: on(3), count: 50 },
    { ...never, freq: 'minutely', byMonthDay: [29], interval: 999_983, bySecond: [7] },
  ] as const)
    assert.equal(
      new Recurrence(newYork, start, rule.freq === 'yearly' ? year : hours(1), rule).covers(
        local('2999-06-01T00:00'),
      ),
      false,
    )
  assert.ok(performance.now() - began < 2000, `${performance.now() - began} ms`)
})
