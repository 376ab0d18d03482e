import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ServiceError } from '../service-error.ts'
import { Device } from '../testing/devices.ts'
import { message, type Sketch } from '../testing/envelopes.ts'
import { failingStore } from '../testing/failing-store.ts'
import { createWorld, resident, send, settled, signIn, wordOf } from '../testing/world.ts'

const romeo = 'romeo@verona.example'
const juliet = 'juliet@verona.example'
const benvolio = 'benvolio@mantua.example'
const accounts = [romeo, juliet, benvolio]

const toJuliet = (id: string, more: Partial<Sketch> = {}): ReturnType<typeof message> =>
  message({ from: romeo, to: juliet, id, ...more })

test('what the store cannot keep is not acknowledged, and the mailbox does not count it', async () => {
  const append = failingStore('append')
  const world = await createWorld({ accounts, store: append.through })
  append.fault = new Error('the disk is full')
  assert.equal(wordOf(await send(world, toJuliet('1'))), 'internal-fault')
  assert.equal((await resident(world, juliet)).undelivered, 0)
  append.fault = new ServiceError('target-unknown', 'the account is gone')
  assert.equal(wordOf(await send(world, toJuliet('2'))), 'target-unknown')
  append.fault = undefined
  const nurse = new Device(juliet)
  await signIn(world, nurse)
  append.fault = new Error('the disk is full')
  assert.equal(wordOf(await send(world, toJuliet('3'))), 'internal-fault')
})

test('what a device took is not offered again though the store could not note it', async () => {
  const marks = failingStore('markDelivered')
  const world = await createWorld({ accounts, store: marks.through })
  for (const id of ['1', '2']) await send(world, toJuliet(id))
  const nurse = new Device(juliet)
  marks.fault = new Error('the disk is full')
  const account = await signIn(world, nurse)
  await settled()
  assert.equal(world.faults.length, 1)
  assert.equal(account.undelivered, 2)
  marks.fault = undefined
  await send(world, toJuliet('3'))
  world.service.messages.ready(account)
  await settled()
  assert.deepEqual(nurse.texts, ['1', '2', '3'])
  assert.equal(account.undelivered, 0)
  assert.equal(account.unmarked.size, 0)
})

test('a hand-over that the store cut short is taken up at the next chance, and what arrived meanwhile is delivered', async () => {
  const reads = failingStore('undelivered')
  const world = await createWorld({ accounts, store: reads.through })
  await send(world, toJuliet('1'))
  const nurse = new Device(juliet)
  reads.fault = new Error('the disk is away')
  const account = await signIn(world, nurse)
  assert.equal(wordOf(await send(world, toJuliet('2'))), 'delivered')
  reads.fault = undefined
  world.service.messages.ready(account)
  await settled()
  assert.deepEqual(nurse.texts, ['2', '1'])
})

test('an account that cannot be loaded is a fault to the sender, not an unknown person', async () => {
  const load = failingStore('accountState')
  const world = await createWorld({ accounts, store: load.through })
  load.fault = new Error('the disk is away')
  assert.equal(wordOf(await send(world, toJuliet('1'))), 'internal-fault')
  load.fault = undefined
  assert.equal(wordOf(await send(world, toJuliet('2'))), 'stored')
})
