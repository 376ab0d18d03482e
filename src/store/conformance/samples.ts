// What the cases are made of: addresses, accounts, messages, and the calls with `done` as promises.
import assert from 'node:assert/strict'
import { randomId, utf8 } from '#base'
import {
  type AccountRecord,
  type Contact,
  type HistoryEntry,
  type HistoryRow,
  noAuthorization,
  type Secrets,
  ServiceError,
  type Store,
  type StoredSubscription,
  type StoredUnit,
} from '#core'
import { type Address, foreignAddress, type Head } from '#model'

/** `user@domain`, kept exactly. */
export function name(key: string): Address {
  const at = key.lastIndexOf('@')
  const address = at < 0 ? foreignAddress('', key) : foreignAddress(key.slice(0, at), key.slice(at + 1))
  assert(address !== undefined, `an address: ${key}`)
  return address
}

export function record(key: string, ...aliases: string[]): AccountRecord {
  return { address: name(key), aliases: aliases.map(name), created: 1_700_000_000_000, disabled: false }
}

export function secretsOf(word: string): Secrets {
  const verifier = { salt: `${word}salt==`, iterations: 4096, storedKey: `${word}k=`, serverKey: `${word}s=` }
  return {
    scram: { 'SHA-1': verifier, 'SHA-256': { ...verifier, iterations: 10_000 } },
    ha1: { 'MD5 alice:localhost': 'd41d8cd98f00b204e9800998ecf8427e', [`SHA-256 ${word}:x`]: 'ff' },
  }
}

export function headOf(from: Address, to: Address, raw: Uint8Array, more: Partial<Head> = {}): Head {
  return {
    protocol: 'xmpp',
    kind: 'message',
    from,
    fromAgent: 'phone/ä',
    to,
    toAgent: '',
    id: 'm-1',
    hops: 110,
    size: raw.length,
    whenAbsent: 'store',
    whenAgentGone: 'inbox',
    storable: true,
    copyable: true,
    ...more,
  }
}

/** A message from `from` to `to`, indexed for its recipient and, where asked, its sender. */
export function rowOf(
  from: Address,
  to: Address,
  more: {
    id?: string
    at?: number
    raw?: Uint8Array
    undelivered?: boolean
    archived?: boolean
    forSender?: boolean
    head?: Partial<Head>
  } = {},
): HistoryRow {
  const { id = randomId(), at = 1_700_000_000_000, raw = utf8('<message/>') } = more
  const { undelivered = false, archived = true, forSender = true } = more
  const entries: HistoryEntry[] = [
    { owner: to, peer: from, peerAgent: 'phone/ä', direction: 'received', undelivered, archived },
  ]
  if (forSender)
    entries.push({
      owner: from,
      peer: to,
      peerAgent: more.head?.toAgent ?? '',
      direction: 'sent',
      undelivered: false,
      archived: true,
    })
  return { id, at, head: headOf(from, to, raw, more.head), raw, entries }
}

export function append(store: Store, row: HistoryRow): Promise<void> {
  return new Promise((resolve, reject) => {
    store.append(row, (fault) => (fault === undefined ? resolve() : reject(fault)))
  })
}

export function markDelivered(store: Store, owner: Address, ids: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    store.markDelivered(owner, ids, (fault) => (fault === undefined ? resolve() : reject(fault)))
  })
}

/** Answers its sequence. */
export function enqueue(
  store: Store,
  domain: string,
  unit: StoredUnit,
  at: number,
): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    store.enqueue(domain, unit, at, (fault, sequence) =>
      fault === undefined ? resolve(sequence) : reject(fault),
    )
  })
}

export function dequeue(store: Store, domain: string, sequences: readonly number[]): Promise<void> {
  return new Promise((resolve, reject) => {
    store.dequeue(domain, sequences, (fault) => (fault === undefined ? resolve() : reject(fault)))
  })
}

export function is(condition: string): (error: unknown) => boolean {
  return (error) => error instanceof ServiceError && error.condition === condition
}

let counter = 0
/** A name nobody had before: the cases share one store. */
export function fresh(word = 'user', domain = 'example.org'): Address {
  return name(`${word}${++counter}@${domain}`)
}

export const allOctets = Uint8Array.from({ length: 256 }, (_, i) => i)

export function contactOf(key: string): Contact {
  return { address: name(key), authorization: noAuthorization, listed: true, name: '', groups: [] }
}

export function subscriptionOf(
  id: string,
  protocol: string,
  watcher: Address,
  presentity: Address,
): StoredSubscription {
  return { id, protocol, watcher, presentity, expires: 1_800_000_000_000, state: allOctets }
}

/** Where the contract gives no order. */
export function sorted<T>(values: readonly T[] | undefined): string[] {
  return (values ?? [])
    .map((value) => JSON.stringify(value, (_, each) => (each instanceof Uint8Array ? [...each] : each)))
    .sort()
}
