// What a Message/CPIM object holds (RFC 3862 §2, §4).

import type { Bytes } from '#base'
import type { LanguageText } from '#model'
import type { HeaderCondition } from '#wire/header-lines'
import type { MimeEntity } from '#wire/mime'

/** The namespace of the headers of RFC 3862 §4, the default one (§7.1). */
export const cpimNamespace = 'urn:ietf:params:cpim-headers:'

/** A name in its namespace: what is compared, prefixes being local to a message (RFC 3862 §3.4). */
export interface CpimName {
  readonly namespace: string
  /** Letter case matters (RFC 3862 §2.2). */
  readonly name: string
}

export interface CpimHeader extends CpimName {
  readonly parameters: ReadonlyMap<string, string>
  /** The value with its escapes, as it came. */
  readonly raw: string
}

export interface CpimAddress {
  /** Formal name, escapes undone; empty when there is none. */
  readonly name: string
  readonly uri: string
}

export interface CpimMessage {
  /** All headers in order, those below among them. */
  readonly headers: readonly CpimHeader[]
  readonly from?: CpimAddress
  readonly to: readonly CpimAddress[]
  readonly cc: readonly CpimAddress[]
  /** RFC 3339 date and time as written. */
  readonly dateTime?: string
  readonly subject: readonly LanguageText[]
  readonly require: readonly CpimName[]
  /** The encapsulated MIME object octet for octet, its header fields included. */
  readonly encapsulated: Bytes
  /** The same, taken apart. */
  readonly entity: MimeEntity
}

export type CpimCondition =
  | HeaderCondition
  | 'no-space' // RFC 3862 §2.2: one space after the colon
  | 'bad-header-name'
  | 'bad-parameter'
  | 'undeclared-prefix'
  | 'bad-address'
  | 'bad-namespace'
  | 'bad-require'
  | 'bad-date-time'
  | 'repeated-header'
  | 'no-content-type'

export interface CpimFault {
  readonly fault: CpimCondition
  readonly offset: number
}

/** Required headers and features that are neither RFC 3862's nor in `recognised` (`namespace` + `name`) (§3.5). */
export function unrecognisedRequirements(
  message: CpimMessage,
  recognised: ReadonlySet<string> = new Set(),
): CpimName[] {
  return message.require.filter(
    ({ namespace, name }) =>
      !(namespace === cpimNamespace && coreHeaders.has(name)) && !recognised.has(namespace + name),
  )
}

const coreHeaders: ReadonlySet<string> = new Set(['From', 'To', 'cc', 'DateTime', 'Subject', 'NS', 'Require'])
