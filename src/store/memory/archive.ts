// The history in memory: rows kept once, an ascending list of entries an owner.
import type { HistoryEntry, HistoryFilter, HistoryItem, HistoryQuery, HistoryRow } from '#core'
import type { Address } from '#model'
import { clockSetBackMax, historyLimit, keptEntries, noSuchEntry, noSuchOwner } from '../history-rules.ts'

interface Kept {
  readonly row: HistoryRow
  readonly sequence: number
}

interface Entry {
  readonly kept: Kept
  readonly peer: Address
  readonly peerAgent: string
  readonly direction: HistoryEntry['direction']
  readonly archived: boolean
  undelivered: boolean
}

interface Owned {
  readonly owner: Address
  /** Ascending by sequence. */
  entries: Entry[]
  readonly byId: Map<string, Entry>
  undelivered: number
}

export class Archive {
  readonly #owners = new Map<string, Owned>()
  /** How many entries point to a message of a domain. */
  readonly #counts = new Map<string, number>()
  #sequence = 0

  /** A message is kept once a domain (as every key of a database begins with one): the same id again changes nothing there. */
  append(row: HistoryRow, isOwner: (owner: Address) => boolean): void {
    const news = keptEntries(row.entries).filter(({ owner }) => !this.#counts.has(messageKey(owner, row.id)))
    for (const { owner, direction } of news) {
      if (direction === 'received' && !isOwner(owner)) throw noSuchOwner(owner)
    }
    const kept: Kept = { row, sequence: ++this.#sequence }
    for (const { owner, peer, peerAgent, direction, archived, undelivered } of news) {
      if (!isOwner(owner)) continue
      const owned = this.#owned(owner)
      const entry: Entry = { kept, peer, peerAgent, direction, archived, undelivered }
      owned.entries.push(entry)
      owned.byId.set(row.id, entry)
      if (undelivered) owned.undelivered++
      const key = messageKey(owner, row.id)
      this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
    }
  }

  markDelivered(owner: Address, ids: readonly string[]): void {
    const owned = this.#owners.get(owner.key)
    if (owned === undefined) return
    let vanished = false
    for (const id of ids) {
      const entry = owned.byId.get(id)
      if (entry?.undelivered !== true) continue
      entry.undelivered = false
      owned.undelivered--
      if (entry.archived) continue
      this.#forget(owned, id)
      vanished = true
    }
    if (vanished) owned.entries = owned.entries.filter((entry) => entry.archived || entry.undelivered)
  }

  countUndelivered(owner: Address): number {
    return this.#owners.get(owner.key)?.undelivered ?? 0
  }

  undelivered(owner: Address, afterSequence: number, limit: number): HistoryItem[] {
    const owned = this.#owners.get(owner.key)
    if (owned === undefined || owned.undelivered === 0) return []
    return owned.entries
      .filter((entry) => entry.undelivered && entry.kept.sequence > afterSequence)
      .slice(0, limit)
      .map(itemOf)
  }

  history(owner: Address, query: HistoryQuery): HistoryItem[] {
    const owned = this.#owners.get(owner.key)
    const ids = query.ids === undefined ? undefined : new Set(query.ids)
    const { matches, ...whole } = filterOf(owned, query)
    const { first, last } = within(owned, whole, query.pageAfterId, query.pageBeforeId)
    for (const id of ids ?? []) sequenceOf(owned, id)
    const limit = historyLimit(query.limit)
    const found: Entry[] = []
    const entries = owned?.entries ?? []
    const step = query.backwards === true ? -1 : 1
    for (let i = step > 0 ? first : last - 1; i >= first && i < last && found.length < limit; i += step) {
      const entry = entries[i] as Entry
      if (matches(entry) && (ids === undefined || ids.has(entry.kept.row.id))) found.push(entry)
    }
    return (step > 0 ? found : found.reverse()).map(itemOf)
  }

  /** What was appended last, the newest first: so many messages. */
  recent(limit: number): HistoryRow[] {
    const all = new Map<number, HistoryRow>()
    for (const { entries } of this.#owners.values())
      for (const { kept } of entries) all.set(kept.sequence, kept.row)
    return [...all]
      .sort(([a], [b]) => b - a)
      .slice(0, limit)
      .map(([, row]) => row)
  }

  count(owner: Address, filter: HistoryFilter, max: number): number {
    const owned = this.#owners.get(owner.key)
    const { first, last, matches } = filterOf(owned, filter)
    let count = 0
    for (let i = first; i < last && count < max; i++) if (matches(owned?.entries[i] as Entry)) count++
    return count
  }

  expire(before: number): number {
    let count = 0
    for (const owned of this.#owners.values()) {
      owned.entries = owned.entries.filter((entry) => {
        if (!entry.archived || entry.undelivered || entry.kept.row.at >= before) return true
        this.#forget(owned, entry.kept.row.id)
        count++
        return false
      })
    }
    return count
  }

  remove(owner: Address): void {
    const owned = this.#owners.get(owner.key)
    if (owned === undefined) return
    for (const id of [...owned.byId.keys()]) this.#forget(owned, id)
    this.#owners.delete(owner.key)
  }

  #forget({ owner, byId }: Owned, id: string): void {
    byId.delete(id)
    const key = messageKey(owner, id)
    const left = (this.#counts.get(key) ?? 0) - 1
    if (left > 0) this.#counts.set(key, left)
    else this.#counts.delete(key)
  }

  #owned(owner: Address): Owned {
    let owned = this.#owners.get(owner.key)
    if (owned === undefined) {
      owned = { owner, entries: [], byId: new Map(), undelivered: 0 }
      this.#owners.set(owner.key, owned)
    }
    return owned
  }
}

function messageKey({ domain }: Address, id: string): string {
  return `${domain} ${id}`
}

interface Filter {
  /** Where among the owner's entries those can be that match: from the first, before the last. */
  readonly first: number
  readonly last: number
  readonly matches: (entry: Entry) => boolean
}

function filterOf(owned: Owned | undefined, filter: HistoryFilter): Filter {
  const { start, end, withAgent } = filter
  const entries = owned?.entries ?? []
  let { first, last } = within(owned, { first: 0, last: entries.length }, filter.afterId, filter.beforeId)
  // As the SQL stores look for them, though here a walk would do.
  if (start !== undefined) {
    first = Math.max(
      first,
      firstWhere(entries, ({ kept }) => kept.row.at >= start - clockSetBackMax),
    )
  }
  if (end !== undefined) {
    last = Math.min(
      last,
      firstWhere(entries, ({ kept }) => kept.row.at >= end + clockSetBackMax),
    )
  }
  return {
    first,
    last,
    matches: ({ kept: { row }, peer, peerAgent, archived }) =>
      archived &&
      (filter.with === undefined || peer.key === filter.with.key) &&
      (withAgent === undefined || peerAgent === withAgent) &&
      (start === undefined || row.at >= start) &&
      (end === undefined || row.at <= end),
  }
}

/** What of a range lies behind one entry and before another. */
function within(
  owned: Owned | undefined,
  range: { readonly first: number; readonly last: number },
  afterId: string | undefined,
  beforeId: string | undefined,
): { readonly first: number; readonly last: number } {
  const [after, before] = [sequenceOf(owned, afterId), sequenceOf(owned, beforeId)]
  const entries = owned?.entries ?? []
  const first = after === undefined ? 0 : firstWhere(entries, ({ kept }) => kept.sequence > after)
  const last =
    before === undefined ? entries.length : firstWhere(entries, ({ kept }) => kept.sequence >= before)
  return { first: Math.max(range.first, first), last: Math.min(range.last, last) }
}

/** The index of the first for which `is` holds, if it holds for all behind it too. */
function firstWhere(entries: readonly Entry[], is: (entry: Entry) => boolean): number {
  let [low, high] = [0, entries.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (is(entries[middle] as Entry)) high = middle
    else low = middle + 1
  }
  return low
}

/** XEP-0313 §4.3.1: a bound that the owner's archive does not have is told, not passed over. */
function sequenceOf(owned: Owned | undefined, id: string | undefined): number | undefined {
  if (id === undefined) return undefined
  const entry = owned?.byId.get(id)
  if (entry?.archived !== true) throw noSuchEntry(id)
  return entry.kept.sequence
}

function itemOf({ kept: { row, sequence }, peer, direction, archived }: Entry): HistoryItem {
  return { id: row.id, at: row.at, head: row.head, raw: row.raw, sequence, peer, direction, archived }
}
