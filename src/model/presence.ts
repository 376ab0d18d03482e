// Presence information: RFC 2778 §2.4's model in the shape of PIDF (RFC 3863 §4), with the few fields that XMPP and RPID
// share made plain. What is not understood is kept as self-contained XML.
import type { LanguageText } from './message.ts'

export type Basic = 'open' | 'closed'
/** RFC 6121 §4.7.2.1; the common ground with RPID activities (RFC 4480 §3.2). */
export type Show = 'away' | 'chat' | 'dnd' | 'xa'

export interface PresenceTuple {
  /** A legal resourcepart, stable for the life of its device. */
  readonly id: string
  readonly basic?: Basic
  readonly show?: Show
  readonly notes: readonly LanguageText[]
  readonly contact?: { readonly uri: string /** 0 to 1, RFC 3863 §4.1.5 */; readonly priority?: number }
  /** XMPP priority, -128 to 127. */
  readonly priority?: number
  /** RFC 3339 date and time, as written. */
  readonly timestamp?: string
  /** Further elements of the tuple's status, each a self-contained XML element. */
  readonly statusExtensions: readonly string[]
  /** Further elements of the tuple, each a self-contained XML element. */
  readonly extensions: readonly string[]
}

export interface PresenceDocument {
  /** The presentity, a `pres:` URI. */
  readonly entity: string
  readonly tuples: readonly PresenceTuple[]
  readonly notes: readonly LanguageText[]
  /** Further elements of the document (RPID person and device among them), each a self-contained XML element. */
  readonly extensions: readonly string[]
}

/** True when any tuple says open (RFC 2778 §2.4). */
export function isOpen(document: PresenceDocument): boolean {
  return document.tuples.some((tuple) => tuple.basic === 'open')
}
