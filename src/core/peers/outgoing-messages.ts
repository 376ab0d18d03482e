// What our people send to other domains: handed to the relay, and once it is taken on, shown to their other devices and kept in
// their history, as a message to somebody here is.
import { orderedId } from '#base'
import { type Condition, type Envelope, type Outcome, refused } from '#model'
import { archives } from '../messages/archiving.ts'
import type { Custody } from '../messages/custody.ts'
import { sentEntry } from '../messages/history-entries.ts'
import type { Offer } from '../messages/offer.ts'
import { offerSentCopies } from '../messages/sent-copies.ts'
import type { Account } from '../people/account.ts'
import type { Directory } from '../people/directory.ts'
import type { Router } from '../router.ts'
import type { Store } from '../store.ts'
import type { Relay } from './relay.ts'

export interface OutgoingParts {
  readonly relay: Relay
  readonly router: Router
  readonly directory: Directory
  readonly store: Store
  readonly policy: { readonly history: boolean }
  readonly now: () => number
  readonly fault: (cause: unknown, what: string) => void
}

type OnOutcome = (outcome: Outcome) => void

export class OutgoingMessages {
  readonly #parts: OutgoingParts

  constructor(parts: OutgoingParts) {
    this.#parts = parts
  }

  /**
   * `unkept`: the condition for a history that could not be written. `onOutcome` is called once, last of all; `onOrdered` where the
   * order of what follows is settled before.
   */
  send(
    envelope: Envelope,
    offer: Offer,
    unkept: (fault: Error) => Condition,
    onOutcome: OnOutcome,
    onOrdered: () => void,
    custody?: Custody,
  ): void {
    const { head } = envelope
    // Nobody's messages are carried from one foreign domain to another.
    if (!this.#parts.router.isLocal(head.from.domain)) return onOutcome(refused('permission-denied'))
    // Of what a script sent on, its sender keeps what was meant for the one whose script it was.
    const isOwn = head.kind === 'message' && head.divertedFrom === undefined
    const sender = isOwn ? this.#parts.directory.resident(head.from) : undefined
    // It may sign out before the other domain has answered.
    if (sender !== undefined) sender.underWay++
    const onRelayed = (outcome: Outcome, held: Envelope): void => {
      if (sender === undefined) return onOutcome(outcome)
      sender.underWay--
      if (outcome.kind === 'refused') return onOutcome(outcome)
      const isArchived =
        this.#parts.policy.history && head.storable && archives(sender, head.to, head.toAgent)
      const archiveId = isArchived ? orderedId(this.#parts.now()) : ''
      if (head.copyable) offerSentCopies(sender, held, archiveId, offer)
      if (archiveId === '') return onOutcome(outcome)
      this.#keep(sender, held, archiveId, (fault) =>
        onOutcome(fault === undefined ? outcome : refused(unkept(fault))),
      )
    }
    this.#parts.relay.send(envelope, onRelayed, onOrdered, custody)
  }

  /** Has a message kept that is under way (decision 0143). */
  keep(custody: Custody, envelope: Envelope): void {
    if (this.#parts.router.isLocal(envelope.head.from.domain)) this.#parts.relay.keep(custody, envelope)
  }

  /** What a script sent on to others is, for its sender, what it was sent as. */
  keepSent(envelope: Envelope, offer: Offer): void {
    const { head } = envelope
    const sender = this.#parts.directory.resident(head.from)
    if (head.divertedFrom !== undefined || sender === undefined) return
    const isArchived = this.#parts.policy.history && head.storable && archives(sender, head.to, head.toAgent)
    const archiveId = isArchived ? orderedId(this.#parts.now()) : ''
    if (head.copyable) offerSentCopies(sender, envelope, archiveId, offer)
    if (archiveId === '') return
    this.#keep(sender, envelope, archiveId, (fault) => {
      if (fault !== undefined) this.#parts.fault(fault, 'what a script sent on could not be kept')
    })
  }

  #keep(sender: Account, envelope: Envelope, id: string, done: (fault: Error | undefined) => void): void {
    const { head, raw } = envelope.keep()
    this.#parts.store.append(
      { id, at: this.#parts.now(), head, raw, entries: [sentEntry(sender, head)] },
      done,
    )
  }
}
