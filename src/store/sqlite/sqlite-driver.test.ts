import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { VirtualClock } from '#base'
import { ServiceError } from '#core'
import { append, markDelivered, name, record, rowOf, secretsOf } from '../conformance/samples.ts'
import { IdleCheckpoint, idleMilliseconds } from './idle-checkpoint.ts'
import { SqliteDriver } from './sqlite-driver.ts'
import { openSqliteStore } from './sqlite-store.ts'

const directory = mkdtempSync(join(tmpdir(), 'verona-driver-'))
after(() => rmSync(directory, { recursive: true }))
const [far, bob] = [name('far@example.net'), name('bob@example.org')]

function isFault(condition: string, words: RegExp): (error: unknown) => boolean {
  return (error) =>
    error instanceof ServiceError && error.condition === condition && words.test(error.message)
}

test('what was kept is there after the store is opened again', async () => {
  const file = join(directory, 'again.db')
  const first = await openSqliteStore({ file })
  await first.addAccounts([{ record: record(bob.key, '1001@example.org'), secrets: secretsOf('x') }])
  const row = rowOf(far, bob, { undelivered: true })
  await append(first, row)
  await first.close()
  const second = await openSqliteStore({ file })
  assert.deepEqual(await second.account(name('1001@example.org')), record(bob.key, '1001@example.org'))
  const [item] = await second.undelivered(bob, 0, 10)
  assert.deepEqual([item?.id, item?.head, item?.raw], [row.id, row.head, new Uint8Array(row.raw)])
  await markDelivered(second, bob, [row.id])
  await second.close()
})

test('a full disk is told to the caller; the store goes on, and takes more once there is room', async () => {
  const store = await openSqliteStore({ file: join(directory, 'full.db'), octetsMax: 600 * 1024 })
  await store.addAccounts([{ record: record(bob.key), secrets: secretsOf('x') }])
  const raw = new Uint8Array(50_000)
  const kept: string[] = []
  for (;;) {
    const row = rowOf(far, bob, { raw, forSender: false })
    try {
      await append(store, row)
    } catch (error) {
      assert(isFault('temporarily-unavailable', /full/)(error), String(error))
      break
    }
    kept.push(row.id)
    assert(kept.length < 50, 'the limit is met')
  }
  assert.deepEqual(
    (await store.history(bob, { limit: 100 })).map(({ id }) => id),
    kept,
  )
  assert.equal(await store.expireHistory(Number.MAX_SAFE_INTEGER), kept.length)
  await append(store, rowOf(far, bob, { raw, forSender: false }))
  await store.close()
})

test('a database that cannot be opened rejects with the reason', async () => {
  await assert.rejects(
    openSqliteStore({ file: join(directory, 'none', 'x.db') }),
    isFault('temporarily-unavailable', /check that its directory is there/),
  )
})

test('close answers all that was asked, though nothing had left the tick yet', async () => {
  const file = join(directory, 'closed.db')
  const store = await openSqliteStore({ file })
  await store.addAccounts([{ record: record(bob.key), secrets: secretsOf('x') }])
  let answered = 0
  for (let i = 0; i < 10_000; i++) {
    store.append(rowOf(far, bob, { forSender: false, raw: new Uint8Array(5) }), (fault) => {
      assert.equal(fault, undefined)
      answered++
    })
  }
  await Promise.all([store.close(), store.close()])
  assert.equal(answered, 10_000)
})

test('octets that are a window on a larger buffer are kept exactly, whatever it holds later', async () => {
  const store = await openSqliteStore({ file: join(directory, 'window.db') })
  await store.addAccounts([{ record: record(bob.key), secrets: secretsOf('x') }])
  const large = Buffer.alloc(65_536, 1)
  const row = rowOf(far, bob, { raw: large.subarray(100, 110), forSender: false })
  const appended = append(store, row)
  large.fill(9)
  await appended
  assert.deepEqual((await store.history(bob, { limit: 1 }))[0]?.raw, new Uint8Array(10).fill(1))
  await store.close()
})

test('the log is copied into the database once nothing was written for a second', () => {
  const clock = new VirtualClock()
  let times = 0
  const idle = new IdleCheckpoint(clock, () => times++)
  for (let i = 0; i < 10; i++) {
    idle.wrote()
    clock.advance(idleMilliseconds / 2)
  }
  assert.equal(times, 0)
  clock.advance(idleMilliseconds)
  assert.equal(times, 1)
  clock.advance(10 * idleMilliseconds)
  assert.equal(times, 1)
  idle.wrote()
  clock.advance(idleMilliseconds)
  assert.equal(times, 2)
  assert.equal(clock.pending, 0)
})

/** A thread in place of ours: it says it is open and does `what` with each message it gets. */
function threadThat(what: string): URL {
  const code = `import { parentPort } from 'node:worker_threads'
    parentPort.on('message', (message) => { ${what} })
    parentPort.postMessage({ kind: 'opened' })`
  return new URL(`data:text/javascript,${encodeURIComponent(code)}`)
}

function counted(driver: SqliteDriver): Promise<unknown> {
  return new Promise((resolve, reject) => {
    driver.call('countAccounts', [], (fault, result) =>
      fault === undefined ? resolve(result) : reject(fault),
    )
  })
}

for (const [what, how] of [
  ['throws', "throw new Error('out of memory')"],
  ['ends', 'process.exit()'],
] as const) {
  test(`when the thread ${what}, what was asked and what will be is refused, and close comes back`, async () => {
    const driver = await SqliteDriver.open({ file: 'none' }, threadThat(how))
    const lost = isFault('internal-fault', /the thread of the database ended/)
    const inFlight = counted(driver)
    await new Promise((resolve) => setImmediate(resolve))
    const queued = counted(driver)
    await assert.rejects(inFlight, lost)
    await assert.rejects(queued, lost)
    await assert.rejects(counted(driver), lost)
    await driver.close()
  })
}

test('one batch is in flight; all that is asked meanwhile is the next', async () => {
  const entry = threadThat(`
    if (message === 'close') { parentPort.postMessage({ kind: 'closed' }); parentPort.close() }
    else parentPort.postMessage({ kind: 'answers', results: message.map(() => message.length) })`)
  const driver = await SqliteDriver.open({ file: 'none' }, entry)
  const first = [counted(driver), counted(driver), counted(driver)]
  assert.deepEqual(await Promise.all([first[0]]), [3], 'all of a tick are one batch')
  const second = counted(driver)
  await new Promise((resolve) => setImmediate(resolve))
  const third = Array.from({ length: 5000 }, () => counted(driver))
  assert.equal(await second, 1)
  const answers = await Promise.all(third)
  assert.deepEqual([answers[0], answers[4095], answers[4096], answers[4999]], [4096, 4096, 904, 904])
  await driver.close()
})
