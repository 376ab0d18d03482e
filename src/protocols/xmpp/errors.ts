// One table: Condition <-> stanza error, and what is wrong with XML or a lost lease -> stream error.
import { type Condition, type Refused, uriIn, xmppUri } from '#model'
import type { XmlFamily } from '#wire/xml'
import type { StanzaCondition, StanzaError } from './codec/stanza-error.ts'
import type { StreamCondition } from './codec/stream-text.ts'

/** What a refusal is called on an XMPP stream (RFC 6120 §8.3.3). */
const stanzaErrors: Readonly<Record<Condition, StanzaError>> = {
  // RFC 6121 §8.5.1: an unknown user and an unreachable one look the same.
  'target-unknown': { condition: 'service-unavailable' },
  'subscription-unknown': { condition: 'item-not-found' },
  // XEP-0191 §3: a blocked sender learns that the message did not arrive, not why.
  'permission-denied': { condition: 'service-unavailable' },
  'authentication-required': { condition: 'not-authorized' },
  'domain-authentication-required': { condition: 'not-authorized' },
  'temporarily-forwarded': { condition: 'redirect' },
  'permanently-forwarded': { condition: 'gone' },
  'operation-not-supported': { condition: 'feature-not-implemented' },
  'redirect-to-server': { condition: 'redirect' },
  'connection-failed': { condition: 'remote-server-timeout' },
  'message-too-large': { condition: 'policy-violation' },
  'mailbox-full': { condition: 'resource-constraint' },
  'mailbox-unavailable': { condition: 'service-unavailable' },
  'content-not-understood': { condition: 'not-acceptable' },
  malformed: { condition: 'bad-request' },
  'version-not-supported': { condition: 'feature-not-implemented' },
  'address-malformed': { condition: 'jid-malformed' },
  'domain-unknown': { condition: 'remote-server-not-found' },
  'remote-timeout': { condition: 'remote-server-timeout' },
  'too-many-hops': { condition: 'policy-violation', type: 'cancel' },
  'loop-detected': { condition: 'policy-violation', type: 'cancel' },
  'lease-too-brief': { condition: 'not-acceptable' },
  'precondition-failed': { condition: 'conflict' },
  conflict: { condition: 'conflict' },
  'not-found': { condition: 'item-not-found' },
  'temporarily-unavailable': { condition: 'service-unavailable' },
  'rate-exceeded': { condition: 'policy-violation', type: 'wait' },
  'resource-limit': { condition: 'resource-constraint' },
  'not-acceptable': { condition: 'not-acceptable' },
  'internal-fault': { condition: 'internal-server-error' },
}

/** What an XMPP party's refusal means to the others. */
const conditions: Readonly<Record<StanzaCondition, Condition>> = {
  'bad-request': 'malformed',
  conflict: 'conflict',
  'feature-not-implemented': 'operation-not-supported',
  forbidden: 'permission-denied',
  gone: 'permanently-forwarded',
  'internal-server-error': 'internal-fault',
  'item-not-found': 'not-found',
  'jid-malformed': 'address-malformed',
  'not-acceptable': 'not-acceptable',
  'not-allowed': 'permission-denied',
  'not-authorized': 'authentication-required',
  'policy-violation': 'rate-exceeded',
  'recipient-unavailable': 'mailbox-unavailable',
  redirect: 'temporarily-forwarded',
  'registration-required': 'permission-denied',
  'remote-server-not-found': 'domain-unknown',
  'remote-server-timeout': 'remote-timeout',
  'resource-constraint': 'resource-limit',
  'service-unavailable': 'mailbox-unavailable',
  'subscription-required': 'permission-denied',
  'undefined-condition': 'not-acceptable',
  'unexpected-request': 'temporarily-unavailable',
}

export function stanzaErrorOf(condition: Condition): StanzaError {
  return stanzaErrors[condition]
}

/** RFC 6120 §8.3.3.5 and §8.3.3.14 carry the new address. */
export function stanzaErrorOfRefusal(refusal: Refused): StanzaError {
  const error = stanzaErrors[refusal.condition]
  const moved = error.condition === 'gone' || error.condition === 'redirect'
  return moved && refusal.location !== undefined
    ? { ...error, location: uriIn('xmpp', refusal.location, xmppUri) }
    : error
}

export function conditionOfStanzaError(condition: StanzaCondition): Condition {
  return conditions[condition]
}

/** RFC 6120 §4.9.3, §11.1, §11.3, §11.6; a limit is a policy (§13.12). */
export const streamErrorOfXml: Readonly<Record<XmlFamily, StreamCondition>> = {
  'not-well-formed': 'not-well-formed',
  'bad-namespace-prefix': 'bad-namespace-prefix',
  'restricted-xml': 'restricted-xml',
  'unsupported-encoding': 'unsupported-encoding',
  'bad-format': 'bad-format',
  limit: 'policy-violation',
}

/** Why a session is signed out -> the stream error that says so. */
export function streamErrorOf(condition: Condition): StreamCondition {
  if (condition === 'conflict') return 'conflict'
  if (condition === 'permission-denied') return 'not-authorized'
  if (condition === 'temporarily-unavailable') return 'system-shutdown'
  if (condition === 'resource-limit') return 'resource-constraint'
  return condition === 'internal-fault' ? 'internal-server-error' : 'undefined-condition'
}
