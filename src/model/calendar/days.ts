// The Gregorian calendar by day numbers: days since 1970-01-01. Pure arithmetic, valid for all years.

export const daySeconds = 86_400

export interface CivilDate {
  readonly year: number
  /** 1..12 */
  readonly month: number
  /** 1..31 */
  readonly day: number
}

/** What is left of a division where the quotient is rounded down: never negative. */
export function modulo(value: number, by: number): number {
  return ((value % by) + by) % by
}

export function dayOf(year: number, month: number, day: number): number {
  // Years begin in March, so that the odd day is the last one.
  const shifted = month <= 2 ? year - 1 : year
  const era = Math.floor(shifted / 400)
  const yearOfEra = shifted - era * 400
  const yearDay = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  return (
    era * 146_097 +
    yearOfEra * 365 +
    Math.floor(yearOfEra / 4) -
    Math.floor(yearOfEra / 100) +
    yearDay -
    719_468
  )
}

export function civilOf(dayNumber: number): CivilDate {
  const shifted = dayNumber + 719_468
  const era = Math.floor(shifted / 146_097)
  const dayOfEra = shifted - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  )
  const yearDay = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const shiftedMonth = Math.floor((5 * yearDay + 2) / 153)
  const month = shiftedMonth + (shiftedMonth < 10 ? 3 : -9)
  const day = yearDay - Math.floor((153 * shiftedMonth + 2) / 5) + 1
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day }
}

/** 0 is Monday. */
export function weekdayOf(dayNumber: number): number {
  return modulo(dayNumber + 3, 7)
}

export function isLeapYear(year: number): boolean {
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0
}

export function daysInYear(year: number): number {
  return isLeapYear(year) ? 366 : 365
}

export function daysInMonth(year: number, month: number): number {
  if (month === 2) return isLeapYear(year) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

/** The first day of week 1: the week "which contains at least four (4) days in that calendar year" (RFC 3880 §4.4). */
export function weekYearStart(year: number, weekStart: number): number {
  const first = dayOf(year, 1, 1)
  const into = modulo(weekdayOf(first) - weekStart, 7)
  return into <= 3 ? first - into : first + 7 - into
}

/** The year that a day's week belongs to, which may be the one before or after its own. */
export function weekYearOf(dayNumber: number, weekStart: number): number {
  const { year } = civilOf(dayNumber)
  if (dayNumber < weekYearStart(year, weekStart)) return year - 1
  return dayNumber >= weekYearStart(year + 1, weekStart) ? year + 1 : year
}
