// The management API as data: what the command line asks and what it is told. Types alone, so that whoever shares them
// loads nothing.

import type {
  AccessAction,
  BeyondShareCounts,
  Listener,
  PeerPolicy,
  PeerStatus,
  VisibilityClass,
} from '#core'
import type { Condition, ScriptFault } from '#model'

/** Every answer that is no success has this body. */
export interface ErrorBody {
  readonly error: {
    readonly condition: Condition
    /** For a person. */
    readonly message: string
  }
}

/** GET /status */
export interface ServerStatus {
  readonly version: string
  readonly node: string
  readonly pid: number
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  readonly uptimeSeconds: number
  readonly domains: readonly string[]
  readonly listeners: readonly Listener[]
  readonly accounts: number
  /** Accounts with at least one device signed in, and those devices. */
  readonly accountsOnline: number
  readonly agentsOnline: number
  readonly memoryBytes: number
  readonly health: HealthReport
}

/** GET /health */
export interface HealthReport {
  readonly status: 'ok' | 'failing'
  readonly checks: readonly HealthResult[]
}

export interface HealthResult {
  readonly name: string
  readonly ok: boolean
  /** What is wrong, in general words. */
  readonly detail?: string
}

export interface AccountInfo {
  readonly address: string
  readonly aliases: readonly string[]
  /** Milliseconds since the epoch. */
  readonly created: number
  readonly disabled: boolean
}

/** GET /accounts?domain=&after=&limit= */
export interface AccountPage {
  readonly accounts: readonly AccountInfo[]
  /** To be given as `after` for the next page; absent on the last. */
  readonly next?: string
}

/** POST /accounts */
export interface NewAccountBody {
  readonly address: string
  /** Either this or `ha1`. */
  readonly password?: string | undefined
  readonly ha1?: Ha1Body | undefined
  readonly aliases?: readonly string[] | undefined
}

/** What another server kept of a password: HA1 (RFC 7616 §3.4.2) in hexadecimal, in the realm of the address' domain. */
export interface Ha1Body {
  readonly md5?: string | undefined
  readonly sha256?: string | undefined
  /** Of the user name `user@domain`. */
  readonly md5OfAddress?: string | undefined
  readonly sha256OfAddress?: string | undefined
}

/** POST /accounts/batch */
export interface AccountBatch {
  readonly accounts: readonly NewAccountBody[]
}

/** One answer an account of a batch, in its order. */
export interface AccountBatchResult {
  readonly results: readonly AccountResult[]
}

export type AccountResult =
  | { readonly address: string; readonly added: true }
  | {
      readonly address: string
      readonly added: false
      readonly condition: Condition
      readonly message: string
    }

/** PUT /accounts/ADDRESS/password */
export interface PasswordBody {
  readonly password: string
}

/** GET and PUT /accounts/ADDRESS/forward: where the person has moved to; no `location`: nowhere. */
export interface ForwardInfo {
  /** A URI that names a person: impp, im, pres, sip, sips, xmpp. */
  readonly location?: string | undefined
  readonly permanent?: boolean | undefined
}

/** GET and PUT /accounts/ADDRESS/script: a document of RFC 3880; no `script`: there is none. */
export interface ScriptInfo {
  readonly script?: string | undefined
}

export interface ScriptBody {
  readonly script: string
}

/** POST /scripts/check: what is wrong with a document first; no `fault`: it is a script. */
export interface ScriptCheck {
  readonly fault?: ScriptFault | undefined
}

/** GET /accounts/ADDRESS/contacts */
export interface ContactList {
  readonly owner: string
  readonly contacts: readonly ContactInfo[]
  readonly rules: readonly RuleInfo[]
}

export interface ContactInfo {
  readonly address: string
  readonly name: string
  readonly groups: readonly string[]
  /** Who may see whom (RFC 6121 §2.1.2.5): `to`, the owner sees the contact; `from`, the contact sees the owner. */
  readonly subscription: 'none' | 'to' | 'from' | 'both'
  /** The contact asked to see the owner, who has not answered. */
  readonly pendingIn: boolean
  /** The owner asked to see the contact and waits. */
  readonly pendingOut: boolean
  /** The owner has allowed the contact in advance. */
  readonly preApproved: boolean
  /** On the owner's list, and not only because it asked. */
  readonly listed: boolean
}

export interface RuleInfo {
  /** An address, a domain, `*.domain` for it and its subdomains, or `*` for everybody. */
  readonly subject: string
  readonly action: AccessAction
  readonly visibility: VisibilityClass
}

/**
 * POST /accounts/OWNER/contacts/WATCHER. `approve` and `refuse` answer a request (or decide in advance, or withdraw);
 * the others set the access rule for the watcher, and `no-rule` takes it away.
 */
export type ContactAction = 'approve' | 'refuse' | AccessAction | 'no-rule'

export interface ContactActionBody {
  readonly action: ContactAction
  /** With `allow`: whether the watcher sees all or open and closed alone. */
  readonly visibility?: VisibilityClass | undefined
}

/** GET /peers/DOMAIN/examination */
export type { DomainExamination } from '#core'

/** GET /peers */
export interface PeerList {
  readonly peers: readonly PeerInfo[]
}

/** Where it is written what holds for another domain. */
export interface PeerSettings {
  /** A [[peer]] table of the configuration, what an operator set while the server ran, or what holds for strangers. */
  readonly source: 'configuration' | 'stored' | 'strangers'
  /** What was set, by the keys of a [[peer]] table, as text. */
  readonly settings: Readonly<Record<string, string>>
}

/** What holds for single domains, and the changes that an operator makes to it. */
export interface PeerTables {
  describe(domain: string): PeerSettings
  /** Resolves when it is durable, with why it is refused, or undefined; `null` takes a key out. */
  set(domain: string, changes: Readonly<Record<string, string | null>>): Promise<string | undefined>
  /** Takes everything out. */
  unset(domain: string): Promise<string | undefined>
}

/** PUT /peers/DOMAIN/settings */
export interface PeerSettingsBody {
  readonly settings: Readonly<Record<string, string | null>>
}

/** GET /peers/DOMAIN: another domain, known or not. */
export interface PeerInfo extends PeerSettings {
  /** A-labels, lower case. */
  readonly domain: string
  readonly policy: PeerPolicy
  /** What was beyond its share since the start, by what became of it; absent where it has none, or nothing was exchanged. */
  readonly beyondShare?: BeyondShareCounts
  /** One a protocol that has a link or a stream. */
  readonly links: readonly PeerStatus[]
  /** Absent when nothing waits for it. */
  readonly queue?: PeerQueueInfo
}

export interface PeerQueueInfo {
  readonly length: number
  /** Milliseconds since the epoch when the oldest began to wait. */
  readonly oldest: number
  /** Milliseconds since the epoch; absent while it is tried. */
  readonly nextTry?: number
  /** Why it waits. */
  readonly condition: Condition
}

/** DELETE /peers/DOMAIN/queue: how many senders were told that their message failed. */
export interface DroppedQueue {
  readonly dropped: number
}
