// `kill -9` while messages for another domain are queued and handed over: what was told to be stored is there, once, in its order, until
// it was asked to be taken out. This file is the test and, started with the name of a database, the process that is killed.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { randomBelow } from '#base'
import type { QueuedUnit } from '#core'
import { headOf, name } from '../conformance/samples.ts'
import { openSqliteStore } from './sqlite-store.ts'

const far = 'far.example'
const [from, to] = [name('alice@example.org'), name(`bob@${far}`)]
const file = process.argv[2]

if (file?.endsWith('.db')) await queueForever(file)
else {
  const rounds = process.env['VERONA_SOAK'] ? 60 : 3
  test(`after SIGKILL what was told queued waits, in order, exactly once (${rounds} times)`, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'verona-kill-'))
    for (let round = 0; round < rounds; round++) {
      const database = join(directory, `killed-${round}.db`)
      const after = 1 + randomBelow(800)
      await check(database, await killed(database, after), `killed after ${after} lines in round ${round}`)
    }
    rmSync(directory, { recursive: true })
  })
}

/** Prints `+n` once the n-th unit is told durable, `?n` before it asks to take it out, `-n` once that is told durable. */
async function queueForever(database: string): Promise<void> {
  const store = await openSqliteStore({ file: database })
  let count = 0
  // To a pipe this is synchronous: the line is out before what follows it happens.
  const say = (fault: Error | undefined, line: string): void => {
    if (fault !== undefined) throw fault
    process.stdout.write(`${line}\n`)
  }
  const burst = (): void => {
    for (let i = randomBelow(40); i >= 0; i--) {
      const n = String(++count)
      const raw = new Uint8Array(300)
      store.enqueue(far, { head: headOf(from, to, raw, { id: n }), raw }, count, (fault) =>
        say(fault, `+${n}`),
      )
    }
    void store.queued(far, 0, 30).then((units) => {
      for (const { sequence, head } of units) {
        if (randomBelow(2) > 0) continue
        say(undefined, `?${head.id}`)
        store.dequeue(far, [sequence], (fault) => say(fault, `-${head.id}`))
      }
      setTimeout(burst, randomBelow(3))
    })
  }
  burst()
}

type Told = Readonly<Record<'+' | '?' | '-', Set<string>>>

function killed(database: string, after: number): Promise<Told> {
  const { NODE_TEST_CONTEXT: _context, ...env } = process.env
  const child = spawn(process.execPath, [...process.execArgv, fileURLToPath(import.meta.url), database], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const told: Told = { '+': new Set(), '?': new Set(), '-': new Set() }
  let lines = 0
  return new Promise((resolve, reject) => {
    // What was printed before the kill and is read after it counts as well.
    createInterface({ input: child.stdout })
      .on('line', (line) => {
        told[line.charAt(0) as keyof Told].add(line.slice(1))
        if (++lines === after) child.kill('SIGKILL')
      })
      .on('close', () =>
        lines >= after ? resolve(told) : reject(new Error(`the child ended by itself after ${lines} lines`)),
      )
  })
}

async function check(database: string, told: Told, when: string): Promise<void> {
  const store = await openSqliteStore({ file: database })
  const units: QueuedUnit[] = await store.queued(far, 0, 1_000_000)
  const domains = await store.queuedDomains()
  await store.close()
  assert.equal(domains[0]?.count ?? 0, units.length, when)
  const ids = units.map(({ head }) => Number(head.id))
  assert.deepEqual(
    ids,
    [...new Set(ids)].sort((a, b) => a - b),
    `the order, ${when}`,
  )
  const waiting = new Set(units.map(({ head }) => head.id))
  for (const id of told['+']) if (!told['?'].has(id)) assert(waiting.has(id), `${id} is lost, ${when}`)
  for (const id of told['-']) assert(!waiting.has(id), `${id} waits though it was taken out, ${when}`)
}
