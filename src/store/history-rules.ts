// What every store agrees upon about the history, beyond the contract's words.
import { type HistoryEntry, ServiceError } from '#core'
import type { Address } from '#model'

/** LIMIT: items that one query answers. */
export const historyLimitMax = 1000

/** A query's limit, brought into 1..1000. */
export function historyLimit(asked: number): number {
  return Math.min(Math.max(Math.trunc(asked), 1), historyLimitMax)
}

/**
 * The entries to keep: at most one an owner, since an archive holds an id once (XEP-0313 §3.1); who writes to itself keeps what it
 * received, archived or undelivered if either entry was. One that is neither is for nobody.
 */
export function keptEntries(entries: readonly HistoryEntry[]): readonly HistoryEntry[] {
  const kept = isPlain(entries) ? entries : mergedEntries(entries)
  return kept.every(isOfUse) ? kept : kept.filter(isOfUse)
}

/** One or two owners: every message of two people. */
function isPlain(entries: readonly HistoryEntry[]): boolean {
  return entries.length < 2 || (entries.length === 2 && entries[0]?.owner.key !== entries[1]?.owner.key)
}

function isOfUse({ archived, undelivered }: HistoryEntry): boolean {
  return archived || undelivered
}

function mergedEntries(entries: readonly HistoryEntry[]): readonly HistoryEntry[] {
  const merged = new Map<string, HistoryEntry>()
  for (const entry of entries) {
    const other = merged.get(entry.owner.key)
    merged.set(entry.owner.key, other === undefined ? entry : union(other, entry))
  }
  return [...merged.values()]
}

function union(a: HistoryEntry, b: HistoryEntry): HistoryEntry {
  const received = a.direction === 'received' ? a : b
  return {
    ...received,
    undelivered: a.undelivered || b.undelivered,
    archived: a.archived || b.archived,
  }
}

/**
 * LIMIT: by how much a clock may have been set back so that queries by time still find all. An owner's entries are ordered by
 * sequence and nearly by time, so a bound in time is looked for by halves and then kept this far away from.
 */
export const clockSetBackMax = 86_400_000

/** What an account that is gone would have received must not be answered as stored. */
export function noSuchOwner(owner: Address): ServiceError {
  return new ServiceError('target-unknown', 'the account is not in the store', { owner: owner.key })
}

/** An account's documents are few and small. */
export function tooManyDocuments(owner: string): ServiceError {
  return new ServiceError('resource-limit', 'the account holds as many documents as it may', { owner })
}

export function documentTooLarge(name: string, octets: number): ServiceError {
  return new ServiceError('message-too-large', 'the document is larger than one may be', { name, octets })
}

export function noSuchEntry(id: string): ServiceError {
  return new ServiceError('not-found', 'no history entry has this id', { id })
}

/** Where a list of accounts goes on: after the key of an address, or after a local part alone. */
export function localpartAfter(after: string): string {
  const at = after.lastIndexOf('@')
  return at < 0 ? after : after.slice(0, at)
}
