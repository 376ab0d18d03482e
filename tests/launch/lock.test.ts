import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { whileLocked } from '../../tools/launch/lock.js'

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'verona-lock-'))
  path = join(folder, 'deep', 'lock')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test('two who want the lock have it one after the other, and it is gone afterwards', async () => {
  const order: string[] = []
  const first = Promise.withResolvers<void>()
  const one = whileLocked(path, async () => {
    order.push('one begins')
    await first.promise
    order.push('one ends')
  })
  const two = whileLocked(path, async () => void order.push('two'))
  await new Promise((resolve) => setImmediate(resolve))
  first.resolve()
  await Promise.all([one, two])
  assert.deepEqual(order, ['one begins', 'one ends', 'two'])
  assert.equal(existsSync(path), false)
})

test('the lock is released when the work fails', async () => {
  await assert.rejects(
    whileLocked(path, () => Promise.reject(new Error('no'))),
    /no/,
  )
  assert.equal(await whileLocked(path, async () => 7), 7)
})

test('the lock of a process that is gone is taken over', async () => {
  await whileLocked(path, async () => undefined) // makes the folder
  const gone = spawnSync(process.execPath, ['-p', 'process.pid'], { encoding: 'utf8' }).stdout.trim()
  writeFileSync(path, `${gone} ${hostname()}`)
  assert.equal(await whileLocked(path, async () => 7), 7)
})

test('the lock of a living process id that nobody has touched for long is taken over', async () => {
  await whileLocked(path, async () => undefined)
  writeFileSync(path, `${process.ppid} ${hostname()}`)
  const longAgo = new Date(Date.now() - 3_600_000)
  utimesSync(path, longAgo, longAgo)
  assert.equal(await whileLocked(path, async () => 7), 7)
})
