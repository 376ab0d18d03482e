// What a page of a person's history costs, by the length of the history: milliseconds until the store has answered, in SQLite and in memory.
// The baseline is the same page of a history of a thousand messages. node --conditions=verona-source bench/archive.ts [messages]
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { HistoryQuery, HistoryRow, Store } from '#core'
import type { Address } from '#model'
import { createMemoryStore, openSqliteStore } from '#store'

const length = Number(process.argv[2] ?? 200_000)
const minute = 60_000
const began = Date.UTC(2020, 0, 1)
const raw = new Uint8Array(300).fill(0x61)

function addressOf(user: string): Address {
  return { user, domain: 'localhost', key: `${user}@localhost` }
}

const owner = addressOf('owner')
/** A hundred peers; one in a thousand messages is of the last. */
const peerOf = (i: number): Address => addressOf(i % 1000 === 999 ? 'rare' : `peer${i % 100}`)

function rowAt(i: number): HistoryRow {
  const peer = peerOf(i)
  return {
    id: `m${i}`,
    at: began + i * minute,
    head: {
      protocol: 'xmpp',
      kind: 'message',
      from: peer,
      fromAgent: 'phone',
      to: owner,
      toAgent: '',
      id: `m-${i}`,
      hops: 110,
      size: raw.length,
      whenAbsent: 'store',
      whenAgentGone: 'inbox',
      storable: true,
      copyable: true,
    },
    raw: raw.slice(),
    entries: [{ owner, peer, peerAgent: 'phone', direction: 'received', undelivered: false, archived: true }],
  }
}

async function fill(store: Store, count: number): Promise<Store> {
  const record = { address: owner, aliases: [], created: 0, disabled: false }
  await store.addAccounts([{ record, secrets: { scram: {}, ha1: {} } }])
  for (let from = 0; from < count; from += 1000) {
    await new Promise<void>((resolve, reject) => {
      let left = Math.min(1000, count - from)
      for (let i = from; i < from + 1000 && i < count; i++)
        store.append(rowAt(i), (fault) => (fault !== undefined ? reject(fault) : --left === 0 && resolve()))
    })
  }
  return store
}

const queries = (count: number): readonly (readonly [string, Partial<HistoryQuery>])[] => [
  ['the first page', {}],
  ['the last page', { backwards: true }],
  ['after one in the middle', { afterId: `m${count >> 1}` }],
  ['since a time in the middle', { start: began + (count >> 1) * minute }],
  ['since a time to come', { start: began + 10 * count * minute }],
  ['until a time near the beginning, backwards', { end: began + 200 * minute, backwards: true }],
  ['the last page of one peer', { with: addressOf('peer7'), backwards: true }],
  ['of a peer, since the middle', { with: addressOf('peer7'), start: began + (count >> 1) * minute }],
  ['of a rare peer', { with: addressOf('rare') }],
  ['of a device that never wrote', { with: addressOf('peer7'), withAgent: 'else' }],
]

async function milliseconds(work: () => Promise<unknown>): Promise<number> {
  const times: number[] = []
  for (let i = 0; i < 7; i++) {
    const start = performance.now()
    await work()
    times.push(performance.now() - start)
  }
  return times.sort((a, b) => a - b)[3] as number
}

const directory = mkdtempSync(join(tmpdir(), 'verona-bench-'))
try {
  const stores = [
    ['SQLite', async (n: number) => fill(await openSqliteStore({ file: join(directory, `${n}.db`) }), n)],
    ['memory', (n: number) => fill(createMemoryStore(), n)],
  ] as const
  for (const [name, open] of stores) {
    const [small, large] = [await open(1000), await open(length)]
    console.log(
      `${name}: a page of 50, median of 7, in ms`.padEnd(56),
      'of 1000',
      `of ${length}`.padStart(12),
    )
    for (const [i, [what, query]] of queries(length).entries()) {
      const [, short] = queries(1000)[i] as readonly [string, Partial<HistoryQuery>]
      const one = await milliseconds(() => small.history(owner, { limit: 50, ...short }))
      const other = await milliseconds(() => large.history(owner, { limit: 50, ...query }))
      console.log(`  ${what}`.padEnd(56), one.toFixed(2).padStart(7), other.toFixed(2).padStart(12))
    }
    const counted = await milliseconds(() => large.countHistory(owner, {}, 10_000))
    console.log('  counting to 10,000'.padEnd(56), ''.padStart(7), counted.toFixed(2).padStart(12))
    await small.close()
    await large.close()
  }
} finally {
  rmSync(directory, { recursive: true })
}
