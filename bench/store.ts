// What the store costs: durable messages a second, CPU of the server's thread and of the whole process a message, at several
// numbers of messages in flight; beside raw node:sqlite on the main thread in the same run, one plain row a message and the
// same number of rows a transaction. A message is a row and two entries (recipient's and sender's).
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { orderedId } from '#base'
import type { HistoryRow, Store } from '#core'
import type { Address, Head } from '#model'
import { createMemoryStore, openSqliteStore } from '#store'

const directory = mkdtempSync(join(tmpdir(), 'verona-bench-'))
const people = Array.from({ length: 200 }, (_, i): Address => {
  const user = `user${i}`
  return { user, domain: 'localhost', key: `${user}@localhost` }
})
const raw = new Uint8Array(300).fill(0x61)

function headOf(from: Address, to: Address): Head {
  return {
    protocol: 'xmpp',
    kind: 'message',
    from,
    fromAgent: 'phone',
    to,
    toAgent: '',
    id: 'm-123456',
    hops: 110,
    size: raw.length,
    whenAbsent: 'store',
    whenAgentGone: 'inbox',
    storable: true,
    copyable: true,
  }
}

function rowAt(i: number): HistoryRow {
  const [from, to] = [people[i % 200] as Address, people[(i * 7 + 1) % 200] as Address]
  return {
    id: orderedId(1_700_000_000_000 + i),
    at: 1_700_000_000_000 + i,
    head: headOf(from, to),
    raw: raw.slice(),
    entries: [
      { owner: to, peer: from, peerAgent: '', direction: 'received', undelivered: false, archived: true },
      { owner: from, peer: to, peerAgent: '', direction: 'sent', undelivered: false, archived: true },
    ],
  }
}

interface Cost {
  readonly perSecond: number
  readonly mainMicroseconds: number
  readonly processMicroseconds: number
}

async function measure(count: number, work: () => Promise<void>): Promise<Cost> {
  const [main, whole, start] = [process.threadCpuUsage(), process.cpuUsage(), performance.now()]
  await work()
  const seconds = (performance.now() - start) / 1000
  const [mainUsed, wholeUsed] = [process.threadCpuUsage(main), process.cpuUsage(whole)]
  return {
    perSecond: count / seconds,
    mainMicroseconds: (mainUsed.user + mainUsed.system) / count,
    processMicroseconds: (wholeUsed.user + wholeUsed.system) / count,
  }
}

/** Keeps `inFlight` appends unanswered until `count` are durable. */
function appendAll(store: Store, count: number, inFlight: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let [asked, answered] = [0, 0]
    const ask = (): void => {
      store.append(rowAt(asked++), (fault) => {
        if (fault !== undefined) return reject(fault)
        if (++answered === count) return resolve()
        if (asked < count) ask()
      })
    }
    for (let i = 0; i < inFlight; i++) ask()
  })
}

async function storeCost(store: Store, count: number, inFlight: number): Promise<Cost> {
  await appendAll(store, Math.min(count, 500), inFlight)
  return measure(count, () => appendAll(store, count, inFlight))
}

/** The same octets as plain rows, `batch` to a transaction, on this thread. */
function rawCost(count: number, batch: number): Promise<Cost> {
  const database = new DatabaseSync(join(directory, `raw${batch}.db`))
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 16384')
  database.exec(
    'CREATE TABLE message (sequence INTEGER PRIMARY KEY, id TEXT, at INTEGER, head TEXT, raw BLOB)',
  )
  const insert = database.prepare('INSERT INTO message (id, at, head, raw) VALUES (?, ?, ?, ?)')
  return measure(count, async () => {
    for (let i = 0; i < count; i += batch) {
      database.exec('BEGIN IMMEDIATE')
      for (let j = i; j < i + batch; j++) {
        const row = rowAt(j)
        insert.run(row.id, row.at, JSON.stringify(row.head), row.raw)
      }
      database.exec('COMMIT')
    }
  }).finally(() => database.close())
}

const sqlite = await openSqliteStore({ file: join(directory, 'store.db') })
const memory = createMemoryStore()
for (const store of [sqlite, memory]) {
  await store.addAccounts(
    people.map((address) => ({
      record: { address, aliases: [], created: 0, disabled: false },
      secrets: { scram: {}, ha1: {} },
    })),
  )
}
console.log(
  'store: durable messages of 300 octets (a row, two entries); raw is one plain row on the main thread',
)
console.log('in flight     durable/s   main µs   process µs     raw/s   raw µs   durable:raw   main:raw')
for (const [inFlight, count] of [
  [1, 2000],
  [10, 10_000],
  [100, 30_000],
  [1000, 50_000],
] as const) {
  const plain = await rawCost(count, inFlight)
  const cost = await storeCost(sqlite, count, inFlight)
  console.log(
    [
      String(inFlight).padStart(9),
      cost.perSecond.toFixed(0).padStart(13),
      cost.mainMicroseconds.toFixed(1).padStart(9),
      cost.processMicroseconds.toFixed(1).padStart(12),
      plain.perSecond.toFixed(0).padStart(9),
      plain.processMicroseconds.toFixed(1).padStart(8),
      (cost.perSecond / plain.perSecond).toFixed(2).padStart(13),
      (cost.mainMicroseconds / plain.processMicroseconds).toFixed(2).padStart(10),
    ].join(' '),
  )
}
const inMemory = await storeCost(memory, 50_000, 100)
console.log(`memory store: ${inMemory.mainMicroseconds.toFixed(1)} µs a message`)
const idle = await measure(50_000, async () => {
  for (let i = 0; i < 50_000; i++) rowAt(i)
})
console.log(`making the row itself: ${idle.mainMicroseconds.toFixed(1)} µs, contained in all figures`)
await sqlite.close()
await memory.close()
rmSync(directory, { recursive: true })
