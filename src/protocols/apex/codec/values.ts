// Values of attributes (RFC 3340 §9.1): transaction-identifiers, seconds, reply codes, timestamps.

export const uniqueIdMax = 2_147_483_647

/** UNIZID: 0..2147483647. */
export function readNumber(text: string | undefined): number | undefined {
  if (text === undefined || !/^[0-9]{1,10}$/.test(text)) return undefined
  const value = Number(text)
  return value <= uniqueIdMax ? value : undefined
}

/** UNIQID: 1..2147483647. */
export function readUniqueId(text: string | undefined): number | undefined {
  const value = readNumber(text)
  return value === 0 ? undefined : value
}

export function readCode(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-5][0-9][0-9]$/.test(text) ? Number(text) : undefined
}

export function readBoolean(text: string | undefined): boolean | undefined {
  if (text === undefined || text === 'false') return false
  return text === 'true' ? true : undefined
}

/** Milliseconds since the epoch of a timestamp (RFC 3339 §5.6): two are semantically identical when these are equal. */
export function readTimestamp(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/i.test(text))
    return undefined
  const value = Date.parse(text)
  return Number.isNaN(value) ? undefined : value
}

export function timestampText(at: number): string {
  return new Date(at).toISOString()
}
