// The nouns of the contract as columns and back. Flags are bits, lists are JSON, addresses are keys.
import {
  type AccessRule,
  type AccountRecord,
  type AccountState,
  type HistoryItem,
  type QueuedUnit,
  type Secrets,
  ServiceError,
  type StoredSubscription,
  type StoredUnit,
} from '#core'
import type { Address, Head } from '#model'
import type { AccountValues } from './account-procedures.ts'
import { contactOf } from './contact-columns.ts'
import type { StateRows } from './owned-procedures.ts'
import type { SqlRow, SqlValue } from './procedure.ts'
import { addressOfKey, addressOfParts } from './values.ts'

/** The head as a JSON array; a later version may add values at its end. */
export function headText(head: Head): string {
  return JSON.stringify([
    head.protocol,
    head.kind,
    head.from.key,
    head.fromAgent,
    head.to.key,
    head.toAgent,
    head.id,
    head.hops,
    head.size,
    head.whenAbsent,
    head.whenAgentGone,
    (head.storable ? 1 : 0) | (head.copyable ? 2 : 0) | (head.failureAsked === true ? 4 : 0),
    ...(head.mark === undefined ? [] : [head.mark]),
  ])
}

export function headOfText(text: string): Head {
  const values = JSON.parse(text) as unknown
  if (!Array.isArray(values) || values.length < 12) {
    throw new ServiceError('internal-fault', 'a stored head has not the form of one', { length: text.length })
  }
  const flags = values[11] as number
  return {
    protocol: values[0],
    kind: values[1],
    from: addressOfKey(values[2]),
    fromAgent: values[3],
    to: addressOfKey(values[4]),
    toAgent: values[5],
    id: values[6],
    hops: values[7],
    size: values[8],
    whenAbsent: values[9],
    whenAgentGone: values[10],
    storable: (flags & 1) !== 0,
    copyable: (flags & 2) !== 0,
    ...((flags & 4) !== 0 ? { failureAsked: true } : {}),
    ...(values[12] === undefined ? {} : { mark: values[12] }),
  }
}

export function accountValues(record: AccountRecord, secrets: Secrets): AccountValues {
  return {
    names: [record.address, ...record.aliases].map(({ domain, user }) => [domain, user] as const),
    created: record.created,
    disabled: record.disabled ? 1 : 0,
    secrets: JSON.stringify(secrets),
  }
}

export function recordOf(row: SqlRow): AccountRecord {
  const aliases: Address[] = []
  for (let i = 4; i < row.length; i += 2) {
    aliases.push(addressOfParts(row[i + 1] as string, row[i] as string))
  }
  return {
    address: addressOfParts(row[1] as string, row[0] as string),
    aliases,
    created: row[2] as number,
    disabled: row[3] === 1,
  }
}

/** Rows of `accounts`, one a name, made into records. */
export function recordsOf(domain: string, rows: readonly SqlRow[]): AccountRecord[] {
  const records: { row: SqlValue[] }[] = []
  let last: SqlValue | undefined
  for (const [localpart, created, disabled, ...name] of rows as readonly [...SqlValue[]][]) {
    if (localpart === last) records.at(-1)?.row.push(...name)
    else records.push({ row: [domain, localpart as string, created as number, disabled as number] })
    last = localpart
  }
  return records.map(({ row }) => recordOf(row))
}

export function stateOf(rows: StateRows): AccountState {
  return {
    record: recordOf(rows.account),
    contacts: rows.contacts.map(contactOf),
    rules: rows.rules.map(ruleOf),
    permanentPresence:
      rows.presence === undefined
        ? undefined
        : unitOf(rows.presence[0] as string, rows.presence[1] as Uint8Array),
    forward:
      rows.forward === undefined
        ? undefined
        : { location: rows.forward[0] as string, permanent: rows.forward[1] === 1 },
    archiving: rows.archiving,
    classPresence: rows.classPresence,
    script: rows.script,
    undelivered: rows.undelivered,
  }
}

export function unitOf(head: string, raw: Uint8Array): StoredUnit {
  return { head: headOfText(head), raw }
}

function ruleOf([subject, action, visibility, messages]: SqlRow): AccessRule {
  return {
    subject: subject as string,
    action: action as AccessRule['action'],
    visibility: visibility as AccessRule['visibility'],
    ...(messages !== '' && { messages: messages as 'allow' | 'block' }),
  }
}

export function subscriptionOf([
  id,
  protocol,
  watcher,
  presentity,
  expires,
  state,
]: SqlRow): StoredSubscription {
  return {
    id: id as string,
    protocol: protocol as string,
    watcher: addressOfKey(watcher as string),
    presentity: addressOfKey(presentity as string),
    expires: expires as number,
    state: state as Uint8Array,
  }
}

export function itemOf([id, at, head, raw, sequence, peer, sent, archived]: SqlRow): HistoryItem {
  return {
    id: id as string,
    at: at as number,
    head: headOfText(head as string),
    raw: raw as Uint8Array,
    sequence: sequence as number,
    peer: addressOfKey(peer as string),
    direction: sent === 1 ? 'sent' : 'received',
    archived: archived === 1,
  }
}

export function queuedOf([sequence, at, head, raw]: SqlRow): QueuedUnit {
  return {
    sequence: sequence as number,
    at: at as number,
    head: headOfText(head as string),
    raw: raw as Uint8Array,
  }
}
