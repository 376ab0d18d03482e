// The history in memory: rows kept once, an ascending list of entries an owner.
import type { HistoryEntry, HistoryItem, HistoryQuery, HistoryRow } from '#core'
import type { Address } from '#model'
import { historyLimit, keptEntries, noSuchEntry, noSuchOwner } from '../history-rules.ts'

interface Kept {
  readonly row: HistoryRow
  readonly sequence: number
}

interface Entry {
  readonly kept: Kept
  readonly peer: Address
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
    for (const { owner, peer, direction, archived, undelivered } of news) {
      if (!isOwner(owner)) continue
      const owned = this.#owned(owner)
      const entry: Entry = { kept, peer, direction, archived, undelivered }
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
    const after = sequenceOf(owned, query.afterId) ?? 0
    const before = sequenceOf(owned, query.beforeId) ?? Number.POSITIVE_INFINITY
    const found = (owned?.entries ?? []).filter(
      ({ kept, peer, archived }) =>
        archived &&
        kept.sequence > after &&
        kept.sequence < before &&
        (query.with === undefined || peer.key === query.with.key) &&
        (query.start === undefined || kept.row.at >= query.start) &&
        (query.end === undefined || kept.row.at <= query.end),
    )
    const limit = historyLimit(query.limit)
    return (query.backwards === true ? found.slice(-limit) : found.slice(0, limit)).map(itemOf)
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

/** XEP-0313 §4.3.1: a bound that the owner does not have is told, not passed over. */
function sequenceOf(owned: Owned | undefined, id: string | undefined): number | undefined {
  if (id === undefined) return undefined
  const entry = owned?.byId.get(id)
  if (entry === undefined) throw noSuchEntry(id)
  return entry.kept.sequence
}

function itemOf({ kept: { row, sequence }, peer, direction }: Entry): HistoryItem {
  return { id: row.id, at: row.at, head: row.head, raw: row.raw, sequence, peer, direction }
}
