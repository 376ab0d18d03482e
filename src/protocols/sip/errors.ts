// Conditions and SIP status codes, both ways (RFC 3261 §21, RFC 7247 §7).

import { type Condition, type Refused, sipUri, uriIn } from '#model'

/** What a refusal is called on the wire. */
export const statusOf: Readonly<Record<Condition, number>> = {
  'target-unknown': 404,
  'subscription-unknown': 481,
  'permission-denied': 403,
  'authentication-required': 401,
  'domain-authentication-required': 403,
  'temporarily-forwarded': 302,
  'permanently-forwarded': 301,
  'operation-not-supported': 501,
  'redirect-to-server': 302,
  // Not 503, which would tell a phone that this whole server is out of service (RFC 3261 §21.5.4).
  'connection-failed': 480,
  'message-too-large': 413,
  'mailbox-full': 480,
  'mailbox-unavailable': 480,
  'content-not-understood': 415,
  malformed: 400,
  'version-not-supported': 505,
  'address-malformed': 400,
  'domain-unknown': 404,
  'remote-timeout': 504,
  'too-many-hops': 483,
  'loop-detected': 482,
  'lease-too-brief': 423,
  'precondition-failed': 412,
  conflict: 400,
  'not-found': 404,
  'temporarily-unavailable': 480,
  'rate-exceeded': 503,
  'resource-limit': 503,
  'not-acceptable': 488,
  'internal-fault': 500,
}

/** The status of a refusal: what a script of the target said, else its condition's. */
export function statusOfRefusal({ condition, said }: Refused): number {
  return said?.status ?? statusOf[condition]
}

/** Header fields beside the status: where the target is instead (RFC 3261 §21.3); when to come again after a 503 (§21.5.4). */
export function fieldsOf({
  condition,
  location,
  locations,
}: Pick<Refused, 'condition' | 'location' | 'locations'>): [name: string, value: string][] | undefined {
  if (statusOf[condition] === 503) return [['Retry-After', '30']]
  if (location === undefined) return undefined
  if (locations === undefined || locations.length < 2) return [['Contact', `<${asSip(location)}>`]]
  return locations.map(({ uri, priority }) => ['Contact', `<${asSip(uri)}>;q=${priority.toFixed(3)}`])
}

function asSip(uri: string): string {
  return uriIn(uri.toLowerCase().startsWith('sips:') ? 'sips' : 'sip', uri, sipUri)
}

/** What a far end's final answer other than 2xx means (RFC 7247 §7.2). */
export function conditionOf(status: number): Condition {
  return conditions[status] ?? classes[Math.floor(status / 100)] ?? 'internal-fault'
}

const conditions: Readonly<Record<number, Condition>> = {
  301: 'permanently-forwarded',
  302: 'temporarily-forwarded',
  401: 'authentication-required',
  403: 'permission-denied',
  404: 'target-unknown',
  405: 'operation-not-supported',
  406: 'not-acceptable',
  407: 'authentication-required',
  408: 'remote-timeout',
  410: 'target-unknown',
  412: 'precondition-failed',
  413: 'message-too-large',
  414: 'message-too-large',
  415: 'content-not-understood',
  420: 'operation-not-supported',
  423: 'lease-too-brief',
  430: 'connection-failed',
  481: 'subscription-unknown',
  482: 'loop-detected',
  483: 'too-many-hops',
  484: 'address-malformed',
  488: 'not-acceptable',
  489: 'operation-not-supported',
  500: 'internal-fault',
  501: 'operation-not-supported',
  502: 'domain-unknown',
  503: 'connection-failed',
  504: 'remote-timeout',
  505: 'version-not-supported',
  513: 'message-too-large',
  603: 'permission-denied',
  604: 'target-unknown',
  606: 'not-acceptable',
}

const classes: Readonly<Record<number, Condition>> = {
  3: 'temporarily-forwarded',
  4: 'temporarily-unavailable',
  5: 'internal-fault',
  6: 'temporarily-unavailable',
}
