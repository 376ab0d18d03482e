// The door of the calendar within model: periods that repeat, and the zones that they are told in.

export type { Frequency, Rule, WeekdayRule } from './dates.ts'
export { dayOf, daySeconds, daysInMonth } from './days.ts'
export { Recurrence, recurringDaysMax, recurringDaysWithinDayMax, type Span } from './recurrence.ts'
export { TimeZone } from './time-zone.ts'
