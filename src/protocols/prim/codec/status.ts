// Status codes, and one table of them both ways: Condition <-> code (docs/specs/prim.md §7).

import type { Condition } from '#model'

export const phrases: Readonly<Record<number, string>> = {
  100: 'Authentication Continued',
  101: 'Unknown Delivery Status',
  200: 'OK',
  201: 'Duration Adjusted',
  300: 'Redirect',
  400: 'Bad Request',
  401: 'Unauthorized',
  402: 'Forbidden',
  403: 'Resource Not Found',
  404: 'Subscription Not Found',
  406: 'Authentication Failed',
  407: 'Timeout',
  408: 'Inbox Is Closed',
  409: 'Already Authenticated',
  410: 'AStrength Too Weak',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Version Not Supported',
  504: 'Gateway Timeout',
  505: 'Too Many Subscriptions',
}

export function phraseOf(status: number): string {
  return phrases[status] ?? 'Unknown'
}

/** In the order of the conditions. */
export const statusOf: Readonly<Record<Condition, number>> = {
  'target-unknown': 403,
  'subscription-unknown': 404,
  'permission-denied': 402,
  'authentication-required': 401,
  'domain-authentication-required': 401,
  'temporarily-forwarded': 403,
  'permanently-forwarded': 403,
  'operation-not-supported': 501,
  'redirect-to-server': 300,
  'connection-failed': 504,
  'message-too-large': 400,
  'mailbox-full': 408,
  'mailbox-unavailable': 408,
  'content-not-understood': 400,
  malformed: 400,
  'version-not-supported': 503,
  'address-malformed': 400,
  'domain-unknown': 403,
  'remote-timeout': 504,
  'too-many-hops': 400,
  'loop-detected': 400,
  'lease-too-brief': 400,
  'precondition-failed': 400,
  conflict: 400,
  'not-found': 403,
  'temporarily-unavailable': 500,
  'rate-exceeded': 500,
  'resource-limit': 505,
  'not-acceptable': 400,
  'internal-fault': 500,
}

const conditions: Readonly<Record<number, Condition>> = {
  300: 'redirect-to-server',
  400: 'malformed',
  401: 'authentication-required',
  402: 'permission-denied',
  403: 'target-unknown',
  404: 'subscription-unknown',
  406: 'authentication-required',
  407: 'remote-timeout',
  408: 'mailbox-unavailable',
  409: 'conflict',
  410: 'domain-authentication-required',
  500: 'internal-fault',
  501: 'operation-not-supported',
  502: 'not-acceptable',
  503: 'version-not-supported',
  504: 'remote-timeout',
  505: 'resource-limit',
}

/** docs/specs/prim.md §7: any code of this class says at least what 200 does. */
export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300
}

/** Codes are classed as in HTTP: one that is not known means what the first of its class does. */
export function conditionOf(status: number): Condition {
  return conditions[status] ?? (status >= 500 ? 'internal-fault' : 'malformed')
}
