import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import { randomId } from '#base'
import type { AccountValues } from '../sql/account-procedures.ts'
import type { EntryValues } from '../sql/history-procedures.ts'
import type { Call } from '../sql/procedures.ts'
import { type Migration, migrations } from '../sql/schema.ts'
import { SqliteDatabase } from './sqlite-database.ts'

const directory = mkdtempSync(join(tmpdir(), 'verona-sqlite-'))
after(() => rmSync(directory, { recursive: true }))
let count = 0
const newFile = (): string => join(directory, `${++count}.db`)

const added: Call = [
  'addAccounts',
  [[{ names: [['example.org', 'bob']], created: 1, disabled: 0, secrets: '{}' } satisfies AccountValues]],
]
const state: Call = ['accountState', ['example.org', 'bob']]

function appended(to: string, raw = new Uint8Array(10), id = randomId()): Call {
  const entry: EntryValues = ['example.org', to, 'alice@example.net', 'phone', 0, 1, 1]
  return ['append', ['example.org', id, 1000, '[]', raw, [entry], false]]
}

function undeliveredIn(database: SqliteDatabase): number {
  const { results } = database.perform([state])
  return (results[0] as { undelivered: number }).undelivered
}

test('a call that fails is refused alone; the others of its batch are kept, in order', () => {
  const database = new SqliteDatabase({ file: newFile() })
  const { results, faults } = database.perform([
    added,
    appended('bob'),
    appended('nobody'),
    state,
    appended('bob'),
    state,
  ])
  assert.deepEqual(results[0], [true])
  assert.deepEqual([...faults.keys()], [2])
  assert.equal(faults.get(2)?.condition, 'target-unknown')
  assert.equal((results[3] as { undelivered: number }).undelivered, 1)
  assert.equal((results[5] as { undelivered: number }).undelivered, 2)
  database.close()
})

test('a full database refuses what does not fit with nothing half-applied, reads go on, and room helps', () => {
  const file = newFile()
  const database = new SqliteDatabase({ file, octetsMax: 400 * 1024 })
  database.perform([added])
  const large = new Uint8Array(20_000).fill(7)
  const kept: string[] = []
  let refused = 0
  while (refused < 3) {
    const ids = [randomId(), randomId(), randomId()]
    const { results, faults } = database.perform([...ids.map((id) => appended('bob', large, id)), state])
    for (const [i, id] of ids.entries()) if (!faults.has(i)) kept.push(id)
    refused += faults.size
    assert(!faults.has(3), 'the read is answered')
    assert.equal((results[3] as { undelivered: number }).undelivered, kept.length)
    for (const fault of faults.values()) {
      assert.equal(fault.condition, 'temporarily-unavailable')
      assert.match(fault.message, /full/)
    }
    assert(kept.length < 100, 'the limit is met')
  }
  assert(kept.length > 5)
  const check = new DatabaseSync(file, { readOnly: true })
  assert.equal(check.prepare('SELECT COUNT(*) AS n FROM message').get()?.['n'], kept.length)
  assert.equal(check.prepare('SELECT COUNT(*) AS n FROM entry').get()?.['n'], kept.length)
  check.close()
  const freed = kept.slice(0, 4)
  assert.equal(
    database.perform([
      ['markDelivered', ['example.org', 'bob', freed]],
      ['expireSome', [2000, ['example.org', 'bob', 0]]],
    ]).faults.size,
    0,
  )
  assert.equal(database.perform([appended('bob', large)]).faults.size, 0)
  assert.equal(undeliveredIn(database), kept.length - 4 + 1)
  database.close()
})

test('while another process writes, writes are refused after the wait, once; reads are answered', () => {
  const file = newFile()
  const database = new SqliteDatabase({ file, busyMilliseconds: 20 })
  database.perform([added])
  const other = new DatabaseSync(file)
  other.exec('BEGIN IMMEDIATE')
  const start = performance.now()
  const { results, faults } = database.perform([...Array.from({ length: 200 }, () => appended('bob')), state])
  assert(performance.now() - start < 2000, 'not once more for each call')
  assert.equal(faults.size, 200)
  assert.equal(faults.get(0)?.condition, 'temporarily-unavailable')
  assert.match(faults.get(0)?.message ?? '', /locked by another process/)
  assert.equal((results[200] as { undelivered: number }).undelivered, 0)
  other.exec('ROLLBACK')
  other.close()
  assert.equal(database.perform([appended('bob')]).faults.size, 0)
  database.close()
})

test('a second process sees and changes the same database', () => {
  const file = newFile()
  const [server, command] = [new SqliteDatabase({ file }), new SqliteDatabase({ file })]
  assert.deepEqual(command.perform([added]).results, [[true]])
  assert.deepEqual(server.perform([added]).results, [[false]])
  server.perform([appended('bob')])
  assert.equal(undeliveredIn(command), 1)
  assert.deepEqual(command.perform([['removeAccount', ['example.org', 'bob']]]).results, [true])
  assert.equal(server.perform([appended('bob')]).faults.get(0)?.condition, 'target-unknown')
  server.close()
  command.close()
})

test('a statement that the engine refuses is told with its reason, and reads are answered', () => {
  const file = newFile()
  const database = new SqliteDatabase({ file })
  database.perform([added])
  database.close()
  const raw = new DatabaseSync(file)
  raw.exec(
    "CREATE TRIGGER refuse BEFORE INSERT ON message BEGIN SELECT RAISE(ABORT, 'a statement that fails'); END",
  )
  raw.close()
  const again = new SqliteDatabase({ file })
  const { faults, results } = again.perform([appended('bob'), state])
  assert.equal(faults.get(0)?.condition, 'internal-fault')
  assert.match(String(faults.get(0)?.fields['reason']), /a statement that fails/)
  assert.equal((results[1] as { undelivered: number }).undelivered, 0)
  again.close()
})

test('only its owner may read the database', { skip: process.platform === 'win32' }, () => {
  const file = newFile()
  const database = new SqliteDatabase({ file })
  database.perform([added])
  for (const each of [file, `${file}-wal`, `${file}-shm`]) assert.equal(statSync(each).mode & 0o077, 0, each)
  database.close()
})

const cannotOpen: readonly [string, () => string, RegExp, string][] = [
  [
    'no such directory',
    () => join(directory, 'none', 'x.db'),
    /directory is there/,
    'temporarily-unavailable',
  ],
  ['a directory instead of a file', () => directory, /can't be opened/, 'temporarily-unavailable'],
  [
    'a file that is no database',
    () => {
      const file = newFile()
      writeFileSync(file, 'These are notes, and no database at all.\n'.repeat(100))
      return file
    },
    /not a database of ours/,
    'internal-fault',
  ],
]
for (const [what, file, words, condition] of cannotOpen) {
  test(`${what}: opening is refused in plain words`, () => {
    assert.throws(
      () => new SqliteDatabase({ file: file() }),
      (fault: { condition: string; message: string }) =>
        fault.condition === condition && words.test(fault.message) && fault.message.includes(directory),
    )
  })
}

test('a read-only directory: opening is refused in plain words', {
  skip: process.getuid?.() === 0 ? 'root may write everywhere' : false,
}, () => {
  const closed = join(directory, 'closed')
  mkdirSync(closed)
  chmodSync(closed, 0o500)
  assert.throws(
    () => new SqliteDatabase({ file: join(closed, 'x.db') }),
    (fault: { message: string }) => /read-only: check the owner/.test(fault.message),
  )
})

test('a damaged database is told as such', () => {
  const file = newFile()
  const database = new SqliteDatabase({ file })
  database.perform([added, ...Array.from({ length: 200 }, () => appended('bob', new Uint8Array(2000)))])
  database.close()
  const page = 4096
  const octets = readFileSync(file)
  octets.fill(0x5a, page)
  const damaged = newFile()
  writeFileSync(damaged, octets)
  assert.throws(
    () => new SqliteDatabase({ file: damaged }),
    (fault: { message: string; condition: string }) =>
      /damaged: restore it/.test(fault.message) && fault.condition === 'internal-fault',
  )
})

test('a database of a newer schema is refused, and left as it is', () => {
  const file = newFile()
  const newer: Migration = { number: 99, what: 'from the future', statements: [] }
  new SqliteDatabase({ file }, [...migrations, newer]).close()
  assert.throws(
    () => new SqliteDatabase({ file }),
    (fault: { condition: string; message: string }) =>
      fault.condition === 'version-not-supported' &&
      /its schema is 99, this version knows/.test(fault.message),
  )
  new SqliteDatabase({ file }, [...migrations, newer]).close()
})

test('a database of every older schema is migrated, one transaction a migration', () => {
  const next: Migration = {
    number: (migrations.at(-1)?.number ?? 0) + 1,
    what: 'a later one',
    statements: ['ALTER TABLE account ADD COLUMN note {text}', "UPDATE account SET note = 'migrated'"],
  }
  const all = [...migrations, next]
  for (let version = 0; version < all.length; version++) {
    const file = newFile()
    new SqliteDatabase({ file }, all.slice(0, version)).close()
    const database = new SqliteDatabase({ file }, all)
    assert.deepEqual(database.perform([added]).results, [[true]])
    database.close()
    new SqliteDatabase({ file }, all).close()
    const raw = new DatabaseSync(file)
    const numbers = raw.prepare('SELECT number FROM migration ORDER BY number').all()
    assert.deepEqual(
      numbers.map(({ number }) => number),
      all.map(({ number }) => number),
    )
    raw.close()
  }
})

test('a migration that fails changes nothing, and the one before it stays', () => {
  const file = newFile()
  const bad: Migration = {
    number: (migrations.at(-1)?.number ?? 0) + 1,
    what: 'half of it fails',
    statements: ['CREATE TABLE half (a INTEGER)', 'INSERT INTO nowhere VALUES (1)'],
  }
  assert.throws(() => new SqliteDatabase({ file }, [...migrations, bad]))
  const database = new SqliteDatabase({ file })
  assert.deepEqual(database.perform([added]).results, [[true]])
  database.close()
  const raw = new DatabaseSync(file)
  assert.equal(raw.prepare("SELECT COUNT(*) AS n FROM sqlite_schema WHERE name = 'half'").get()?.['n'], 0)
  raw.close()
})

test('the numbers of migrations have no gap', () => {
  assert.deepEqual(
    migrations.map(({ number }) => number),
    migrations.map((_, i) => i + 1),
  )
})
