// The contract of durable state. Every promise (and `done`) resolves only when the change survives `kill -9`; a store that
// can't write rejects with a ServiceError and has changed nothing. Calls take effect in the order they are made. Owners are
// named by the primary address of their account; what would belong to an account that is not there is refused
// (`target-unknown`). Octets given to it are its own until it answers.
import type { Bytes } from '#base'
import type { Address, Head } from '#model'
import type { Forward } from './messages/forward.ts'
import type { AccessRule } from './people/access-rules.ts'
import type { Secrets } from './people/authenticator.ts'
import type { Contact } from './people/contact.ts'

export interface AccountRecord {
  /** The primary address; its key names the account. */
  readonly address: Address
  /** Further addresses of the same account. */
  readonly aliases: readonly Address[]
  /** Milliseconds since the epoch. */
  readonly created: number
  readonly disabled: boolean
}

/** All that the core holds in memory of an account in use. */
export interface AccountState {
  readonly record: AccountRecord
  readonly contacts: readonly Contact[]
  readonly rules: readonly AccessRule[]
  readonly permanentPresence: StoredUnit | undefined
  readonly forward: Forward | undefined
  /** The document `archiving`: what is archived is decided within the tick (`archiving.ts`). */
  readonly archiving: Bytes | undefined
  /** The document `class-presence`: classes of watchers, permanent values of single tuples (`class-presence.ts`). */
  readonly classPresence: Bytes | undefined
  /** The document `script`: what is done with calls and messages by the owner's wish (`scripts/`). */
  readonly script: Bytes | undefined
  /** How many of its history entries no agent has taken yet. */
  readonly undelivered: number
}

/** An envelope at rest: revived by its protocol. */
export interface StoredUnit {
  readonly head: Head
  readonly raw: Bytes
}

/** One message of the history. It is kept once and indexed for each owner. */
export interface HistoryRow extends StoredUnit {
  /** Unguessable, made before delivery. */
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly entries: readonly HistoryEntry[]
}

export interface HistoryEntry {
  readonly owner: Address
  readonly peer: Address
  /** The peer's device that sent it or was named in it; empty when none was. */
  readonly peerAgent: string
  readonly direction: 'received' | 'sent'
  /** True while no agent of the owner has taken it. */
  readonly undelivered: boolean
  /** False for what is held only until it is delivered (history off, or no-store). */
  readonly archived: boolean
}

/** A history row as one owner sees it; `sequence` orders an owner's entries and grows. */
export interface HistoryItem extends StoredUnit {
  readonly id: string
  readonly at: number
  readonly sequence: number
  readonly peer: Address
  readonly direction: 'received' | 'sent'
  /** False for what is held only until it is delivered: it is in no history. */
  readonly archived: boolean
}

export interface HistoryQuery {
  readonly with?: Address
  /** Of `with`, this device alone. */
  readonly withAgent?: string
  /** Only these, at most `historyIdsMax`. One that the owner's archive lacks is refused (`not-found`). */
  readonly ids?: readonly string[]
  /** Milliseconds since the epoch, inclusive. */
  readonly start?: number
  readonly end?: number
  /** Exclusive. An id that the owner's archive lacks is refused (`not-found`). */
  readonly afterId?: string
  readonly beforeId?: string
  /** The same for the page alone: they bound what is answered, not what matches. */
  readonly pageAfterId?: string
  readonly pageBeforeId?: string
  /** True: the newest `limit` before the bound, still in ascending order. */
  readonly backwards?: boolean
  /** 1..1000 */
  readonly limit: number
}

/** What of a query says which entries match, wherever a page of them begins and ends. */
export type HistoryFilter = Pick<
  HistoryQuery,
  'with' | 'withAgent' | 'start' | 'end' | 'afterId' | 'beforeId'
>

/** LIMIT: ids that one query names. */
export const historyIdsMax = 250

/** LIMIT: documents of an owner, and octets of one; past them a document is refused (`resource-limit`, `message-too-large`). */
export const documentsMax = 200
export const documentOctetsMax = 262_144

/** A leased subscription that outlives a restart; `state` is the protocol's own. */
export interface StoredSubscription {
  readonly id: string
  readonly protocol: string
  readonly watcher: Address
  readonly presentity: Address
  /** Milliseconds since the epoch. */
  readonly expires: number
  readonly state: Bytes
}

/** What waits for another domain; `sequence` orders a domain's units, grows, and is never given twice. */
export interface QueuedUnit extends StoredUnit {
  readonly sequence: number
  /** Milliseconds since the epoch when it began to wait. */
  readonly at: number
}

/** How much waits for a domain, and since when (milliseconds since the epoch). */
export interface QueuedDomain {
  readonly domain: string
  readonly count: number
  readonly oldest: number
  /** Of `raw`, together. */
  readonly octets: number
}

export interface Store {
  /** Finds an account by its primary address or an alias. */
  account(address: Address): Promise<AccountRecord | undefined>
  /** The whole state of the account that `address` (or an alias) names. */
  accountState(address: Address): Promise<AccountState | undefined>
  /** Adds accounts with their secrets; answers, in order, false for a name that is taken. All others are added. */
  addAccounts(accounts: readonly { record: AccountRecord; secrets: Secrets }[]): Promise<boolean[]>
  /** Adds or removes aliases with the secrets derived for them; false when the account is gone or a name is taken. */
  replaceAccount(record: AccountRecord, secrets: Secrets): Promise<boolean>
  /** Removes the account and everything it owns; false when there was none. */
  removeAccount(owner: Address): Promise<boolean>
  /** Accounts of a domain by the code points of their local parts, after the key `after` (exclusive; empty: from the first). */
  accounts(domain: string, after: string, limit: number): Promise<AccountRecord[]>
  countAccounts(): Promise<number>

  secrets(owner: Address): Promise<Secrets | undefined>
  /** What a login needs of the account that a name (or alias) names; an unknown name costs what a known one does. */
  credentials(name: Address): Promise<{ record: AccountRecord; secrets: Secrets } | undefined>
  setSecrets(owner: Address, secrets: Secrets): Promise<boolean>

  putContact(owner: Address, contact: Contact): Promise<void>
  removeContact(owner: Address, contact: Address): Promise<void>
  /** Takes away the rules of these subjects, then puts those given, each in place of the one with its subject: all or none. */
  changeRules(owner: Address, removed: readonly string[], put: readonly AccessRule[]): Promise<void>
  /** Where the person has moved to; undefined: nowhere. */
  putForward(owner: Address, forward: Forward | undefined): Promise<void>
  putPermanentPresence(owner: Address, unit: StoredUnit | undefined): Promise<void>

  /** A small durable value of an account that its bindings keep for it (a vCard, private data), by a name of theirs. */
  document(owner: Address, name: string): Promise<Bytes | undefined>
  /** Sets or, with undefined, removes it. */
  putDocument(owner: Address, name: string, value: Bytes | undefined): Promise<void>

  putSubscription(subscription: StoredSubscription): Promise<void>
  removeSubscription(id: string): Promise<void>
  subscriptions(protocol: string): Promise<StoredSubscription[]>

  /** Appends to the history, once an id; `done` gets the fault when it could not. The hot path: no promise. */
  append(row: HistoryRow, done: (fault: Error | undefined) => void): void
  /** Marks entries as delivered; entries that are not archived vanish with their row. */
  markDelivered(owner: Address, ids: readonly string[], done: (fault: Error | undefined) => void): void
  /** The owner's undelivered entries after a sequence number (0 for the first), oldest first. */
  undelivered(owner: Address, afterSequence: number, limit: number): Promise<HistoryItem[]>
  history(owner: Address, query: HistoryQuery): Promise<HistoryItem[]>
  /** How many archived entries match, counted up to `max` and no further: what it costs grows with the number. */
  countHistory(owner: Address, filter: HistoryFilter, max: number): Promise<number>
  /** Forgets archived, delivered entries older than `before`; answers how many. */
  expireHistory(before: number): Promise<number>

  /** Puts a unit at the end of what waits for another domain; `done` gets its number. How many may wait is the caller's to say. */
  enqueue(
    domain: string,
    unit: StoredUnit,
    at: number,
    done: (fault: Error | undefined, sequence?: number) => void,
  ): void
  /** What waits for the domain after a sequence number (0 for the first), oldest first. */
  queued(domain: string, afterSequence: number, limit: number): Promise<QueuedUnit[]>
  /** Takes units out of the queue; those that are not there are passed over. */
  dequeue(domain: string, sequences: readonly number[], done: (fault: Error | undefined) => void): void
  /** Every domain for which something waits. */
  queuedDomains(): Promise<QueuedDomain[]>

  /**
   * Heads of what was appended last, and of what was queued last: of either the newest `limit`, and none that is older than the newest
   * of all by more than `within` milliseconds.
   */
  recentHeads(within: number, limit: number): Promise<Head[]>

  /** A small durable value of the server itself (its keys for nonces, say). */
  setting(name: string): Promise<Bytes | undefined>
  putSetting(name: string, value: Bytes): Promise<void>

  /** Resolves when everything asked before is durable and the store is shut. */
  close(): Promise<void>
}
