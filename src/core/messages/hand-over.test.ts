import assert from 'node:assert/strict'
import { test } from 'node:test'
import { text } from '#base'
import type { Report } from '#model'
import { accepted, type DeliveryAnswer } from '../agents.ts'
import { Device, declined, saysNo } from '../testing/devices.ts'
import { at, message, type Sketch } from '../testing/envelopes.ts'
import { createWorld, resident, send, settled, signIn, type World, wordOf } from '../testing/world.ts'

const romeo = 'romeo@verona.example'
const juliet = 'juliet@verona.example'
const benvolio = 'benvolio@mantua.example'
const accounts = [romeo, juliet, benvolio]

const toJuliet = (id: string, more: Partial<Sketch> = {}): ReturnType<typeof message> =>
  message({ from: romeo, to: juliet, id, ...more })

async function history(world: World, owner: string): Promise<string[]> {
  const items = await world.store.history(at(owner), { limit: 1000 })
  return items.map(({ direction, raw }) => `${direction} ${text(raw)}`)
}

test('what waited is handed over in order, stamped, once, before what arrives meanwhile', async () => {
  const world = await createWorld({ accounts })
  for (let i = 0; i < 250; i++) void send(world, toJuliet(`${i}`))
  await settled()
  const nurse = new Device(juliet)
  const account = await signIn(world, nurse)
  assert.ok(account.flushing, 'the hand-over is under way')
  const during = ['a', 'b', 'c'].map((id) => send(world, toJuliet(id)))
  assert.deepEqual((await Promise.all(during)).map(wordOf), ['delivered', 'delivered', 'delivered'])
  assert.deepEqual(nurse.texts, [...Array.from({ length: 250 }, (_, i) => `${i}`), 'a', 'b', 'c'])
  assert.equal(nurse.received[0]?.context.storedAt, world.clock.now())
  assert.equal(nurse.received.at(-1)?.context.storedAt, undefined)
  assert.equal(account.undelivered, 0)
  world.service.messages.ready(account)
  await settled()
  assert.equal(nurse.received.length, 253)
})

test('what arrives during a hand-over keeps its order at a device that keeps none', async () => {
  const world = await createWorld({ accounts })
  await send(world, toJuliet('stored'))
  const phone = new Device(juliet)
  phone.keepsOrder = false
  let slowest = 5
  phone.onDeliver = (_, __, answer) => {
    let turns = slowest-- // the later one would be the quicker
    const wait = (): void => (turns-- > 0 ? void setImmediate(wait) : answer(accepted))
    wait()
  }
  const taken: string[] = []
  await signIn(world, phone)
  const during = ['a', 'b', 'c'].map((id) => send(world, toJuliet(id)).then(() => taken.push(id)))
  await Promise.all(during)
  assert.deepEqual(phone.texts, ['stored', 'a', 'b', 'c'])
  assert.deepEqual(taken, ['a', 'b', 'c'])
})

test('a device that becomes ready during a hand-over gets what the other declined', async () => {
  const world = await createWorld({ accounts })
  for (const id of ['1', '2']) await send(world, toJuliet(id))
  const picky = new Device(juliet, 'picky')
  picky.onDeliver = (_, __, answer) => void setImmediate(answer, declined())
  await signIn(world, picky)
  const able = new Device(juliet, 'able')
  await new Promise((resolve) => setImmediate(resolve))
  await signIn(world, able)
  await settled()
  await settled()
  assert.deepEqual(able.texts, ['1', '2'])
  assert.equal((await resident(world, juliet)).undelivered, 0)
})

test('who signs in while a phone thinks about a message gets it when the phone declines', async () => {
  const world = await createWorld({ accounts })
  const phone = new Device(juliet, 'phone')
  phone.keepsOrder = false
  let answerOfPhone: (answer: DeliveryAnswer) => void = () => assert.fail('not offered')
  phone.onDeliver = (_, __, answer) => {
    answerOfPhone = answer
  }
  await signIn(world, phone)
  const first = send(world, toJuliet('1'))
  const second = send(world, toJuliet('2'))
  const laptop = new Device(juliet, 'laptop')
  await signIn(world, laptop)
  phone.onDeliver = (_, __, answer) => answer(declined())
  answerOfPhone(declined('remote-timeout'))
  assert.equal(wordOf(await first), 'stored')
  assert.equal(wordOf(await second), 'delivered')
  await settled()
  assert.deepEqual(laptop.texts, ['1', '2'])
})

test('a stored message that the device refuses for its person is reported to its sender, once', async () => {
  const world = await createWorld({ accounts })
  await signIn(world, new Device(romeo, 'elsewhere', { messages: false }))
  await send(world, toJuliet('1', { fromAgent: 'pen' }))
  const pen = new Device(romeo, 'pen')
  await signIn(world, pen)
  const stern = new Device(juliet)
  stern.onDeliver = (_, __, answer) => answer(saysNo('permission-denied'))
  const account = await signIn(world, stern)
  await settled()
  world.service.messages.ready(account)
  await settled()
  assert.equal(stern.received.length, 1)
  assert.equal(pen.received.length, 1)
  const report = pen.received[0]?.envelope
  assert.equal(report?.head.kind, 'report')
  assert.deepEqual(report?.view() as Report, { about: '1', event: 'failed', condition: 'permission-denied' })
})

test('a report waits for its reader and none is made about a report', async () => {
  const world = await createWorld({ accounts })
  const { head } = toJuliet('1', { fromAgent: 'pen' })
  world.service.messages.report({ about: '1', event: 'failed', condition: 'remote-timeout' }, head)
  world.service.messages.report({ about: '1', event: 'failed' }, { ...head, kind: 'report' })
  await settled()
  const pen = new Device(romeo, 'pen')
  await signIn(world, pen)
  await settled()
  assert.equal(pen.received.length, 1)
  assert.deepEqual(pen.received[0]?.envelope.view(), {
    about: '1',
    event: 'failed',
    condition: 'remote-timeout',
  })
  assert.deepEqual(await history(world, romeo), [])
})

test('a stored message of a protocol that is not here holds back none of the others', async () => {
  const world = await createWorld({ accounts })
  await send(world, toJuliet('1', { protocol: 'forgotten' }))
  await send(world, toJuliet('2'))
  const nurse = new Device(juliet)
  await signIn(world, nurse)
  await settled()
  assert.deepEqual(nurse.texts, ['2'])
  assert.equal((await world.store.undelivered(at(juliet), 0, 10)).length, 1)
  assert.equal(world.faults.length, 1)
})

test('what is too large for a device waits for another, and is not offered to it at each login', async () => {
  const world = await createWorld({ accounts })
  await send(world, toJuliet('large'))
  const phoneOf = (octetsMax?: number): Device => {
    const phone = new Device(juliet, 'phone')
    if (octetsMax !== undefined) Object.assign(phone, { octetsMax })
    phone.onDeliver = (envelope, _, answer) =>
      answer(text(envelope.raw) === 'large' ? declined('message-too-large') : accepted)
    return phone
  }
  const first = phoneOf()
  const account = await signIn(world, first)
  await settled()
  assert.deepEqual(first.texts, ['large'])
  world.service.messages.detach(account, first)
  await send(world, toJuliet('small'))
  const again = phoneOf()
  await signIn(world, again)
  await settled()
  assert.deepEqual(again.texts, ['small'], 'what fits comes, what does not stays')
  const larger = phoneOf(1_000_000)
  await signIn(world, larger)
  await settled()
  assert.deepEqual(larger.texts, ['large'], 'the same device that takes more now is asked')
  const desk = new Device(juliet, 'desk')
  await signIn(world, desk)
  await settled()
  assert.deepEqual(desk.texts, ['large'])
  assert.deepEqual([account.undelivered, account.tooLarge.size], [0, 0])
})
