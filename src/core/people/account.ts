// An account in use, whole in memory: so that locating and access are synchronous. Each leaf owns its part of it.
import { type BoundedQueue, RareMap, RareSet, type TokenBucket } from '#base'
import type { Address, Envelope, Outcome, Script } from '#model'
import type { ContactAgent, WatcherAgent } from '../agents.ts'
import type { ArchivingPreferences } from '../messages/archiving.ts'
import type { Custody } from '../messages/custody.ts'
import type { Forward } from '../messages/forward.ts'
import { Inbox } from '../messages/inboxes.ts'
import type { ForeignPresentity } from '../presence/foreign-presentities.ts'
import { Presentity } from '../presence/presentities.ts'
import { Subscriptions } from '../presence/subscriptions.ts'
import type { WatcherInfoAgent } from '../presence/watcher-information.ts'
import type { DeliveryWish } from '../scripts/scripted-messages.ts'
import type { AccountRecord } from '../store.ts'
import { AccessRuleMap } from './access-rules.ts'
import type { Contact } from './contact.ts'
import { ListVersions } from './list-versions.ts'

/** Whoever waits for what becomes of a message. */
export interface Told {
  readonly onOutcome: (outcome: Outcome) => void
  /** The order of what follows it is settled. */
  readonly onOrdered: () => void
  readonly custody: Custody | undefined
  /** How its owner's script wants it delivered. */
  readonly wish?: DeliveryWish
}

export interface WaitingMessage {
  readonly envelope: Envelope
  readonly told: Told
}

export class Account {
  readonly address: Address
  record: AccountRecord
  readonly rules = new AccessRuleMap()
  readonly contacts = new Map<string, Contact>()
  readonly listVersions = new ListVersions()
  readonly inbox = new Inbox()
  readonly presentity = new Presentity()
  /** Where the person has moved to. */
  forward: Forward | undefined
  /** What is done with requests to and from its owner, by the owner's wish (RFC 3880). */
  script: Script | undefined
  /** How often the script may tell its owner something. */
  scriptNotices: TokenBucket | undefined
  /** Leased subscriptions to this presentity. */
  readonly subscriptions = new Subscriptions()
  /** Sessions that watch all that this account is authorized to see (an XMPP session's implicit subscriptions). */
  readonly watchers = new Set<WatcherAgent>()
  /** Presentities of other domains that its devices look at, by key. */
  readonly foreign = new RareMap<string, ForeignPresentity>()
  readonly contactAgents = new Set<ContactAgent>()
  /** Who may see it from other domains; undefined until it is asked for, and when a foreign contact changed. */
  foreignWatchers: readonly Address[] | undefined
  /** Devices that show the owner who watches. */
  readonly watcherInfoAgents = new RareSet<WatcherInfoAgent>()
  /** What the owner wants archived; undefined: all. */
  archiving: ArchivingPreferences | undefined
  /** History entries that no agent has taken. */
  undelivered = 0
  /** While stored messages are being handed over, those that arrive wait here, so that order holds. */
  flushing: BoundedQueue<WaitingMessage> | undefined
  /** What comes back to it after the turn: offers not yet answered, writes not yet durable. */
  underWay = 0
  /** Somebody became ready while a hand-over was under way: it begins anew, since what was declined before may be taken. */
  flushAgain = false
  /** Entries that an agent has taken though the store could not note it: they must not be offered again. */
  readonly unmarked = new RareSet<string>()
  /** Waiting entries that are too large for devices that were here, by entry: those are not offered them again. */
  readonly tooLarge = new RareMap<string, Set<string>>()
  /** Undelivered entries that an agent holds, or has taken without that being durable yet: they are not offered to others. */
  readonly held = new RareSet<string>()
  /** Entries acknowledged since a hand-over last read what waits: what it read may still show them. */
  readonly acknowledged = new RareSet<string>()

  constructor(record: AccountRecord) {
    this.record = record
    this.address = record.address
  }

  /** True while something of it lives only in memory, so that it may not be forgotten. */
  get inUse(): boolean {
    return (
      this.inbox.agents.length > 0 ||
      this.watchers.size > 0 ||
      this.contactAgents.size > 0 ||
      this.watcherInfoAgents.size > 0 ||
      this.foreign.size > 0 ||
      this.subscriptions.size > 0 ||
      this.presentity.isHeld ||
      this.underWay > 0 ||
      this.unmarked.size > 0 ||
      this.held.size > 0 ||
      this.flushing !== undefined
    )
  }
}
