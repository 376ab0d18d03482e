// What a person wants done with calls, messages and other requests to them and from them: a script of RFC 3880 as data. A tree of decisions and
// operations without loops; a subaction is a tree that stands in several places.

import type { Recurrence } from './calendar/index.ts'

export interface Script {
  /** What is done with requests to its owner; undefined where the script has no such action. */
  readonly incoming: ScriptAction | undefined
  /** The same with requests of its owner. */
  readonly outgoing: ScriptAction | undefined
}

/** `first` is undefined where the action is there and empty. */
export interface ScriptAction {
  readonly first: ScriptNode | undefined
}

export type ScriptNode =
  | Switch
  | LocationNode
  | LookupNode
  | RemoveLocationNode
  | ProxyNode
  | RedirectNode
  | RejectNode
  | MailNode
  | LogNode

/** Where a node leads to: undefined behind an output that holds no node, whose end is the default behaviour (§10). */
export type Next = ScriptNode | undefined

export type AddressField = 'origin' | 'destination' | 'original-destination'
export type AddressSubfield =
  | 'address-type'
  | 'user'
  | 'host'
  | 'port'
  | 'tel'
  | 'display'
  | 'password'
  | 'alias-type'
export type StringField = 'subject' | 'organization' | 'user-agent' | 'display'
export const priorities = ['non-urgent', 'normal', 'urgent', 'emergency'] as const
export type Priority = (typeof priorities)[number]

export interface TextTest {
  readonly how: 'is' | 'contains' | 'subdomain-of'
  readonly value: string
}

export interface PriorityTest {
  readonly how: 'less' | 'greater' | 'equal'
  /** Lower case. */
  readonly value: string
}

/** The outputs in their order: the first that matches is taken (§4). */
export interface Output<Test> {
  readonly when: Test | 'not-present' | 'otherwise'
  readonly next: Next
}

export type Switch =
  | {
      readonly kind: 'address-switch'
      readonly field: AddressField
      /** Undefined: the whole address. */
      readonly subfield: AddressSubfield | undefined
      readonly outputs: readonly Output<TextTest>[]
    }
  | {
      readonly kind: 'string-switch'
      readonly field: StringField
      readonly outputs: readonly Output<TextTest>[]
    }
  /** A language tag in lower case. */
  | { readonly kind: 'language-switch'; readonly outputs: readonly Output<{ readonly tag: string }>[] }
  | { readonly kind: 'time-switch'; readonly outputs: readonly Output<Recurrence>[] }
  | { readonly kind: 'priority-switch'; readonly outputs: readonly Output<PriorityTest>[] }

export interface LocationNode {
  readonly kind: 'location'
  readonly url: string
  /** 0 to 1. */
  readonly priority: number
  readonly clear: boolean
  readonly next: Next
}

export type LookupResult = 'success' | 'notfound' | 'failure'

/** The source is always the registrations of the owner. */
export interface LookupNode {
  readonly kind: 'lookup'
  readonly clear: boolean
  readonly outputs: ReadonlyMap<LookupResult, Next>
}

export interface RemoveLocationNode {
  readonly kind: 'remove-location'
  /** Undefined: all. */
  readonly location: string | undefined
  readonly next: Next
}

export type ProxyResult = 'busy' | 'noanswer' | 'redirection' | 'failure'
export type Ordering = 'parallel' | 'sequential' | 'first-only'

export interface ProxyNode {
  readonly kind: 'proxy'
  /** Seconds; undefined: as long as the server lets it. */
  readonly timeout: number | undefined
  readonly recurse: boolean
  readonly ordering: Ordering
  readonly outputs: ReadonlyMap<ProxyResult | 'default', Next>
}

export interface RedirectNode {
  readonly kind: 'redirect'
  readonly permanent: boolean
}

/** A status of 4xx, 5xx or 6xx, or a word for one (§6.3). */
export type RejectStatus = 'busy' | 'notfound' | 'reject' | 'error' | number

export interface RejectNode {
  readonly kind: 'reject'
  readonly status: RejectStatus
  /** Empty where none is given. */
  readonly reason: string
}

export interface MailNode {
  readonly kind: 'mail'
  /** A mailto URL. */
  readonly url: string
  readonly next: Next
}

export interface LogNode {
  readonly kind: 'log'
  readonly name: string
  readonly comment: string
  readonly next: Next
}

/** Why a document is no script that can be followed, and where in it: lines and columns count from 1. */
export interface ScriptFault {
  readonly line: number
  readonly column: number
  /** For the person who wrote it. */
  readonly reason: string
}

/** Where a call or message may go. */
export interface ScriptLocation {
  readonly uri: string
  /** 0 to 1. */
  readonly priority: number
  /** Of a registration: the device, as its inbox names it. */
  readonly device?: { readonly protocol: string; readonly id: string }
}

/** What a script may look at, but for the time. Each is asked for when a switch looks at it. */
export interface RequestFacts {
  /** A URI and, where it has one, a name to be shown. */
  address(field: AddressField): { readonly uri: string; readonly display?: string } | undefined
  text(field: StringField): string | undefined
  /** Language ranges that the sender asked for; undefined where it asked for none. */
  languages(): readonly string[] | undefined
  priority(): string | undefined
}
