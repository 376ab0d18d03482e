// Fields on their way to the log: never a secret, never what somebody wrote to somebody.

/** Names of fields whose values never reach the log, compared without case, `-` and `_`. */
const hiddenNames = new Set([
  'password',
  'passwd',
  'passphrase',
  'secret',
  'secrets',
  'token',
  'authorization',
  'proxyauthorization',
  'cookie',
  'credentials',
  'verifier',
  'verifiers',
  'saltedpassword',
  'storedkey',
  'serverkey',
  'ha1',
  'digest',
  'initialresponse',
  'privatekey',
  'body',
  'content',
  'raw',
  'text',
  'note',
  'stanza',
  'subject',
])

const hidden = '[hidden]'
/** LIMIT: how deep fields are looked into, and how long a text in the log may be. */
const depthMax = 4
const textMax = 2000

/** A copy fit for the log: hidden names hidden, octets only counted, long texts cut. Errors stay as they are. */
export function censored(fields: Readonly<Record<string, unknown>> | undefined): Record<string, unknown> {
  return fields === undefined ? {} : record(fields, depthMax)
}

function record(fields: Readonly<Record<string, unknown>>, depth: number): Record<string, unknown> {
  const copy: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(fields)) {
    copy[name] = isHidden(name) && value !== undefined ? hidden : field(value, depth)
  }
  return copy
}

function isHidden(name: string): boolean {
  return hiddenNames.has(name.toLowerCase().replaceAll('-', '').replaceAll('_', ''))
}

function field(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return value.length > textMax ? `${value.slice(0, textMax)}...` : value
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Uint8Array) return `${value.length} octets`
  if (value instanceof Error || value instanceof Date) return value
  if (depth === 0) return '...'
  if (Array.isArray(value)) return value.slice(0, 100).map((item) => field(item, depth - 1))
  if (value instanceof Map || value instanceof Set) return `${value.size} entries`
  return record(value as Record<string, unknown>, depth - 1)
}
