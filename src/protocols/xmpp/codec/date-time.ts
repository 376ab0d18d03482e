// Points in time as XMPP writes them (XEP-0082 §3.2).

const form = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/

/** Milliseconds since the epoch; undefined when it is no DateTime. */
export function readDateTime(written: string): number | undefined {
  const text = written.trim()
  const time = form.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(time) ? undefined : time
}

export function dateTime(time: number): string {
  return new Date(time).toISOString()
}
