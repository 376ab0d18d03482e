// The store that forgets when the process ends: for tests, and for measuring the server without a disk. It behaves as the
// others do in all else: answers come after the tick, calls take effect in order.
import type { Bytes } from '#base'
import {
  type AccessRule,
  type AccountRecord,
  type AccountState,
  type Contact,
  documentOctetsMax,
  documentsMax,
  type Forward,
  type HistoryFilter,
  type HistoryItem,
  type HistoryQuery,
  type HistoryRow,
  type QueuedDomain,
  type QueuedUnit,
  type Secrets,
  ServiceError,
  type Store,
  type StoredSubscription,
  type StoredUnit,
} from '#core'
import type { Address, Head } from '#model'
import { compareCodePoints } from '../code-points.ts'
import { documentTooLarge, localpartAfter, noSuchOwner, tooManyDocuments } from '../history-rules.ts'
import { Archive } from './archive.ts'
import { PeerQueues } from './peer-queues.ts'

interface Held {
  record: AccountRecord
  secrets: Secrets
  readonly contacts: Map<string, Contact>
  readonly rules: Map<string, AccessRule>
  permanentPresence: StoredUnit | undefined
  forward: Forward | undefined
  readonly documents: Map<string, Bytes>
}

type Done = (fault: Error | undefined) => void

export function createMemoryStore(): Store {
  return new MemoryStore()
}

class MemoryStore implements Store {
  /** By primary address. */
  readonly #accounts = new Map<string, Held>()
  /** By primary address and alias. */
  readonly #names = new Map<string, Held>()
  readonly #subscriptions = new Map<string, StoredSubscription>()
  readonly #settings = new Map<string, Bytes>()
  readonly #archive = new Archive()
  readonly #peerQueues = new PeerQueues()
  #settled: { done: Done; fault: Error | undefined }[] = []
  #closed = false

  async account(address: Address): Promise<AccountRecord | undefined> {
    this.#mustBeOpen()
    return this.#names.get(address.key)?.record
  }

  async accountState(address: Address): Promise<AccountState | undefined> {
    this.#mustBeOpen()
    const held = this.#names.get(address.key)
    if (held === undefined) return undefined
    return {
      record: held.record,
      contacts: [...held.contacts.values()],
      rules: [...held.rules.values()],
      permanentPresence: held.permanentPresence,
      forward: held.forward,
      archiving: held.documents.get('archiving'),
      classPresence: held.documents.get('class-presence'),
      script: held.documents.get('script'),
      undelivered: this.#archive.countUndelivered(held.record.address),
    }
  }

  async addAccounts(accounts: readonly { record: AccountRecord; secrets: Secrets }[]): Promise<boolean[]> {
    this.#mustBeOpen()
    return accounts.map(({ record, secrets }) => {
      const names = namesOf(record)
      if (names.some((name) => this.#names.has(name))) return false
      const held: Held = {
        record: withDistinctAliases(record),
        secrets,
        contacts: new Map(),
        rules: new Map(),
        permanentPresence: undefined,
        forward: undefined,
        documents: new Map(),
      }
      this.#accounts.set(record.address.key, held)
      for (const name of names) this.#names.set(name, held)
      return true
    })
  }

  async replaceAccount(record: AccountRecord, secrets: Secrets): Promise<boolean> {
    this.#mustBeOpen()
    const held = this.#accounts.get(record.address.key)
    if (held === undefined) return false
    const names = namesOf(record)
    if (names.some((name) => (this.#names.get(name) ?? held) !== held)) return false
    for (const name of namesOf(held.record)) this.#names.delete(name)
    for (const name of names) this.#names.set(name, held)
    held.record = withDistinctAliases(record)
    held.secrets = secrets
    return true
  }

  async removeAccount(owner: Address): Promise<boolean> {
    this.#mustBeOpen()
    const held = this.#accounts.get(owner.key)
    if (held === undefined) return false
    const names = new Set(namesOf(held.record))
    this.#accounts.delete(owner.key)
    for (const name of names) this.#names.delete(name)
    this.#archive.remove(owner)
    for (const [id, { watcher, presentity }] of this.#subscriptions) {
      if (names.has(watcher.key) || names.has(presentity.key)) this.#subscriptions.delete(id)
    }
    return true
  }

  async accounts(domain: string, after: string, limit: number): Promise<AccountRecord[]> {
    this.#mustBeOpen()
    const user = localpartAfter(after)
    return [...this.#accounts.values()]
      .map(({ record }) => record)
      .filter(({ address }) => address.domain === domain && compareCodePoints(address.user, user) > 0)
      .sort((a, b) => compareCodePoints(a.address.user, b.address.user))
      .slice(0, limit)
  }

  async countAccounts(): Promise<number> {
    this.#mustBeOpen()
    return this.#accounts.size
  }

  async secrets(owner: Address): Promise<Secrets | undefined> {
    this.#mustBeOpen()
    return this.#accounts.get(owner.key)?.secrets
  }

  async credentials(name: Address): Promise<{ record: AccountRecord; secrets: Secrets } | undefined> {
    this.#mustBeOpen()
    const held = this.#names.get(name.key)
    return held === undefined ? undefined : { record: held.record, secrets: held.secrets }
  }

  async setSecrets(owner: Address, secrets: Secrets): Promise<boolean> {
    this.#mustBeOpen()
    const held = this.#accounts.get(owner.key)
    if (held === undefined) return false
    held.secrets = secrets
    return true
  }

  async putContact(owner: Address, contact: Contact): Promise<void> {
    this.#held(owner).contacts.set(contact.address.key, contact)
  }

  async removeContact(owner: Address, contact: Address): Promise<void> {
    this.#mustBeOpen()
    this.#accounts.get(owner.key)?.contacts.delete(contact.key)
  }

  async changeRules(owner: Address, removed: readonly string[], put: readonly AccessRule[]): Promise<void> {
    this.#mustBeOpen()
    const rules = put.length > 0 ? this.#held(owner).rules : this.#accounts.get(owner.key)?.rules
    for (const subject of removed) rules?.delete(subject)
    for (const rule of put) rules?.set(rule.subject, rule)
  }

  async putForward(owner: Address, forward: Forward | undefined): Promise<void> {
    this.#mustBeOpen()
    if (forward === undefined && !this.#accounts.has(owner.key)) return
    this.#held(owner).forward = forward
  }

  async putPermanentPresence(owner: Address, unit: StoredUnit | undefined): Promise<void> {
    this.#mustBeOpen()
    if (unit === undefined && !this.#accounts.has(owner.key)) return
    this.#held(owner).permanentPresence = unit
  }

  async document(owner: Address, name: string): Promise<Bytes | undefined> {
    this.#mustBeOpen()
    return this.#accounts.get(owner.key)?.documents.get(name)
  }

  async putDocument(owner: Address, name: string, value: Bytes | undefined): Promise<void> {
    this.#mustBeOpen()
    if (value === undefined) {
      this.#accounts.get(owner.key)?.documents.delete(name)
      return
    }
    if (value.length > documentOctetsMax) throw documentTooLarge(name, value.length)
    const { documents } = this.#held(owner)
    if (!documents.has(name) && documents.size >= documentsMax) throw tooManyDocuments(owner.key)
    documents.set(name, value)
  }

  async putSubscription(subscription: StoredSubscription): Promise<void> {
    this.#mustBeOpen()
    this.#subscriptions.set(subscription.id, subscription)
  }

  async removeSubscription(id: string): Promise<void> {
    this.#mustBeOpen()
    this.#subscriptions.delete(id)
  }

  async subscriptions(protocol: string): Promise<StoredSubscription[]> {
    this.#mustBeOpen()
    return [...this.#subscriptions.values()].filter((subscription) => subscription.protocol === protocol)
  }

  append(row: HistoryRow, done: Done): void {
    this.#perform(done, () => this.#archive.append(row, (owner) => this.#accounts.has(owner.key)))
  }

  markDelivered(owner: Address, ids: readonly string[], done: Done): void {
    this.#perform(done, () => this.#archive.markDelivered(owner, ids))
  }

  async undelivered(owner: Address, afterSequence: number, limit: number): Promise<HistoryItem[]> {
    this.#mustBeOpen()
    return this.#archive.undelivered(owner, afterSequence, limit)
  }

  async history(owner: Address, query: HistoryQuery): Promise<HistoryItem[]> {
    this.#mustBeOpen()
    return this.#archive.history(owner, query)
  }

  async countHistory(owner: Address, filter: HistoryFilter, max: number): Promise<number> {
    this.#mustBeOpen()
    return this.#archive.count(owner, filter, max)
  }

  async expireHistory(before: number): Promise<number> {
    this.#mustBeOpen()
    return this.#archive.expire(before)
  }

  enqueue(
    domain: string,
    unit: StoredUnit,
    at: number,
    done: (fault: Error | undefined, sequence?: number) => void,
  ): void {
    let sequence: number | undefined
    const told: Done = (fault) => done(fault, sequence)
    this.#perform(told, () => {
      sequence = this.#peerQueues.enqueue(domain, unit, at)
    })
  }

  async queued(domain: string, afterSequence: number, limit: number): Promise<QueuedUnit[]> {
    this.#mustBeOpen()
    return this.#peerQueues.queued(domain, afterSequence, limit)
  }

  dequeue(domain: string, sequences: readonly number[], done: Done): void {
    this.#perform(done, () => this.#peerQueues.dequeue(domain, sequences))
  }

  async queuedDomains(): Promise<QueuedDomain[]> {
    this.#mustBeOpen()
    return this.#peerQueues.domains()
  }

  async recentHeads(within: number, limit: number): Promise<Head[]> {
    this.#mustBeOpen()
    const all = [...this.#archive.recent(limit), ...this.#peerQueues.recent(limit)]
    const newest = all.reduce((latest, { at }) => Math.max(latest, at), 0)
    return all.filter(({ at }) => at >= newest - within).map(({ head }) => head)
  }

  async setting(name: string): Promise<Bytes | undefined> {
    this.#mustBeOpen()
    return this.#settings.get(name)
  }

  async putSetting(name: string, value: Bytes): Promise<void> {
    this.#mustBeOpen()
    this.#settings.set(name, value)
  }

  async close(): Promise<void> {
    this.#closed = true
  }

  /** An account that was removed meanwhile must not leave things behind for the next of that name. */
  #held(owner: Address): Held {
    this.#mustBeOpen()
    const held = this.#accounts.get(owner.key)
    if (held !== undefined) return held
    throw noSuchOwner(owner)
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new ServiceError('internal-fault', 'the store is closed')
  }

  /** The answer comes once the tick is over, as from a disk; one microtask for all of a tick. */
  #perform(done: Done, change: () => void): void {
    let fault: Error | undefined
    try {
      this.#mustBeOpen()
      change()
    } catch (error) {
      fault = error as Error
    }
    if (this.#settled.push({ done, fault }) === 1) queueMicrotask(() => this.#settle())
  }

  #settle(): void {
    const settled = this.#settled
    this.#settled = []
    for (const { done, fault } of settled) done(fault)
  }
}

function namesOf(record: AccountRecord): string[] {
  return [record.address.key, ...record.aliases.map((alias) => alias.key)]
}

/** An alias that is named twice, or is the primary address, is one name. */
function withDistinctAliases(record: AccountRecord): AccountRecord {
  const names = new Set(namesOf(record))
  if (names.size === record.aliases.length + 1) return record
  names.delete(record.address.key)
  return { ...record, aliases: record.aliases.filter(({ key }) => names.delete(key)) }
}
