// One table, both ways: Condition <-> the Reason token of an ERROR (IMPP §18.8; docs/specs/impp-1.0.md §9).

import type { Condition } from '#model'

/** In the order of the conditions; the first fourteen are those of IMPP §18.8 (D83). */
export const reasonOf: Readonly<Record<Condition, string>> = {
  'target-unknown': 'target-unknown',
  'subscription-unknown': 'subscription-unknown',
  'permission-denied': 'permission-denied',
  'authentication-required': 'user-authentication-required',
  'domain-authentication-required': 'domain-authentication-required',
  'temporarily-forwarded': 'temporarily-forwarded',
  'permanently-forwarded': 'permanently-forwarded',
  'operation-not-supported': 'operation-not-supported',
  'redirect-to-server': 'redirect-to-server',
  'connection-failed': 'connection-failure',
  'message-too-large': 'message-too-large',
  'mailbox-full': 'mailbox-full',
  'mailbox-unavailable': 'mailbox-unavailable',
  'content-not-understood': 'mime-type-not-understood',
  malformed: 'malformed',
  'version-not-supported': 'version-not-supported',
  'address-malformed': 'address-malformed',
  'domain-unknown': 'domain-unknown',
  'remote-timeout': 'remote-timeout',
  'too-many-hops': 'too-many-hops',
  'loop-detected': 'loop-detected',
  'lease-too-brief': 'lease-too-brief',
  'precondition-failed': 'precondition-failed',
  conflict: 'conflict',
  'not-found': 'not-found',
  'temporarily-unavailable': 'temporarily-unavailable',
  'rate-exceeded': 'rate-exceeded',
  'resource-limit': 'too-many-pending',
  'not-acceptable': 'not-acceptable',
  'internal-fault': 'internal-fault',
}

/** Says that a login failed and nothing of why (§6.3); it is no condition of the service. */
export const authenticationFailed = 'authentication-failed'

const conditions = new Map(
  Object.entries(reasonOf).map(([condition, reason]) => [reason, condition as Condition]),
)

/** §9: a reason that is not known is treated as a connection failure. */
export function conditionOf(reason: string | undefined): Condition {
  if (reason === authenticationFailed) return 'authentication-required'
  return (reason !== undefined && conditions.get(reason)) || 'connection-failed'
}

/** A sentence for people, for `Text`. General: names and reasons are in the log. */
export const sentenceOf: Readonly<Record<Condition, string>> = {
  'target-unknown': 'There is nobody of that name here.',
  'subscription-unknown': 'There is no such subscription.',
  'permission-denied': 'This is not permitted.',
  'authentication-required': 'Please log in first.',
  'domain-authentication-required': 'The domain must prove itself first.',
  'temporarily-forwarded': 'The target is elsewhere for a while.',
  'permanently-forwarded': 'The target has moved.',
  'operation-not-supported': 'This request is not supported.',
  'redirect-to-server': 'Another server takes this request.',
  'connection-failed': 'The target cannot be reached.',
  'message-too-large': 'This is too large.',
  'mailbox-full': 'The mailbox is full.',
  'mailbox-unavailable': 'The mailbox is not available.',
  'content-not-understood': 'This kind of content is not understood.',
  malformed: 'The request is not well-formed.',
  'version-not-supported': 'This version of the protocol is not spoken here.',
  'address-malformed': 'This is not an address.',
  'domain-unknown': 'There is no way to that domain.',
  'remote-timeout': 'There was no answer in time.',
  'too-many-hops': 'The request went through too many servers.',
  'loop-detected': 'The request came back here.',
  'lease-too-brief': 'The lease is too short.',
  'precondition-failed': 'The state is not what the request expects.',
  conflict: 'This is in conflict with what is there.',
  'not-found': 'There is no such thing.',
  'temporarily-unavailable': 'Not now; please try again later.',
  'rate-exceeded': 'Too much at a time.',
  'resource-limit': 'A limit is reached.',
  'not-acceptable': 'This is not acceptable here.',
  'internal-fault': 'Something went wrong here.',
}
