// Takes custody of messages for people of ours: as entries that nobody has taken, which no hand-over offers while their messages are under way.

import { orderedId } from '#base'
import type { Envelope, Head } from '#model'
import type { Account } from '../people/account.ts'
import type { Directory } from '../people/directory.ts'
import type { Custody, Keeper } from './custody.ts'
import { messageRefusal } from './forward.ts'

export interface CustodianParts {
  readonly directory: Directory
  readonly policy: { readonly undeliveredMax: number }
  readonly now: () => number
  /** Puts an undelivered entry of it into the histories that keep it. */
  readonly append: (
    account: Account,
    envelope: Envelope,
    id: string,
    done: (fault: Error | undefined) => void,
  ) => void
  /** An entry is done with. */
  readonly release: (account: Account, id: string, head: Head) => void
}

/** What nobody is to store is not kept, nor what its recipient has no room for, or refuses. */
export function custodianOf(parts: CustodianParts): Keeper {
  const { directory, policy, now } = parts
  return (custody, envelope) => {
    const { head } = envelope
    if (head.whenAbsent !== 'store') return
    directory.find(head.to, (account) => {
      if (typeof account === 'string' || custody.isDecided) return
      if (messageRefusal(account, head.from, head.fromAgent) !== undefined) return
      if (account.undelivered < policy.undeliveredMax) keep(parts, custody, envelope, account, now())
    })
  }
}

function keep(
  { append, release }: CustodianParts,
  custody: Custody,
  envelope: Envelope,
  account: Account,
  now: number,
): void {
  const entryId = custody.archiveId === '' ? orderedId(now) : custody.archiveId
  custody.archiveId = entryId
  custody.writing()
  account.held.add(entryId)
  account.undelivered++
  append(account, envelope, entryId, (fault) => {
    if (fault === undefined)
      return custody.written({ entryId, sequence: 0, remove: () => release(account, entryId, envelope.head) })
    account.held.delete(entryId)
    account.undelivered = Math.max(0, account.undelivered - 1)
    custody.written(undefined)
  })
}
