// What outlives this process (decision 0139): a second relay begins on the store of one that was killed.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accepted } from '#core'
import { createMemoryStore } from '#store'
import { at, type Fixture, fixture, otherDevice, settled } from './testing/fixture.ts'
import { data, Hand } from './testing/hand.ts'

const fred = 'fred@example.com'
const barney = 'barney@example.com'

async function attached(world: Fixture, user: string): Promise<Hand> {
  const hand = new Hand(world)
  await hand.signIn(user)
  await hand.say(`<attach endpoint='${user}@example.com' transID='1' />`)
  return hand
}

/** Nothing is ended: the process is gone. `again` begins on the same store at the same moment. */
async function killable(): Promise<{ world: Fixture; again: () => Promise<Fixture> }> {
  const store = createMemoryStore()
  const world = await fixture({}, { store })
  const { clock } = world
  return {
    world,
    again: async () => {
      const next = await fixture({}, { store, clock })
      await next.relay.restore()
      await settled()
      return next
    },
  }
}

test('data that was accepted and whose application had not answered comes, and its report', async () => {
  const { world, again } = await killable()
  const one = await attached(world, 'fred')
  const other = new Hand(world)
  other.answers = undefined
  await other.signIn('barney', `<attach endpoint='${barney}' transID='1' />`)
  const sent = data(fred, barney, '<a />', "<option internal='statusRequest' transID='86' />")
  one.timePasses = () => world.clock.advance(1000)
  assert.equal(await one.say(sent), '<ok />')
  const next = await again()
  const origin = await attached(next, 'fred')
  assert.deepEqual(await (await attached(next, 'barney')).hear(), [sent])
  assert.match((await origin.hear()).join(), /transID='86'.*code='250'/)
})

const subscribe = (seconds: number, id = 7): string =>
  `<subscribe publisher='${barney}' duration='${seconds}' transID='${id}' />`
const service = 'apex=presence@example.com'

async function published(world: Fixture, hand: Hand): Promise<void> {
  await hand.say(data(barney, service, `<subscribe publisher='${barney}' duration='0' transID='1' />`))
  const stamp = /lastUpdate='([^']*)'/.exec((await hand.hear()).join())?.[1] ?? ''
  const until = new Date(world.clock.now() + 3_600_000).toISOString()
  const entry = `<presence publisher='${barney}' lastUpdate='${stamp}'><tuple destination='apex:${barney}' availableUntil='${until}' /></presence>`
  await hand.say(
    data(
      barney,
      service,
      `<publish publisher='${barney}' transID='2' timeStamp='2026-01-01T00:00:00Z'>${entry}</publish>`,
    ),
  )
  assert.match((await hand.hear()).join(), /code='250'/)
}

test('a subscription goes on: its originator hears how things stand, and of changes, until it terminates (RFC 3343 §4)', async () => {
  const { world, again } = await killable()
  const one = await attached(world, 'fred')
  await one.say(data(fred, service, subscribe(600)))
  assert.match((await one.hear()).join(), /<publish .*transID='7'/)
  const next = await again()
  const same = await attached(next, 'fred')
  assert.match((await same.hear()).join(), /<publish .*transID='7'/)
  await published(next, await attached(next, 'barney'))
  assert.match((await same.hear()).join(), /<publish .*transID='7'.*apex:barney@example.com/)
  await same.say(data(fred, service, "<terminate transID='7' />"))
  assert.match((await same.hear()).join(), /code='250' transID='7'/)
  const third = await again()
  assert.deepEqual(await (await attached(third, 'fred')).hear(), [])
})

test('a subscription ends at its time, also when that falls into another life', async () => {
  const { world, again } = await killable()
  const one = await attached(world, 'fred')
  await one.say(data(fred, service, subscribe(600)))
  world.clock.advance(400_000)
  const next = await again()
  const same = await attached(next, 'fred')
  await same.hear()
  next.clock.advance(201_000)
  assert.match((await same.hear()).join(), /<terminate transID='7' \/>/)
  assert.deepEqual(await next.service.store.subscriptions('apex-edge'), [])
})

test('what ran out while nobody was here does not begin again', async () => {
  const { world, again } = await killable()
  await (await attached(world, 'fred')).say(data(fred, service, subscribe(600)))
  await settled()
  world.clock.advance(700_000)
  const next = await again()
  assert.deepEqual(await (await attached(next, 'fred')).hear(), [])
  assert.deepEqual(await next.service.store.subscriptions('apex-edge'), [])
})

test('a watch operation goes on (RFC 3343 §4.3)', async () => {
  const { world, again } = await killable()
  const owner = await attached(world, 'barney')
  await owner.say(data(barney, service, `<watch publisher='${barney}' duration='600' transID='9' />`))
  assert.match((await owner.hear()).join(), /code='250' transID='9'/)
  const next = await again()
  const same = await attached(next, 'barney')
  await same.hear()
  const one = await attached(next, 'fred')
  await one.say(data(fred, service, subscribe(300)))
  assert.match((await same.hear()).join(), /<notify subscriber='fred@example.com' transID='9'.*subscribe/)
})

const timing = (attributes: string): string =>
  `<option internal='dataTiming' targetHop='all' mustUnderstand='true' transID='5'><dataTiming ${attributes} /></option>`

test('the times of held data run on: its end is reported in the next life (RFC 3342 §2.1)', async () => {
  const { world, again } = await killable()
  const one = await attached(world, 'fred')
  await one.say(data(fred, barney, '<a />', timing("noLaterThan='60000' reportErrors='true'")))
  await settled()
  world.clock.advance(20_000)
  const next = await again()
  const same = await attached(next, 'fred')
  next.clock.advance(39_000)
  assert.deepEqual(await same.hear(), [])
  next.clock.advance(1000)
  assert.match((await same.hear()).join(), /transID='5'.*code='550'/)
  assert.deepEqual(await (await attached(next, 'barney')).hear(), [])
  assert.deepEqual(await next.service.store.subscriptions('apex-held'), [])
})

test('what is delivered in the next life is reported, and its end is not', async () => {
  const { world, again } = await killable()
  const one = await attached(world, 'fred')
  const options = timing("noLaterThan='60000' returnTrip='60000' reportErrors='true'")
  await one.say(data(fred, barney, '<a />', options))
  await settled()
  const next = await again()
  const same = await attached(next, 'fred')
  assert.equal((await (await attached(next, 'barney')).hear()).length, 1)
  assert.match((await same.hear()).join(), /transID='5'.*code='250'/)
  next.clock.advance(90_000)
  assert.deepEqual(await same.hear(), [])
})

test('a report for who is not attached waits for him, also over a restart, and comes once (RFC 3340 §6.2)', async () => {
  const { world, again } = await killable()
  const one = await attached(world, 'fred')
  const asks = "<option internal='statusRequest' transID='86' />"
  await one.say(data(fred, barney, '<a />', asks))
  assert.match((await one.hear()).join(), /code='350'/)
  one.drop()
  await settled()
  await attached(world, 'barney')
  await settled()
  const next = await again()
  assert.match((await (await attached(next, 'fred')).hear()).join(), /transID='86'.*code='250'/)
  next.edge.stop()
  await settled()
  const third = await again()
  assert.deepEqual(await (await attached(third, 'fred')).hear(), [])
})

test('data that nobody is to hold: whoever asked for a report on it hears after a kill that nothing came of it', async () => {
  const store = createMemoryStore()
  const world = await fixture({ holdAlways: false }, { store })
  const one = await attached(world, 'fred')
  const other = new Hand(world)
  other.answers = undefined
  await other.signIn('barney', `<attach endpoint='${barney}' transID='1' />`)
  one.timePasses = () => world.clock.advance(1000)
  const asks = "<option internal='statusRequest' transID='86' />"
  assert.equal(await one.say(data(fred, barney, '<a />', asks)), '<ok />')
  const next = await fixture({ holdAlways: false }, { store, clock: world.clock })
  await next.relay.restore()
  await settled()
  const same = await attached(next, 'fred')
  assert.match((await same.hear()).join(), /transID='86'.*code='451'/)
  assert.deepEqual(await store.subscriptions('apex-promised'), [])
})

test('one whose outcome was told has no promise left', async () => {
  const store = createMemoryStore()
  const world = await fixture({ holdAlways: false }, { store })
  const one = await attached(world, 'fred')
  const other = new Hand(world)
  other.answers = undefined
  await other.signIn('barney', `<attach endpoint='${barney}' transID='1' />`)
  one.timePasses = () => world.clock.advance(1000)
  await one.say(data(fred, barney, '<a />', "<option internal='statusRequest' transID='86' />"))
  assert.equal((await store.subscriptions('apex-promised')).length, 1)
  other.answer('<ok />')
  assert.match((await one.hear()).join(), /transID='86'.*code='250'/)
  assert.deepEqual(await store.subscriptions('apex-promised'), [])
})

test('what a device of another protocol takes in the next life is reported by the transID that asked', async () => {
  const { world, again } = await killable()
  const one = await attached(world, 'fred')
  const asks = "<option internal='statusRequest' transID='86' />"
  await one.say(data(fred, barney, '<a />', asks))
  assert.match((await one.hear()).join(), /code='350'/)
  const next = await again()
  const same = await attached(next, 'fred')
  const device = otherDevice(at(barney), (_envelope, _context, tell) => tell(accepted))
  next.service.messages.attach(device, (account) => {
    if (!('kind' in account)) next.service.messages.ready(account)
  })
  assert.match((await same.hear()).join(), /transID='86'.*code='250'/)
})
