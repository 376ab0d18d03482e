// The Store over any SQL engine: each method is a procedure, or a walk of several.
import type { Bytes } from '#base'
import type {
  AccessRule,
  AccountRecord,
  AccountState,
  Contact,
  Forward,
  HistoryEntry,
  HistoryFilter,
  HistoryItem,
  HistoryQuery,
  HistoryRow,
  QueuedDomain,
  QueuedUnit,
  Secrets,
  Store,
  StoredSubscription,
  StoredUnit,
} from '#core'
import { documentOctetsMax, documentsMax } from '#core'
import type { Address, Head } from '#model'
import {
  documentTooLarge,
  historyLimit,
  keptEntries,
  localpartAfter,
  noSuchEntry,
  tooManyDocuments,
} from '../history-rules.ts'
import {
  accountValues,
  headOfText,
  headText,
  itemOf,
  queuedOf,
  recordOf,
  recordsOf,
  stateOf,
  subscriptionOf,
} from './columns.ts'
import { contactValues } from './contact-columns.ts'
import type { SqlDriver } from './driver.ts'
import type { EntryValues, ExpiryPlace } from './history-procedures.ts'
import type { FilterValues } from './history-queries.ts'
import type { ProcedureName, ProcedureResult, ProcedureValues } from './procedures.ts'
import { ownOctets } from './values.ts'

type Done = (fault: Error | undefined) => void

export class SqlStore implements Store {
  readonly #driver: SqlDriver

  constructor(driver: SqlDriver) {
    this.#driver = driver
  }

  async account({ domain, user }: Address): Promise<AccountRecord | undefined> {
    const row = await this.#ask('account', domain, user)
    return row === undefined ? undefined : recordOf(row)
  }

  async accountState({ domain, user }: Address): Promise<AccountState | undefined> {
    const rows = await this.#ask('accountState', domain, user)
    return rows === undefined ? undefined : stateOf(rows)
  }

  addAccounts(accounts: readonly { record: AccountRecord; secrets: Secrets }[]): Promise<boolean[]> {
    return this.#ask(
      'addAccounts',
      accounts.map(({ record, secrets }) => accountValues(record, secrets)),
    )
  }

  replaceAccount(record: AccountRecord, secrets: Secrets): Promise<boolean> {
    return this.#ask('replaceAccount', accountValues(record, secrets))
  }

  removeAccount({ domain, user }: Address): Promise<boolean> {
    return this.#ask('removeAccount', domain, user)
  }

  async accounts(domain: string, after: string, limit: number): Promise<AccountRecord[]> {
    return recordsOf(domain, await this.#ask('accounts', domain, localpartAfter(after), limit))
  }

  countAccounts(): Promise<number> {
    return this.#ask('countAccounts')
  }

  async secrets({ domain, user }: Address): Promise<Secrets | undefined> {
    const text = await this.#ask('secrets', domain, user)
    return text === undefined ? undefined : (JSON.parse(text) as Secrets)
  }

  async credentials({
    domain,
    user,
  }: Address): Promise<{ record: AccountRecord; secrets: Secrets } | undefined> {
    const found = await this.#ask('credentials', domain, user)
    return found === undefined
      ? undefined
      : { record: recordOf(found[0]), secrets: JSON.parse(found[1]) as Secrets }
  }

  setSecrets({ domain, user }: Address, secrets: Secrets): Promise<boolean> {
    return this.#ask('setSecrets', domain, user, JSON.stringify(secrets))
  }

  putContact({ domain, user }: Address, contact: Contact): Promise<void> {
    return this.#ask('putContact', domain, user, ...contactValues(contact))
  }

  removeContact({ domain, user }: Address, contact: Address): Promise<void> {
    return this.#ask('removeContact', domain, user, contact.key)
  }

  changeRules(
    { domain, user }: Address,
    removed: readonly string[],
    put: readonly AccessRule[],
  ): Promise<void> {
    const values = put.map(
      ({ subject, action, visibility, messages = '' }) => [subject, action, visibility, messages] as const,
    )
    return this.#ask('changeRules', domain, user, removed, values)
  }

  putForward({ domain, user }: Address, forward: Forward | undefined): Promise<void> {
    if (forward === undefined) return this.#ask('removeForward', domain, user)
    return this.#ask('putForward', domain, user, forward.location, forward.permanent ? 1 : 0)
  }

  putPermanentPresence({ domain, user }: Address, unit: StoredUnit | undefined): Promise<void> {
    if (unit === undefined) return this.#ask('removePresence', domain, user)
    return this.#ask('putPresence', domain, user, headText(unit.head), ownOctets(unit.raw))
  }

  document({ domain, user }: Address, name: string): Promise<Bytes | undefined> {
    return this.#ask('document', domain, user, name)
  }

  async putDocument({ domain, user, key }: Address, name: string, value: Bytes | undefined): Promise<void> {
    if (value === undefined) return this.#ask('removeDocument', domain, user, name)
    if (value.length > documentOctetsMax) throw documentTooLarge(name, value.length)
    const isPut = await this.#ask('putDocument', domain, user, name, ownOctets(value), documentsMax)
    if (!isPut) throw tooManyDocuments(key)
  }

  putSubscription(subscription: StoredSubscription): Promise<void> {
    const { id, protocol, watcher, presentity, expires, state } = subscription
    return this.#ask('putSubscription', id, protocol, watcher.key, presentity.key, expires, ownOctets(state))
  }

  removeSubscription(id: string): Promise<void> {
    return this.#ask('removeSubscription', id)
  }

  async subscriptions(protocol: string): Promise<StoredSubscription[]> {
    return (await this.#ask('subscriptions', protocol)).map(subscriptionOf)
  }

  append(row: HistoryRow, done: Done): void {
    const entries = keptEntries(row.entries)
    const domain = entries[0]?.owner.domain ?? ''
    const [head, raw] = [headText(row.head), ownOctets(row.raw)]
    if (entries.every(({ owner }) => owner.domain === domain)) {
      this.#driver.call('append', [domain, row.id, row.at, head, raw, entries.map(entryValues), false], done)
      return
    }
    const byDomain = [...Map.groupBy(entries, ({ owner }) => owner.domain)]
    const groups = byDomain.map(([each, group]) => [each, group.map(entryValues)] as const)
    this.#driver.call('appendInDomains', [groups, row.id, row.at, head, raw, false], done)
  }

  markDelivered({ domain, user }: Address, ids: readonly string[], done: Done): void {
    this.#driver.call('markDelivered', [domain, user, ids], done)
  }

  async undelivered({ domain, user }: Address, afterSequence: number, limit: number): Promise<HistoryItem[]> {
    return (await this.#ask('undelivered', domain, user, afterSequence, limit)).map(itemOf)
  }

  async history({ domain, user }: Address, query: HistoryQuery): Promise<HistoryItem[]> {
    const found = await this.#ask('history', domain, user, {
      ...filterValues(query),
      ids: query.ids,
      pageAfterId: query.pageAfterId,
      pageBeforeId: query.pageBeforeId,
      backwards: query.backwards === true,
      limit: historyLimit(query.limit),
    })
    if ('noSuchEntry' in found) throw noSuchEntry(found.noSuchEntry)
    return found.map(itemOf)
  }

  async countHistory({ domain, user }: Address, filter: HistoryFilter, max: number): Promise<number> {
    const found = await this.#ask('countHistory', domain, user, filterValues(filter), max)
    if (typeof found !== 'number') throw noSuchEntry(found.noSuchEntry)
    return found
  }

  async expireHistory(before: number): Promise<number> {
    let count = 0
    for (let place: ExpiryPlace | undefined = ['', '', 0]; place !== undefined; ) {
      const step: ProcedureResult<'expireSome'> = await this.#ask('expireSome', before, place)
      count += step.count
      place = step.next
    }
    return count
  }

  enqueue(
    domain: string,
    { head, raw }: StoredUnit,
    at: number,
    done: (fault: Error | undefined, sequence?: number) => void,
  ): void {
    this.#driver.call('enqueue', [domain, at, headText(head), ownOctets(raw)], done)
  }

  async queued(domain: string, afterSequence: number, limit: number): Promise<QueuedUnit[]> {
    return (await this.#ask('queued', domain, afterSequence, limit)).map(queuedOf)
  }

  dequeue(domain: string, sequences: readonly number[], done: Done): void {
    this.#driver.call('dequeue', [domain, sequences], done)
  }

  async queuedDomains(): Promise<QueuedDomain[]> {
    return (await this.#ask('queuedDomains')).map(([domain, count, oldest, octets]) => ({
      domain: domain as string,
      count: count as number,
      oldest: oldest as number,
      octets: octets as number,
    }))
  }

  async recentHeads(within: number, limit: number): Promise<Head[]> {
    return (await this.#ask('recentHeads', within, limit)).map(headOfText)
  }

  setting(name: string): Promise<Bytes | undefined> {
    return this.#ask('setting', name)
  }

  putSetting(name: string, value: Bytes): Promise<void> {
    return this.#ask('putSetting', name, ownOctets(value))
  }

  close(): Promise<void> {
    return this.#driver.close()
  }

  #ask<Name extends ProcedureName>(
    name: Name,
    ...values: ProcedureValues<Name>
  ): Promise<ProcedureResult<Name>> {
    return new Promise((resolve, reject) => {
      this.#driver.call(name, values, (fault, result) => {
        if (fault === undefined) resolve(result as ProcedureResult<Name>)
        else reject(fault)
      })
    })
  }
}

function filterValues(filter: HistoryFilter): FilterValues {
  const { start, end, afterId, beforeId } = filter
  return { peer: filter.with?.key, agent: filter.withAgent, start, end, afterId, beforeId }
}

function entryValues({
  owner,
  peer,
  peerAgent,
  direction,
  undelivered,
  archived,
}: HistoryEntry): EntryValues {
  return [
    owner.domain,
    owner.user,
    peer.key,
    peerAgent,
    direction === 'sent' ? 1 : 0,
    undelivered ? 1 : 0,
    archived ? 1 : 0,
  ]
}
