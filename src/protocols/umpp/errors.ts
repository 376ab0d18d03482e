// What the answers to our INVITEs mean for the messages that wait (RFC 3261 §21), and what of ours theirs are refused with.

import type { Condition } from '#model'
import { conditionOf } from '#protocols/sip'

/**
 * Why a session was refused. An answer came, so that the domain is there: what it says of time is of one person, and nobody else's
 * messages wait for that (decision 0040); but 503 is of its servers. Without an answer the domain is away.
 */
export function refusalOf(status: number, isAnswered: boolean): Condition {
  const condition = conditionOf(status)
  if (!isAnswered || status === 503) return condition
  if (status === 401 || status === 407) return 'domain-authentication-required'
  if (status < 400 || condition === 'connection-failed' || condition === 'remote-timeout')
    return 'temporarily-unavailable'
  return condition
}

/** Refusals of sessions as such: the person may be reached without one (`[umpp] otherwise`). */
export const ofTheSession: ReadonlySet<Condition> = new Set([
  'not-acceptable',
  'content-not-understood',
  'operation-not-supported',
])
