// The reply codes of APEX (RFC 3340 §10; 350 and 556 of RFC 3342, 551 of RFC 3341, 503 of RFC 3343), and one table of them both ways:
// Condition <-> code.

import type { Condition } from '#model'

export const replyCodes = {
  250: 'transaction successful',
  350: 'not delivered yet',
  421: 'service not available',
  450: 'requested action not taken',
  451: 'requested action aborted',
  454: 'temporary authentication failure',
  500: 'general syntax error',
  501: 'syntax error in parameters',
  503: 'publisher mismatch',
  504: 'parameter not implemented',
  530: 'authentication required',
  534: 'authentication mechanism insufficient',
  535: 'authentication failure',
  537: 'action not authorized for user',
  538: 'authentication mechanism requires encryption',
  550: 'requested action not taken',
  551: 'no such entry',
  553: 'parameter invalid',
  554: 'transaction failed',
  555: 'transaction already in progress',
  556: 'overridden',
} as const

export type ApexCode = keyof typeof replyCodes

/** In the order of the conditions. */
export const codeOf: Readonly<Record<Condition, ApexCode>> = {
  'target-unknown': 550,
  'subscription-unknown': 550,
  'permission-denied': 537,
  'authentication-required': 530,
  'domain-authentication-required': 530,
  'temporarily-forwarded': 550,
  'permanently-forwarded': 550,
  'operation-not-supported': 504,
  'redirect-to-server': 553,
  'connection-failed': 450,
  'message-too-large': 554,
  'mailbox-full': 450,
  'mailbox-unavailable': 450,
  'content-not-understood': 554,
  malformed: 501,
  'version-not-supported': 504,
  'address-malformed': 553,
  'domain-unknown': 550,
  'remote-timeout': 451,
  'too-many-hops': 554,
  'loop-detected': 554,
  'lease-too-brief': 553,
  'precondition-failed': 555,
  conflict: 555,
  'not-found': 551,
  'temporarily-unavailable': 450,
  'rate-exceeded': 450,
  'resource-limit': 554,
  'not-acceptable': 554,
  'internal-fault': 451,
}

/** What a code alone leaves open, for the text of a reply; a person's rules are nobody's business. */
export const reasonOf: Readonly<Partial<Record<Condition, string>>> = {
  'target-unknown': 'nobody has that name',
  'domain-unknown': 'no way to that domain is known',
  'connection-failed': 'that domain is out of reach',
  'remote-timeout': 'no answer came in time',
  'mailbox-full': 'too much waits already',
  'mailbox-unavailable': 'nobody is attached',
  'content-not-understood': 'no device takes such content',
  'message-too-large': 'it is too large',
  'too-many-hops': 'too many hops',
  'loop-detected': 'it came by here before',
  'rate-exceeded': 'too much in too short a time',
}

const conditions: Readonly<Record<number, Condition>> = {
  421: 'temporarily-unavailable',
  450: 'temporarily-unavailable',
  451: 'remote-timeout',
  454: 'temporarily-unavailable',
  500: 'malformed',
  501: 'malformed',
  503: 'malformed',
  504: 'operation-not-supported',
  530: 'authentication-required',
  534: 'authentication-required',
  535: 'authentication-required',
  537: 'permission-denied',
  538: 'authentication-required',
  550: 'target-unknown',
  551: 'not-found',
  553: 'address-malformed',
  554: 'not-acceptable',
  555: 'conflict',
  556: 'connection-failed',
}

/** A code that nobody registered means what its class does (RFC 3080 §8 takes them from mail): 4 is for now, 5 for good. */
export function conditionOf(code: number): Condition {
  return conditions[code] ?? (code < 500 ? 'temporarily-unavailable' : 'not-acceptable')
}
