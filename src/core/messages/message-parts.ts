// What the message service is made of, and what a deployment has decided for it.
import type { Envelope } from '#model'
import type { OutgoingMessages } from '../peers/outgoing-messages.ts'
import type { Directory } from '../people/directory.ts'
import type { Router } from '../router.ts'
import type { Scripts } from '../scripts/scripts.ts'
import type { Store, StoredUnit } from '../store.ts'
import type { Translations } from '../translations.ts'
import type { EarlierLife } from './earlier-life.ts'
import type { LateOutcomes } from './late-outcomes.ts'
import type { MessageMetrics } from './message-metrics.ts'

export interface MessagePolicy {
  /** Whether messages are kept in the history after delivery. */
  readonly history: boolean
  /** LIMIT: messages that wait for a person who is away; past it the mailbox is full. */
  readonly undeliveredMax: number
}

/** What the service needs of the others; the clock only stamps. */
export interface MessageParts {
  readonly scripts: Scripts
  readonly router: Router
  readonly outgoing: OutgoingMessages
  readonly directory: Directory
  readonly store: Store
  readonly earlier: EarlierLife
  readonly late: LateOutcomes
  readonly policy: MessagePolicy
  readonly revive: (unit: StoredUnit) => Envelope
  readonly metrics: MessageMetrics
  readonly translations: Translations
  readonly now: () => number
  readonly fault: (cause: unknown, what: string) => void
}
