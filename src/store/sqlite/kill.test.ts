// `kill -9` under load: what was told to be durable is there, once. This file is the test and, started with the name of a
// database, the process that is killed.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { randomBelow } from '#base'
import type { HistoryItem, Store } from '#core'
import { name, record, rowOf, secretsOf } from '../conformance/samples.ts'
import { openSqliteStore } from './sqlite-store.ts'

const [from, to] = [name('alice@example.net'), name('bob@example.org')]
const file = process.argv[2]
const killsADatabase = 5

if (file?.endsWith('.db')) await appendForever(file)
else {
  const rounds = process.env['VERONA_SOAK'] ? 100 : 3
  test(`after SIGKILL every row that was told durable is there exactly once (${rounds} times)`, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'verona-kill-'))
    let database = ''
    let told: Told = { appended: new Set(), asked: new Set(), delivered: new Set() }
    for (let round = 0; round < rounds; round++) {
      // A few kills a database: each look reads the whole of it.
      if (round % killsADatabase === 0) {
        database = join(directory, `killed-${round}.db`)
        told = { appended: new Set(), asked: new Set(), delivered: new Set() }
      }
      const after = 1 + randomBelow(1000)
      await killed(database, after, told)
      await check(database, told, `killed after ${after} lines in round ${round}`)
    }
    rmSync(directory, { recursive: true })
  })
}

/**
 * Appends in bursts and marks some delivered. Prints `+id` once a row is told durable, `?id` before it asks for the mark, `-id`
 * once the mark is told durable.
 */
async function appendForever(database: string): Promise<void> {
  const store = await openSqliteStore({ file: database })
  await store.addAccounts([{ record: record(to.key), secrets: secretsOf('x') }])
  const say = (fault: Error | undefined, line: string): void => {
    if (fault !== undefined) throw fault
    // To a pipe this is synchronous: the line is out before what follows it happens.
    process.stdout.write(`${line}\n`)
  }
  const burst = (): void => {
    for (let i = randomBelow(60); i >= 0; i--) {
      const archived = randomBelow(4) > 0
      const row = rowOf(from, to, { undelivered: true, archived, forSender: false, raw: new Uint8Array(300) })
      store.append(row, (fault) => {
        say(fault, `+${row.id}`)
        if (randomBelow(3) > 0) return
        say(undefined, `?${row.id}`)
        store.markDelivered(to, [row.id], (failed) => say(failed, `-${row.id}`))
      })
    }
    setTimeout(burst, randomBelow(3))
  }
  burst()
}

interface Told {
  readonly appended: Set<string>
  readonly asked: Set<string>
  readonly delivered: Set<string>
}

function killed(database: string, after: number, told: Told): Promise<void> {
  const { NODE_TEST_CONTEXT: _context, ...env } = process.env
  const child = spawn(process.execPath, [...process.execArgv, fileURLToPath(import.meta.url), database], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const sets: Readonly<Record<string, Set<string>>> = {
    '+': told.appended,
    '?': told.asked,
    '-': told.delivered,
  }
  let lines = 0
  return new Promise((resolve, reject) => {
    // What was printed before the kill and is read after it counts as well.
    createInterface({ input: child.stdout })
      .on('line', (line) => {
        sets[line.charAt(0)]?.add(line.slice(1))
        if (++lines === after) child.kill('SIGKILL')
      })
      .on('close', () =>
        lines >= after ? resolve() : reject(new Error(`the child ended by itself after ${lines} lines`)),
      )
  })
}

async function check(database: string, { appended, asked, delivered }: Told, when: string): Promise<void> {
  const store = await openSqliteStore({ file: database })
  const archive = (await everything(store)).map(({ id }) => id)
  const waiting = (await store.undelivered(to, 0, 1_000_000)).map(({ id }) => id)
  await store.close()
  const [archived, undelivered] = [new Set(archive), new Set(waiting)]
  assert.equal(archived.size, archive.length, `the history holds an id twice, ${when}`)
  assert.equal(undelivered.size, waiting.length, `an id waits twice, ${when}`)
  for (const id of appended) {
    // Held only until it is delivered, a row may be gone once its mark was asked for.
    assert(archived.has(id) || undelivered.has(id) || asked.has(id), `${id} is lost, ${when}`)
    if (!asked.has(id)) assert(undelivered.has(id), `${id} waits no more, ${when}`)
  }
  for (const id of delivered) assert(!undelivered.has(id), `${id} waits though it was delivered, ${when}`)
  whole(database)
}

async function everything(store: Store): Promise<HistoryItem[]> {
  const items: HistoryItem[] = []
  for (;;) {
    const last = items.at(-1)
    const page = await store.history(to, { limit: 1000, ...(last === undefined ? {} : { afterId: last.id }) })
    items.push(...page)
    if (page.length < 1000) return items
  }
}

/** No page is damaged, no message without its entries, no entry without its message. */
function whole(database: string): void {
  const raw = new DatabaseSync(database)
  assert.deepEqual({ ...raw.prepare('PRAGMA integrity_check').get() }, { integrity_check: 'ok' })
  const odd = raw.prepare(
    `SELECT COUNT(*) AS n FROM message
    WHERE owners <> (SELECT COUNT(*) FROM entry WHERE owner = 'bob' AND entry.sequence = message.sequence)`,
  )
  assert.equal(odd.get()?.['n'], 0)
  const orphans = raw.prepare(
    'SELECT COUNT(*) AS n FROM entry WHERE sequence NOT IN (SELECT sequence FROM message)',
  )
  assert.equal(orphans.get()?.['n'], 0)
  raw.close()
}
