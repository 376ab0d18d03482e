// The contracts that a protocol's sessions fulfil: what the core knows of a connected device.
import type { Address, Condition, Envelope, Outcome, PresenceDocument, ProtocolName } from '#model'
import type { AccessRules } from './people/access-rules.ts'
import type { Contact } from './people/contact.ts'
import type { PresenceNotification } from './presence/notification.ts'

/** What an agent can take, learnt from its sign-in or from its refusals (405, 415, 488, 501). */
export interface AgentCapabilities {
  /** False when it takes no messages now: negative XMPP priority, a phone without MESSAGE in its Allow. */
  readonly messages: boolean
  /** XMPP priority, SIP q scaled; larger is preferred where one device must be chosen. */
  readonly priority: number
  /** Whether it wants messages that were aimed at another device of the same person. */
  readonly receivedCopies: boolean
  /** Whether it wants messages that the same person sent from another device. */
  readonly sentCopies: boolean
}

/**
 * How an agent answered a delivery. `declined`: it can't take this; another agent or the store may. `held`: it has it for a device that
 * has yet to acknowledge it, and answers once more: `accepted` when the device has, `declined` when the device is lost.
 */
export type DeliveryAnswer =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'held' }
  | { readonly kind: 'declined'; readonly condition: Condition }
  | { readonly kind: 'refused'; readonly outcome: Outcome & { kind: 'refused' } }

export const accepted: DeliveryAnswer = { kind: 'accepted' }
export const held: DeliveryAnswer = { kind: 'held' }

/** What the core knows of a delivery beside the envelope. */
export interface DeliveryContext {
  /** `received`, or `sent`: a copy of what the agent's own person sent from another device. */
  readonly copy: 'received' | 'sent'
  /** The id of the message in the archive of the agent's owner, unguessable; empty when that keeps none. */
  readonly archiveId: string
  /** Milliseconds since the epoch when it was stored, for a late delivery; undefined when it is live. */
  readonly storedAt: number | undefined
}

/** One device of a person, of any protocol. */
export interface InboxAgent {
  readonly protocol: ProtocolName
  /** The account it signed in to, by its primary address. */
  readonly owner: Address
  /** XMPP resource, SIP instance or contact hash, IMPP Connection-ID: unique in the inbox, and its presence tuple's id. */
  readonly id: string
  readonly capabilities: AgentCapabilities
  /** Octets of the largest unit it takes, where it said so. */
  readonly octetsMax?: number
  /** True when what it is offered arrives in the order of the offers (one stream), answered or not. */
  readonly keepsOrder: boolean
  /** Where it registered from, as a URI, where its protocol has one for that. */
  readonly contactUri?: string
  /**
   * Offers a message or a report (`head.kind`). `answer` is called once (twice where the first is `held`), in the same tick when possible. An agent that loses its connection before
   * it knows answers `declined` with `connection-failed`. The envelope's raw octets are a loan: `keep()` to hold them.
   */
  deliver(envelope: Envelope, context: DeliveryContext, answer: (answer: DeliveryAnswer) => void): void
  /** Whether it wants a copy of what was aimed at that one of its person's devices; absent: whatever the device. */
  wantsCopyOf?(named: InboxAgent): boolean
  /** The account is gone or disabled, or the server stops: says so to the device and ends its session. */
  signOut(reason: Condition): void
  /** Takes what is neither message nor presence service: IQ, directed presence, a late report. Same protocol only. */
  forward?(envelope: Envelope, answer: (outcome: Outcome) => void): void
}

/** Whoever is told of another's presence. */
export interface WatcherAgent {
  readonly protocol: ProtocolName
  /** The watcher, by its primary address where it is ours. */
  readonly watcher: Address
  /** True where it is made anew as often as it is asked for, and is the watcher itself; one of a leased subscription is that. */
  readonly standsForWatcher?: true
  /** Tells it of a change, or of the whole state where `notification.full`. Must not throw. */
  notify(notification: PresenceNotification): void
  /** Its leased subscription ended without its doing. */
  terminated(subscriptionId: string, reason: TerminationReason): void
  /** Its pending leased subscription was allowed; a full notification follows. */
  activated?(subscriptionId: string): void
}

/** RFC 6665 §4.1.3's reasons, which the other protocols map. */
export type TerminationReason = 'rejected' | 'timeout' | 'deactivated' | 'noresource' | 'giveup'

/** The four words by which authorizations change hands (RFC 6121 §3). */
export type AuthorizationEvent = 'subscribe' | 'subscribed' | 'unsubscribe' | 'unsubscribed'

/** Whoever shows the owner their contact list and who asks to watch them. */
export interface ContactAgent {
  /** The contact is as given now; undefined `contact` means it is gone from the list. */
  contactChanged(address: Address, contact: Contact | undefined): void
  /** The owner's rules are no longer those of `before`, whoever changed them. */
  rulesChanged?(before: AccessRules): void
  /** `from` asks, allows, gives up or refuses. `source` is the asker's own stanza where it was of the same protocol. */
  authorizationEvent(event: AuthorizationEvent, from: Address, source: Envelope | undefined): void
}

/** The document a watcher that needs a whole gets when it is politely blocked, or nobody is there. */
export function absentDocument(entity: string): PresenceDocument {
  return { entity, tuples: [], notes: [], extensions: [] }
}
