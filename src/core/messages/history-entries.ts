// Who keeps a message: its recipient while it is undelivered, and each of the two that wants it archived.
import type { Head } from '#model'
import type { Account } from '../people/account.ts'
import type { HistoryEntry } from '../store.ts'
import { archives } from './archiving.ts'

/** Hot path. @param mayArchive false when the deployment or the message says that nothing keeps it after delivery */
export function historyEntries(
  account: Account,
  sender: Account | undefined,
  head: Head,
  undelivered: boolean,
  mayArchive: boolean,
): readonly HistoryEntry[] {
  const archived = mayArchive && archives(account, head.from, head.fromAgent)
  // Who writes to oneself keeps what was received (XEP-0313 §3.1: an archive holds an id once).
  const isSent =
    mayArchive &&
    head.kind === 'message' &&
    sender !== undefined &&
    sender !== account &&
    archives(sender, head.to, head.toAgent)
  if (!undelivered && !archived) return isSent ? [sentEntry(sender, head)] : nobody
  const received = receivedEntry(account, head, undelivered, archived)
  return isSent ? [received, sentEntry(sender, head)] : [received]
}

function receivedEntry(
  { address: owner }: Account,
  { from: peer, fromAgent: peerAgent }: Head,
  undelivered: boolean,
  archived: boolean,
): HistoryEntry {
  return { owner, peer, peerAgent, direction: 'received', undelivered, archived }
}

/** A message as its sender keeps it. */
export function sentEntry({ address: owner }: Account, { to: peer, toAgent: peerAgent }: Head): HistoryEntry {
  return { owner, peer, peerAgent, direction: 'sent', undelivered: false, archived: true }
}

const nobody: readonly HistoryEntry[] = []
