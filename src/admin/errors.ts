// Condition <-> HTTP status of the management API, and the words for a person.

import type { Condition } from '#model'

const statuses: Readonly<Record<Condition, number>> = {
  'target-unknown': 404,
  'subscription-unknown': 404,
  'permission-denied': 403,
  'authentication-required': 401,
  'domain-authentication-required': 401,
  'temporarily-forwarded': 421,
  'permanently-forwarded': 421,
  'operation-not-supported': 501,
  'redirect-to-server': 421,
  'connection-failed': 502,
  'message-too-large': 413,
  'mailbox-full': 507,
  'mailbox-unavailable': 503,
  'content-not-understood': 415,
  malformed: 400,
  'version-not-supported': 505,
  'address-malformed': 422,
  'domain-unknown': 422,
  'remote-timeout': 504,
  'too-many-hops': 508,
  'loop-detected': 508,
  'lease-too-brief': 422,
  'precondition-failed': 412,
  conflict: 409,
  'not-found': 404,
  'temporarily-unavailable': 503,
  'rate-exceeded': 429,
  'resource-limit': 429,
  'not-acceptable': 422,
  'internal-fault': 500,
}

export function statusOf(condition: Condition): number {
  return statuses[condition]
}

const words: Partial<Record<Condition, string>> = {
  'target-unknown': 'there is no such account',
  'address-malformed': 'that is not an address of a person (user@domain)',
  'domain-unknown': 'that domain is not served here',
  conflict: 'the name is taken',
  'not-acceptable': 'the password is empty, or has characters that no password may have (RFC 8265)',
  'not-found': 'there is nothing of that name',
  'resource-limit': 'a limit is met; see the documentation of limits',
  'internal-fault': 'a fault of the server; its log says more',
}

/** General words for a person; what only the log may know is not in them. */
export function messageOf(condition: Condition): string {
  return words[condition] ?? condition.replaceAll('-', ' ')
}
