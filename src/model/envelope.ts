// A thing in flight at three depths: head (always), content and view (when first asked). It never changes; a hop is the raw
// octets plus what the next protocol splices in.
import type { Bytes } from '#base'
import type { Address } from './address.ts'
import type { Content } from './content.ts'
import type { InstantMessage, Report } from './message.ts'
import type { PresenceDocument } from './presence.ts'
import type { RequestFacts } from './script.ts'

/** The folder name of a protocol: `xmpp`, `sip`, `impp`. */
export type ProtocolName = string

export type EnvelopeKind = 'message' | 'report' | 'presence' | 'transit'

/** What to do with a message when no agent of the recipient can take it (RFC 6121 §8.5.2.2, §8.5.3.2). */
export type WhenAbsent = 'store' | 'drop' | 'refuse'

export interface Head {
  readonly protocol: ProtocolName
  readonly kind: EnvelopeKind
  readonly from: Address
  /** The sending device: XMPP resource, GRUU, Connection-ID; empty when unknown. */
  readonly fromAgent: string
  readonly to: Address
  /** The one device meant; empty for the inbox as a whole. */
  readonly toAgent: string
  /** The sender's identifier of the message; empty when it gave none. */
  readonly id: string
  /** MaxForwards left (RFC 3860 §4.1.1); 0 may go no further. */
  readonly hops: number
  /** Octets of `raw`. */
  readonly size: number
  readonly whenAbsent: WhenAbsent
  /** What to do when `toAgent` is named and not there: go on to the whole inbox, drop, or refuse. */
  readonly whenAgentGone: 'inbox' | 'drop' | 'refuse'
  /** False when the sender asked that nothing keeps it (XEP-0334 no-store), or it is a mere hint (a chat state alone). */
  readonly storable: boolean
  /** False when it must not be copied to the sender's and recipient's other agents (XEP-0280 §6). */
  readonly copyable: boolean
  /** True when its sender asked to be told if it fails later (RFC 5438 §6.2, negative-delivery). */
  readonly failureAsked?: boolean
  /** Where its protocol can tell a message that comes again from another one: no other of its sender to its recipient has this (decision 0146). */
  readonly mark?: string
  /** Those for whom it was before scripts of theirs sent it on, the first first (RFC 3880 §4.1, original-destination). In memory alone. */
  readonly divertedFrom?: readonly Address[]
}

/** RFC 3860 §4.1.1: start above 100; a mesh of our size needs no more. */
export const hopsDefault = 110

/** The head of presence: kept by nobody, copied to nobody, and of no use where nobody is. */
export function presenceHead(
  parts: Pick<Head, 'protocol' | 'from' | 'fromAgent' | 'to' | 'id' | 'size'>,
): Head {
  const how = { whenAbsent: 'drop', whenAgentGone: 'drop', storable: false, copyable: false } as const
  return { ...parts, kind: 'presence', toAgent: '', hops: hopsDefault, ...how }
}

export interface Envelope {
  readonly head: Head
  /** The unit exactly as it came. A loan until the end of the tick; who keeps it calls `keep()`. */
  readonly raw: Bytes
  /** MIME type and exact octets; undefined when the unit has none. Remembered. */
  content(): Content | undefined
  /** What the unit says: by kind an InstantMessage, a Report or a PresenceDocument. Remembered. Throws for transit. */
  view(): InstantMessage | Report | PresenceDocument
  /** The same envelope owning its octets, self-contained (stream prefixes declared). Copies at most once. */
  keep(): Envelope
  /** What a script may look at, where the protocol has more than `view` has. */
  facts?(): RequestFacts
  /** The same to somebody else, in its protocol's own octets; absent where another protocol's reader would be needed to see who that is. */
  readdressed?(head: Head): Envelope
}

export interface MessageEnvelope extends Envelope {
  view(): InstantMessage
  keep(): MessageEnvelope
}

export interface PresenceEnvelope extends Envelope {
  /** True where all that it says is its content: the rest of the unit (an id, credentials) may differ and nobody learns anything new. */
  readonly saidByContent?: true
  view(): PresenceDocument
  keep(): PresenceEnvelope
}

/** RFC 3860 §4.1.1: each gateway and forwarder lowers the count by one. */
export function oneHopLess(head: Head): Head {
  return { ...head, hops: head.hops - 1 }
}
