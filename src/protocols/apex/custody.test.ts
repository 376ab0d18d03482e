// `ok` and what is kept (decisions 0139, 0143): what was accepted survives us, is offered once, and its report is the application's own word.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accepted } from '#core'
import { at, type Fixture, fixture, otherDevice, settled } from './testing/fixture.ts'
import { data, Hand } from './testing/hand.ts'
import { otherMessage } from './testing/other-message.ts'

const fred = 'fred@example.com'
const barney = 'barney@example.com'
const asks = "<option internal='statusRequest' transID='86' />"

async function attached(world: Fixture, user: string, subaddress = ''): Promise<Hand> {
  const hand = new Hand(world)
  await hand.signIn(user, `<attach endpoint='${user}${subaddress}@example.com' transID='1' />`)
  return hand
}

async function silent(world: Fixture, subaddress = ''): Promise<Hand> {
  const hand = new Hand(world)
  hand.answers = undefined
  await hand.signIn('barney', `<attach endpoint='barney${subaddress}@example.com' transID='1' />`)
  return hand
}

async function waiting(world: Fixture): Promise<number> {
  return (await world.service.store.undelivered(at(barney), 0, 10)).length
}

/** How many seconds pass until `ok`. */
async function okAfter(world: Fixture, hand: Hand, document: string): Promise<number> {
  let seconds = 0
  hand.timePasses = () => {
    world.clock.advance(1000)
    seconds++
  }
  assert.equal(await hand.say(document), '<ok />')
  return seconds
}

test('when `ok` is said the data is on the disk, though its application has not answered', async () => {
  const world = await fixture()
  const [one, other] = [await attached(world, 'fred'), await silent(world)]
  assert.equal(await okAfter(world, one, data(fred, barney, '<a />', asks)), 5)
  assert.equal(other.came.length, 1)
  assert.equal(await waiting(world), 1)
  assert.deepEqual(await one.hear(), [], 'nobody knows yet')
  other.answer('<ok />')
  assert.match((await one.hear()).join(), /transID='86'.*code='250'/)
  assert.equal(await waiting(world), 0)
})

test('an application that answers late has it: it is not offered again', async () => {
  const world = await fixture()
  const [one, other] = [await attached(world, 'fred'), await silent(world)]
  await okAfter(world, one, data(fred, barney, '<a />'))
  world.clock.advance(120_000)
  await settled()
  other.answer('<ok />')
  await settled()
  assert.equal(other.came.length, 1)
  other.drop()
  await settled()
  assert.deepEqual(await (await attached(world, 'barney')).hear(), [])
})

test('the same for what waited, and for what came by another protocol', async () => {
  const world = await fixture()
  const one = await attached(world, 'fred')
  await one.say(data(fred, barney, '<waited />'))
  const other = await silent(world)
  await settled()
  assert.equal(other.came.length, 1)
  world.clock.advance(40_000)
  await settled()
  other.answer('<ok />')
  await settled()
  assert.equal(await waiting(world), 0)
})

test('an application that goes without an answer: the data waits, and comes with the same identifier', async () => {
  const world = await fixture()
  const [one, other] = [await attached(world, 'fred'), await silent(world)]
  await okAfter(world, one, data(fred, barney, '<a />', asks))
  const [first] = other.came
  other.drop()
  assert.match((await one.hear()).join(), /code='350'/)
  const again = await attached(world, 'barney')
  assert.deepEqual(await again.hear(), [first?.body])
  assert.match((await one.hear()).join(), /code='250'/)
})

test('an application that says no for its person: the report says so once, and it is offered to nobody again', async () => {
  const world = await fixture()
  const [one, other] = [await attached(world, 'fred'), await attached(world, 'barney')]
  other.answers = "<error code='537'>no</error>"
  await one.say(data(fred, barney, '<a />', asks))
  const told = await one.hear()
  assert.equal(told.length, 1)
  assert.match(told[0] ?? '', /transID='86'.*code='537'/)
  assert.equal(other.came.length, 1)
  assert.equal(await waiting(world), 0)
})

test('of two applications of a person the one that takes it decides', async () => {
  const world = await fixture()
  const one = await attached(world, 'fred')
  const other = await silent(world)
  const third = await attached(world, 'barney', '/appl=im')
  await one.say(data(fred, barney, '<a />', asks))
  assert.match((await one.hear()).join(), /code='250'/)
  assert.equal(third.came.length, 1)
  other.answer('<ok />')
  assert.deepEqual(await one.hear(), [])
})

test('where a device of another protocol has it, it is delivered, whatever an application does', async () => {
  const world = await fixture()
  const [one, other] = [await attached(world, 'fred'), await silent(world)]
  const device = otherDevice(at(barney), (_envelope, _context, answer) => answer(accepted))
  world.service.messages.attach(device, () => {})
  await one.say(data(fred, barney, '<a />', asks))
  assert.match((await one.hear()).join(), /code='250'/)
  other.answer("<error code='450' />")
  assert.deepEqual(await one.hear(), [])
})

test('data that nobody holds: `ok` follows its answer, or ok_seconds, and it is lost with its application (§4.4.4.1)', async () => {
  const world = await fixture({ holdAlways: false })
  const [one, other] = [await attached(world, 'fred'), await silent(world)]
  assert.equal(await okAfter(world, one, data(fred, barney, '<a />', asks)), 5)
  assert.equal(await waiting(world), 0)
  other.drop()
  assert.match((await one.hear()).join(), /code='450'/)
})

test('a device of another protocol that thinks: after ok_seconds the data is on the disk, and `ok` is said', async () => {
  const world = await fixture()
  const one = await attached(world, 'fred')
  let answer = (): void => assert.fail('it is offered')
  const device = otherDevice(at(barney), (_envelope, _context, tell) => {
    answer = () => tell(accepted)
  })
  world.service.messages.attach(device, () => {})
  await settled()
  assert.equal(await okAfter(world, one, data(fred, barney, '<a />', asks)), 5)
  assert.equal(await waiting(world), 1)
  assert.deepEqual(await one.hear(), [])
  answer()
  assert.match((await one.hear()).join(), /transID='86'.*code='250'/)
  assert.equal(await waiting(world), 0)
})

test('one that answers at once: `ok` follows its answer, and nothing was written for it to survive', async () => {
  const world = await fixture()
  const one = await attached(world, 'fred')
  world.service.messages.attach(
    otherDevice(at(barney), (_envelope, _context, tell) => tell(accepted)),
    () => {},
  )
  await settled()
  const written: unknown[] = []
  const append = world.service.store.append.bind(world.service.store)
  world.service.store.append = (row, done) => {
    written.push(...row.entries.map(({ undelivered }) => undelivered))
    append(row, done)
  }
  assert.equal(await okAfter(world, one, data(fred, barney, '<a />')), 0)
  assert.ok(written.every((undelivered) => undelivered === false))
})

test('LIMIT: data that one application has not answered; it gets more once it answers', async () => {
  const world = await fixture()
  const [one, other] = [await attached(world, 'fred'), await silent(world)]
  const { messages } = world.service
  for (let at = 0; at < 1000; at++) {
    messages.send(otherMessage(fred, barney, `m${at}`), () => {})
    if (at % 20 === 0) await settled()
  }
  await one.say(data(fred, barney, '<a />', asks))
  assert.equal(other.came.length, 1000)
  assert.match((await one.hear()).join(), /code='350'/)
  for (let at = 0; at < 1000; at++) {
    other.answer('<ok />')
    // Within the window of BEEP.
    if (at % 20 === 0) await settled()
  }
  await settled()
  assert.match(other.came.at(-1)?.body ?? '', /<a \/>/)
  other.answer('<ok />')
  assert.match((await one.hear()).join(), /code='250'/)
})

test('an application that is silent, and no room to keep what it was given: after response_seconds it counts as not delivered', async () => {
  const world = await fixture({}, { undeliveredMax: 0 })
  const [one] = [await attached(world, 'fred'), await silent(world)]
  assert.equal(await okAfter(world, one, data(fred, barney, '<a />', asks)), 30)
  assert.match((await one.hear()).join(), /code='450'.*too much waits/)
})
