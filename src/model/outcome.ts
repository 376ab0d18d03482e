// What became of an operation. A refusal is a normal answer, never an exception.
import type { Bytes } from '#base'
import type { Condition } from './condition.ts'
import type { PresenceDocument } from './presence.ts'
import type { ScriptLocation } from './script.ts'

/** A peer's or device's own answer, kept for a requester of the same protocol. */
export interface PeerReply {
  readonly protocol: string
  readonly code: number
  readonly raw: Bytes
}

export interface Refused {
  readonly kind: 'refused'
  readonly condition: Condition
  readonly detail?: PeerReply
  /** Where to go instead, for the forwarding and redirecting conditions. */
  readonly location?: string
  /** All such places, where there are several; the first is `location`. */
  readonly locations?: readonly ScriptLocation[]
  /** The words of the target's own script, for protocols that can say them (RFC 3880 §6.3.1): a SIP status, and a phrase or nothing. */
  readonly said?: { readonly status: number; readonly reason: string }
}

/**
 * `delivered`: an agent of the recipient took it. `stored`: it is durable and will be delivered. `relayed`: handed on,
 * and no authoritative word will come (RFC 3860 §4.1.3, indeterminant).
 */
export type Outcome =
  | { readonly kind: 'delivered'; readonly presence?: PresenceDocument }
  | { readonly kind: 'stored'; readonly presence?: PresenceDocument }
  | { readonly kind: 'relayed' }
  | Refused

export const delivered: Outcome = { kind: 'delivered' }
export const stored: Outcome = { kind: 'stored' }
export const relayed: Outcome = { kind: 'relayed' }

export function refused(condition: Condition): Refused {
  return { kind: 'refused', condition }
}
