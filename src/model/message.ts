// What an instant message says, in terms all protocols share. Computed from an envelope only when a far end of another
// protocol, or a policy, must look inside.
import type { Address } from './address.ts'
import type { Condition } from './condition.ts'
import type { Content } from './content.ts'

export interface LanguageText {
  /** RFC 5646 tag; empty when none was given. */
  readonly language: string
  readonly text: string
}

export type MessageKind = 'normal' | 'chat' | 'headline' | 'groupchat'
export type ChatState = 'active' | 'composing' | 'paused' | 'inactive' | 'gone'

export interface InstantMessage {
  readonly from: Address
  readonly to: Address
  /** What the sender calls itself, a line of text; never who it is. */
  readonly senderName?: string
  /** The sender's own identifier; empty when there is none. */
  readonly id: string
  /** Thread of the conversation; empty when there is none. */
  readonly thread: string
  readonly kind: MessageKind
  readonly subject: readonly LanguageText[]
  readonly body: readonly LanguageText[]
  /** Milliseconds since the epoch when the sender or a server on the way stamped it. */
  readonly sentAt?: number
  readonly chatState?: ChatState
  readonly receiptRequested?: boolean
  /** This message is a receipt: the id of the message that arrived. */
  readonly receiptFor?: string
  /** The sender wants to hear that it was shown to its reader. */
  readonly displayRequested?: boolean
  /** This message says that another was shown to its reader: the id of that. */
  readonly displayedFor?: string
  /** Content that is not plain text, byte for byte. */
  readonly content?: Content
}

/** LIMIT: characters of a sender's name; what is longer is cut. */
const senderNameMax = 200

/** A name as it may be shown: on one line; undefined where nothing is left of it. */
export function senderNameOf(written: string | undefined): string | undefined {
  if (written === undefined) return undefined
  const line = written.replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ').trim()
  const name = Array.from(line).slice(0, senderNameMax).join('').trimEnd()
  return name === '' ? undefined : name
}

/** What became known of a message after its sender was answered. Never a report about a report. */
export interface Report {
  readonly about: string
  readonly event: 'failed' | 'delivered' | 'displayed'
  readonly condition?: Condition
  /** Of a failure: the sender asked to hear of it (RFC 5438 §6.2), where its protocol wants that it asks. */
  readonly asked?: boolean
  /** The protocol by which the message came, where the report goes to another domain: it goes back the same way. */
  readonly protocol?: string
}
