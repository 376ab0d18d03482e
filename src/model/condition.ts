// Why an operation was refused: one vocabulary for all protocols. The first fourteen are the errors of IMPP §18.8
// in its order; the others are what the remaining protocols need. Each protocol maps every one in its errors.ts.

export const conditions = [
  'target-unknown',
  'subscription-unknown',
  'permission-denied',
  'authentication-required',
  'domain-authentication-required',
  'temporarily-forwarded',
  'permanently-forwarded',
  'operation-not-supported',
  'redirect-to-server',
  'connection-failed',
  'message-too-large',
  'mailbox-full',
  'mailbox-unavailable',
  'content-not-understood',
  // Beyond IMPP §18.8.
  'malformed', // the request breaks its protocol's grammar
  'version-not-supported',
  'address-malformed', // an address that no domain could have
  'domain-unknown', // no such domain, or no way to it
  'remote-timeout', // the other party's domain or device did not answer in time
  'too-many-hops', // RFC 3860 §4.1.2: MaxForwards is used up
  'loop-detected',
  'lease-too-brief',
  'precondition-failed', // an entity tag that is not, or is no longer, ours (RFC 3903 §6)
  'conflict',
  'not-found', // an item the request names is not there
  'temporarily-unavailable', // the target exists and can't take it now
  'rate-exceeded',
  'resource-limit', // a limit of ours that is none of the above
  'not-acceptable',
  'internal-fault', // ours; the log says what
] as const

export type Condition = (typeof conditions)[number]
