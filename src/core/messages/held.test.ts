import assert from 'node:assert/strict'
import { test } from 'node:test'
import { text } from '#base'
import type { Report } from '#model'
import { accepted, type DeliveryAnswer, held } from '../agents.ts'
import { Device, declined, saysNo } from '../testing/devices.ts'
import { at, message, type Sketch } from '../testing/envelopes.ts'
import { createWorld, resident, send, settled, signIn, type World, wordOf } from '../testing/world.ts'

const romeo = 'romeo@verona.example'
const juliet = 'juliet@verona.example'
const accounts = [romeo, juliet]

const toJuliet = (id: string, more: Partial<Sketch> = {}): ReturnType<typeof message> =>
  message({ from: romeo, to: juliet, id, ...more })

/** A device that holds what it gets, until it is told what became of it. */
class Holder extends Device {
  readonly answers: ((answer: DeliveryAnswer) => void)[] = []

  constructor(owner: string, id?: string) {
    super(owner, id)
    this.onDeliver = (_, context, answer) => {
      if (context.copy === 'received') this.answers.push(answer)
      answer(held)
    }
  }

  async settle(world: World, how: DeliveryAnswer): Promise<void> {
    if (how.kind !== 'accepted') world.service.messages.detach(await resident(world, juliet), this)
    for (const answer of this.answers.splice(0)) answer(how)
  }
}

async function waiting(world: World): Promise<string[]> {
  const items = await world.store.undelivered(at(juliet), 0, 1000)
  return items.map(({ raw }) => text(raw))
}

for (const history of [true, false]) {
  test(`what a device has not acknowledged is delivered for its sender and survives us (history ${history})`, async () => {
    const world = await createWorld({ accounts, policy: { history } })
    const phone = new Holder(juliet)
    const account = await signIn(world, phone)
    assert.equal(wordOf(await send(world, toJuliet('1'))), 'delivered')
    assert.deepEqual(await waiting(world), ['1'])
    phone.settle(world, accepted)
    await settled()
    assert.deepEqual(await waiting(world), [])
    assert.equal(account.undelivered, 0)
    assert.equal(account.held.size, 0)
    assert.equal((await world.store.history(at(juliet), { limit: 10 })).length, history ? 1 : 0)
  })

  test(`what a lost device did not acknowledge waits for the next, in order, once (history ${history})`, async () => {
    const world = await createWorld({ accounts, policy: { history } })
    const phone = new Holder(juliet)
    const account = await signIn(world, phone)
    for (const id of ['1', '2', '3']) await send(world, toJuliet(id))
    phone.answers.shift()?.(accepted)
    phone.settle(world, declined('connection-failed'))
    await settled()
    assert.deepEqual(await waiting(world), ['2', '3'])
    const tablet = new Device(juliet, 'tablet')
    await signIn(world, tablet)
    await settled()
    assert.deepEqual(tablet.texts, ['2', '3'])
    assert.notEqual(tablet.received[0]?.context.storedAt, undefined)
    assert.deepEqual(await waiting(world), [])
    assert.equal(account.undelivered, 0)
  })
}

test('who comes while another device holds it does not get it, and gets it when that one is lost', async () => {
  const world = await createWorld({ accounts })
  const phone = new Holder(juliet)
  await signIn(world, phone)
  await send(world, toJuliet('1'))
  const tablet = new Device(juliet, 'tablet')
  await signIn(world, tablet)
  await settled()
  assert.deepEqual(tablet.texts, [])
  await phone.settle(world, declined('connection-failed'))
  await send(world, toJuliet('2'))
  await settled()
  assert.deepEqual(tablet.texts, ['1', '2'])
})

test('where another device took it, nothing waits for the one that holds it', async () => {
  const world = await createWorld({ accounts })
  const phone = new Holder(juliet)
  const tablet = new Device(juliet, 'tablet')
  await signIn(world, phone)
  await signIn(world, tablet)
  await send(world, toJuliet('1'))
  assert.deepEqual(await waiting(world), [])
  await phone.settle(world, declined('connection-failed'))
  await settled()
  assert.deepEqual(tablet.texts, ['1'])
})

test('of two that hold it, the loss of both and not of one makes it wait', async () => {
  const world = await createWorld({ accounts })
  const [phone, tablet] = [new Holder(juliet), new Holder(juliet, 'tablet')]
  const account = await signIn(world, phone)
  await signIn(world, tablet)
  await send(world, toJuliet('1'))
  await phone.settle(world, declined('connection-failed'))
  await settled()
  assert.deepEqual(tablet.texts, ['1'])
  assert.equal(account.held.size, 1)
  await tablet.settle(world, declined('connection-failed'))
  await settled()
  assert.equal(account.held.size, 0)
  assert.deepEqual(await waiting(world), ['1'])
})

test('a stored message that is held stays stored until it is acknowledged', async () => {
  const world = await createWorld({ accounts })
  await send(world, toJuliet('1'))
  const phone = new Holder(juliet)
  const account = await signIn(world, phone)
  await settled()
  assert.deepEqual(phone.texts, ['1'])
  world.service.messages.ready(account)
  await settled()
  assert.deepEqual(phone.texts, ['1'], 'it is not offered again meanwhile')
  assert.deepEqual(await waiting(world), ['1'])
  await phone.settle(world, accepted)
  world.service.messages.ready(account)
  await settled()
  assert.deepEqual(phone.texts, ['1'])
  assert.deepEqual(await waiting(world), [])
})

test('what nobody stores is delivered, and its loss is reported where its sender wants to know', async () => {
  const world = await createWorld({ accounts })
  const phone = new Holder(juliet)
  const asker = new Device(romeo)
  await signIn(world, phone)
  await signIn(world, asker)
  assert.equal(
    wordOf(await send(world, toJuliet('hint', { whenAbsent: 'drop', storable: false }))),
    'delivered',
  )
  assert.equal(
    wordOf(await send(world, toJuliet('now', { whenAbsent: 'refuse', storable: false }))),
    'delivered',
  )
  await phone.settle(world, declined('connection-failed'))
  await settled()
  const reports = asker.received
    .filter(({ envelope }) => envelope.head.kind === 'report')
    .map(({ envelope }) => envelope.view() as Report)
  assert.deepEqual(
    reports.map(({ about, event }) => [about, event]),
    [['now', 'failed']],
  )
})

test('what is acknowledged while a hand-over reads what waits is not offered again', async () => {
  const world = await createWorld({ accounts })
  const phone = new Holder(juliet)
  await signIn(world, phone)
  await send(world, toJuliet('1'))
  const read = world.store.undelivered.bind(world.store)
  let answer = (): void => assert.fail('nothing was read')
  world.store.undelivered = async (...what) => {
    const items = await read(...what)
    await new Promise<void>((resolve) => {
      answer = resolve
    })
    return items
  }
  const tablet = new Device(juliet, 'tablet')
  await signIn(world, tablet)
  await settled()
  await phone.settle(world, accepted)
  await settled()
  answer()
  await settled()
  assert.deepEqual([phone.texts, tablet.texts], [['1'], []])
})

for (const [what, waits] of [
  ['what came now', false],
  ['what had waited', true],
] as const)
  test(`${what}, was held and is refused then is offered to nobody again, and its sender hears so`, async () => {
    const world = await createWorld({ accounts })
    const asker = new Device(romeo)
    await signIn(world, asker)
    const phone = new Holder(juliet)
    if (waits) await send(world, toJuliet('1'))
    const account = await signIn(world, phone)
    if (!waits) await send(world, toJuliet('1'))
    await settled()
    for (const answer of phone.answers.splice(0)) answer(saysNo('permission-denied'))
    await settled()
    world.service.messages.ready(account)
    await settled()
    assert.deepEqual([phone.texts, await waiting(world), account.undelivered], [['1'], [], 0])
    const reports = asker.received
      .filter(({ envelope }) => envelope.head.kind === 'report')
      .map(({ envelope }) => envelope.view() as Report)
    assert.deepEqual(
      reports.map(({ about, event, condition }) => [about, event, condition]),
      [['1', 'failed', 'permission-denied']],
    )
  })
