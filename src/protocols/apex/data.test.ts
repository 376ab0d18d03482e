// Data at our relay: to applications, options and reports (RFC 3340 §4.4.4.1, §5; RFC 3342 §2 to §4).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accepted } from '#core'
import type { InstantMessage } from '#model'
import { at, type Fixture, fixture, otherDevice, settled } from './testing/fixture.ts'
import { data, Hand, talk } from './testing/hand.ts'

async function attached(world: Fixture, user: string, subaddress = ''): Promise<Hand> {
  const hand = new Hand(world)
  await hand.signIn(user, `<attach endpoint='${user}${subaddress}@example.com' transID='1' />`)
  return hand
}

function statusRequest(transId: number, more = ''): string {
  return `<option internal='statusRequest' transID='${transId}' mustUnderstand='true' ${more}/>`
}

const fred = 'fred@example.com'
const barney = 'barney@example.com'

test('data comes to who is attached octet for octet', async () => {
  const world = await fixture()
  const one = await attached(world, 'fred')
  const other = await attached(world, 'barney')
  const payload = talk(fred, barney, 'Yabba\r\n  dabba é')
  assert.equal(await one.sayPayload(payload), '<ok />')
  await settled()
  assert.equal(other.came[0]?.body, payload.slice(payload.indexOf('\r\n\r\n') + 4))
  assert.equal(other.came[0]?.type, /^Content-Type: (.*)\r\n/.exec(payload)?.[1])
})

test('a Content-Type that is folded before its first word is one like another (RFC 3080 §2.2)', async () => {
  const world = await fixture()
  const one = await attached(world, 'fred')
  const payload = talk(fred, barney, 'Yabba').replace(
    'Content-Type: multipart',
    'Content-Type:\r\n multipart',
  )
  assert.equal(await one.sayPayload(payload), '<ok />')
  // It waited on the disk, and is read again.
  const other = await attached(world, 'barney')
  await settled()
  assert.match(other.came[0]?.body ?? '', /Yabba/)
})

for (const [what, field] of [
  ['control characters', 'X: a\u0007b'],
  ['more characters than a line may have', `X: ${'x'.repeat(2500)}`],
] as const) {
  test(`an entity header with ${what} is refused, and the session goes on: 500`, async () => {
    const one = await attached(await fixture(), 'fred')
    assert.match(await one.sayPayload(`${field}\r\n${talk(fred, barney, 'Yabba')}`), /code='500'/)
    assert.equal(await one.sayPayload(talk(fred, barney, 'dabba')), '<ok />')
  })
}

test('of several recipients each gets its own alone, and nothing else is changed', async () => {
  const world = await fixture()
  const one = await attached(world, 'fred')
  const [two, three] = [await attached(world, 'barney'), await attached(world, 'wilma')]
  await one.say(data(fred, `${barney} wilma@example.com`, '<x:a xmlns:x="urn:x"> &amp; </x:a>'))
  assert.deepEqual(await two.hear(), [data(fred, barney, '<x:a xmlns:x="urn:x"> &amp; </x:a>')])
  assert.deepEqual(await three.hear(), [
    data(fred, 'wilma@example.com', '<x:a xmlns:x="urn:x"> &amp; </x:a>'),
  ])
})

test('statusRequest is answered with 250 once the application has taken it (§5.1)', async () => {
  const world = await fixture()
  const one = await attached(world, 'fred')
  await attached(world, 'barney')
  await one.say(data(fred, barney, '<a />', statusRequest(86)))
  assert.deepEqual(await one.hear(), [
    data(
      'apex=report@example.com',
      fred,
      `<statusResponse transID='86'><destination identity='${barney}'><reply code='250' /></destination></statusResponse>`,
    ),
  ])
})

test('statusRequest for whom nobody knows: 550', async () => {
  const one = await attached(await fixture(), 'fred')
  await one.say(data(fred, 'pebbles@example.com', '<a />', statusRequest(86)))
  assert.match((await one.hear()).join(), /transID='86'.*pebbles@example.com.*code='550'/)
})

test('an application that answers error has not taken it: its code', async () => {
  const world = await fixture({ holdAlways: false })
  const one = await attached(world, 'fred')
  const other = await attached(world, 'barney')
  other.answers = "<error code='537'>no</error>"
  await one.say(data(fred, barney, '<a />', statusRequest(86)))
  assert.match((await one.hear()).join(), /code='537'/)
})

test('without holding, data for who is not attached is not delivered: 450', async () => {
  const world = await fixture({ holdAlways: false })
  const one = await attached(world, 'fred')
  assert.equal(await one.say(data(fred, barney, '<a />', statusRequest(86))), '<ok />')
  assert.match((await one.hear()).join(), /code='450'/)
  assert.deepEqual(await (await attached(world, 'barney')).hear(), [])
})

test('hold4Endpoint: data waits, 350 says so, and 250 when it was taken (RFC 3342 §3)', async () => {
  const world = await fixture({ holdAlways: false })
  const one = await attached(world, 'fred')
  const timing =
    "<option internal='dataTiming' targetHop='all' mustUnderstand='true' transID='7'><dataTiming noLaterThan='60000' /></option>"
  const held = data(fred, barney, '<a />', `<option internal='hold4Endpoint' />${timing}${statusRequest(86)}`)
  await one.say(held)
  assert.match((await one.hear()).join(), /transID='86'.*code='350'/)
  world.clock.advance(42_000)
  const other = await attached(world, 'barney')
  assert.deepEqual(await other.hear(), [held.replace("noLaterThan='60000'", "noLaterThan='18000'")])
  assert.match((await one.hear()).join(), /transID='86'.*code='250'/)
})

test('noLaterThan: what is held longer is reported with 550 and not delivered (RFC 3342 §2.1)', async () => {
  const world = await fixture()
  const one = await attached(world, 'fred')
  const timing =
    "<option internal='dataTiming' targetHop='all' mustUnderstand='true' transID='86'><dataTiming noLaterThan='6000' reportErrors='true' /></option>"
  await one.say(data(fred, barney, '<a />', timing))
  await settled()
  world.clock.advance(6000)
  assert.match((await one.hear()).join(), /transID='86'.*code='550'/)
  const other = await attached(world, 'barney')
  assert.deepEqual(await other.hear(), [])
})

test('returnTrip: the final hop says that it was delivered, with the time for its own way (RFC 3342 §2.1.1)', async () => {
  const world = await fixture()
  const one = await attached(world, 'fred')
  await attached(world, 'barney')
  const timing =
    "<option internal='dataTiming' targetHop='all' mustUnderstand='true' transID='86'><dataTiming noLaterThan='10000' returnTrip='20000' /></option>"
  await one.say(data(fred, barney, '<a />', timing))
  assert.match((await one.hear()).join(), /<dataTiming noLaterThan='20000' \/>.*transID='86'.*code='250'/)
})

test('reportAfter: a slow application is reported with 350, and its delivery is not affected (RFC 3342 §2.2)', async () => {
  const world = await fixture()
  const one = await attached(world, 'fred')
  const other = await attached(world, 'barney')
  other.answers = undefined
  const timing =
    "<option internal='dataTiming' targetHop='all' mustUnderstand='true' transID='86'><dataTiming reportAfter='5000' /></option>"
  const said = one.say(data(fred, barney, '<a />', timing))
  assert.deepEqual(await one.hear(), [])
  world.clock.advance(5000)
  assert.equal(await said, '<ok />')
  assert.match((await one.hear()).join(), /transID='86'.*code='350'/)
})

const unknown = (targetHop: string): string =>
  `<option external='http://example.com/x' transID='1' mustUnderstand='true' targetHop='${targetHop}' />`

for (const hop of ['this', 'final', 'all']) {
  test(`an option that must be understood and is for ${hop} of the relays: 504 (§5)`, async () => {
    const one = await attached(await fixture(), 'fred')
    assert.match(await one.say(data(fred, barney, '<a />', unknown(hop))), /code='504'/)
  })
}

test('mustUnderstand is consulted only where the option applies (§5)', async () => {
  const world = await fixture()
  world.relay.mesh = {
    freshMark: () => '',
    post: () => {},
    whenHeardOf: () => () => {},
    carries: async () => true,
    pass: () => {},
  }
  const one = await attached(world, 'fred')
  assert.equal(await one.say(data(fred, 'betty@rubble.com', '<a />', unknown('final'))), '<ok />')
})

test('what leaves by another protocol has passed its last relay: that is us, and we report', async () => {
  const one = await attached(await fixture(), 'fred')
  assert.match(await one.say(data(fred, 'betty@rubble.com', '<a />', unknown('final'))), /code='504'/)
  await one.say(data(fred, 'betty@rubble.com', '<a />', statusRequest(5)))
  assert.match((await one.hear()).join(), /apex=report@example.com.*betty@rubble.com.*code='550'/)
})

test('dataHopping: no hop is left for another domain: 550 (RFC 3342 §4)', async () => {
  const one = await attached(await fixture(), 'fred')
  const hopping =
    "<option internal='dataHopping' targetHop='all' mustUnderstand='true' transID='9'><dataHopping noMoreThan='1' reportErrors='true' /></option>"
  await one.say(data(fred, 'betty@rubble.com', '<a />', hopping))
  assert.match((await one.hear()).join(), /transID='9'.*code='550'/)
})

test('an option that need not be understood is left where it is', async () => {
  const world = await fixture()
  const one = await attached(world, 'fred')
  const other = await attached(world, 'barney')
  const document = data(fred, barney, '<a />', "<option external='urn:x' transID='1' />")
  await one.say(document)
  assert.deepEqual(await other.hear(), [document])
})

test('statusRequest in data that carries a statusResponse is not answered (§5.1)', async () => {
  const world = await fixture()
  const one = await attached(world, 'fred')
  await attached(world, 'barney')
  const report =
    "<statusResponse transID='1'><destination identity='a@b'><reply code='250' /></destination></statusResponse>"
  await one.say(data(fred, barney, report, statusRequest(86)))
  assert.deepEqual(await one.hear(), [])
})

test('a subaddress is an application of its own: who is not attached as it gets nothing (§2.2)', async () => {
  const world = await fixture()
  const one = await attached(world, 'fred')
  const talks = await attached(world, 'barney')
  const board = await attached(world, 'barney', '/appl=wb')
  await one.say(data(fred, 'barney/appl=wb@example.com', '<line />'))
  assert.deepEqual(await talks.hear(), [])
  assert.equal((await board.hear()).length, 1)
  board.drop()
  await settled()
  await one.say(data(fred, 'barney/appl=wb@example.com', '<line />', statusRequest(5)))
  assert.match((await one.hear()).join(), /code='450'/)
})

test('data for a person comes to devices of other protocols as what it says', async () => {
  const world = await fixture()
  const one = await attached(world, 'fred')
  const got: InstantMessage[] = []
  const device = otherDevice(at(barney), (envelope, _context, answer) => {
    got.push(envelope.view() as InstantMessage)
    answer(accepted)
  })
  world.service.messages.attach(device, () => {})
  await one.sayPayload(talk(fred, barney, 'Yabba dabba doo'))
  assert.deepEqual(
    got.map(({ body, id }) => [body[0]?.text, id]),
    [['Yabba dabba doo', '2@example.com']],
  )
})

test('who is blocked is refused visibly, but only to who asks (537)', async () => {
  const world = await fixture()
  const one = await attached(world, 'fred')
  world.service.contacts.setRule(
    at(barney),
    { subject: fred, action: 'polite-block', visibility: 'full' },
    () => {},
  )
  await one.say(data(fred, barney, '<a />', statusRequest(86)))
  assert.match((await one.hear()).join(), /code='537'/)
})
