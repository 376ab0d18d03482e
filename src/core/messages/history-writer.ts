// What the message service puts into histories: one row for the two of a message.
import type { Envelope, Head } from '#model'
import type { Account } from '../people/account.ts'
import type { Directory } from '../people/directory.ts'
import type { Store } from '../store.ts'
import { historyEntries } from './history-entries.ts'

export interface HistoryWriterParts {
  readonly directory: Directory
  readonly store: Store
  readonly policy: { readonly history: boolean }
  readonly now: () => number
}

export class HistoryWriter {
  readonly #parts: HistoryWriterParts

  constructor(parts: HistoryWriterParts) {
    this.#parts = parts
  }

  /** Whether anything keeps it after delivery; whose archive does is each owner's wish. */
  mayArchive(head: Head): boolean {
    return this.#parts.policy.history && head.storable
  }

  /** While it is under way. What a script of its recipient may yet do with it is in nobody's archive before it is done. */
  appendUnderWay(
    account: Account,
    envelope: Envelope,
    id: string,
    done: (fault: Error | undefined) => void,
  ): void {
    if (account.script === undefined) return this.append(account, envelope, id, true, done)
    const { store, now } = this.#parts
    const { head, raw } = envelope.keep()
    store.append(
      { id, at: now(), head, raw, entries: historyEntries(account, undefined, head, true, false) },
      done,
    )
  }

  append(
    account: Account,
    envelope: Envelope,
    id: string,
    undelivered: boolean,
    done: (fault: Error | undefined) => void,
  ): void {
    const { directory, store, now } = this.#parts
    const { head } = envelope
    const mayArchive = this.mayArchive(head)
    // Of what a script sent on, its sender keeps what was meant for the one whose script it was.
    const isSent = mayArchive && head.divertedFrom === undefined
    const sender = isSent ? directory.resident(head.from) : undefined
    const entries = historyEntries(account, sender, head, undelivered, mayArchive)
    if (entries.length === 0) return done(undefined)
    const { raw } = envelope.keep()
    store.append({ id, at: now(), head, raw, entries }, done)
  }
}
