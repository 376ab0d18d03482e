// Attaching, terminating, and what an application may send (RFC 3340 §4.4.1, §4.4.3, §4.5.1; RFC 3342 §1).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fixture, settled } from './testing/fixture.ts'
import { data, Hand } from './testing/hand.ts'

const attachFred = "<attach endpoint='fred@example.com' transID='1' />"

test('an application attaches in the start of its channel (§4.2)', async () => {
  const hand = new Hand(await fixture())
  assert.equal(await hand.signIn('fred', attachFred), '<ok />')
})

test('an attach that fails fails inside the reply to start: the channel is there (RFC 3080 §3.1.1)', async () => {
  const hand = new Hand(await fixture())
  assert.match(await hand.signIn('fred', "<attach endpoint='wilma@example.com' transID='1' />"), /code='537'/)
  assert.equal(await hand.say(attachFred), '<ok />')
})

const rows: readonly (readonly [string, string, string])[] = [
  ['step 2: another domain', "<attach endpoint='fred@rubble.com' transID='1' />", '553'],
  ['step 3: another person', "<attach endpoint='wilma@example.com' transID='1' />", '537'],
  ['step 3: a service', "<attach endpoint='apex=report@example.com' transID='1' />", '537'],
  [
    'step 4: an option that must be understood',
    "<attach endpoint='fred@example.com' transID='1'><option internal='other' mustUnderstand='true' /></attach>",
    '504',
  ],
  ['§4.5.2: a relay', "<bind relay='example.com' transID='1' />", '537'],
  ['§4.4.3 step 2: no such operation', "<terminate transID='13' />", '550'],
  ['§10: no XML', '<attach', '500'],
  ['§10: no such element', '<hello />', '501'],
  ['§4.4.4.1 step 1: not attached', data('fred@example.com', 'wilma@example.com', '<a />'), '537'],
]

for (const [what, document, code] of rows) {
  test(`${what}: ${code}`, async () => {
    const hand = new Hand(await fixture())
    await hand.signIn('fred')
    assert.match(await hand.say(document), new RegExp(`^<error code='${code}'`))
  })
}

test('who has not logged in attaches as nobody: 530', async () => {
  const hand = new Hand(await fixture())
  await hand.open(1)
  assert.match(await hand.say(attachFred, 1), /^<error code='530'/)
})

test('a transaction-identifier that is in use on the channel: 555 (step 1)', async () => {
  const hand = new Hand(await fixture())
  await hand.signIn('fred', attachFred)
  assert.match(await hand.say("<attach endpoint='fred/appl=wb@example.com' transID='1' />"), /code='555'/)
  assert.equal(await hand.say("<attach endpoint='fred/appl=wb@example.com' transID='2' />"), '<ok />')
})

test('one application at a time is attached as an endpoint: 554 (step 5), until it terminates', async () => {
  const world = await fixture()
  const [one, other] = [new Hand(world), new Hand(world)]
  await one.signIn('fred', attachFred)
  assert.match(await other.signIn('fred', attachFred), /code='554'/)
  assert.equal(await one.say("<terminate transID='1' />"), '<ok />')
  assert.equal(await other.say(attachFred), '<ok />')
})

test('attachOverride throws the former out with 556 (RFC 3342 §1)', async () => {
  const world = await fixture()
  const [one, other] = [new Hand(world), new Hand(world)]
  await one.signIn('fred', attachFred)
  const override =
    "<attach endpoint='fred@example.com' transID='2'><option internal='attachOverride' transID='3' /></attach>"
  assert.equal(await other.signIn('fred', override), '<ok />')
  assert.deepEqual(await one.hear(), ["<terminate transID='1' code='556'>overridden</terminate>"])
  assert.match(await one.say("<terminate transID='1' />"), /code='550'/)
})

test('terminate with 0 ends all attachments of the session, on all its channels (§4.4.3)', async () => {
  const world = await fixture()
  const hand = new Hand(world)
  await hand.signIn('fred', attachFred)
  await hand.open(5, "<attach endpoint='fred/appl=wb@example.com' transID='1' />")
  assert.equal(world.relay.endpoints.all().length, 2)
  assert.equal(await hand.say('<terminate />'), '<ok />')
  assert.equal(world.relay.endpoints.all().length, 0)
})

test('an attachment ends with its session', async () => {
  const world = await fixture()
  const hand = new Hand(world)
  await hand.signIn('fred', attachFred)
  hand.drop()
  await settled()
  assert.equal(world.relay.endpoints.all().length, 0)
})

test('an account that is removed is told so (421) and is attached no more', async () => {
  const world = await fixture()
  const hand = new Hand(world)
  await hand.signIn('fred', attachFred)
  const [attachment] = world.relay.endpoints.all()
  attachment?.signOut('target-unknown')
  assert.match((await hand.hear()).join(), /<terminate transID='1' code='421'>/)
})

test('LIMIT: attachments of one session: 554', async () => {
  const hand = new Hand(await fixture({ attachmentsMax: 1 }))
  await hand.signIn('fred', attachFred)
  assert.match(await hand.say("<attach endpoint='fred/a@example.com' transID='2' />"), /code='554'/)
})
