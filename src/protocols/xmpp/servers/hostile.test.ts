// Servers that want too much, and those that are not spoken with: refused, bounded, others unhurt.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HandServer } from '../testing/hand-server.ts'
import { type Certificate, capulet, type TwoServers, twoServers } from '../testing/two-servers.ts'

const mantua = 'mantua.example'
const bidi = "<bidi xmlns='urn:xmpp:bidi'/>"
const good = (name: string): Certificate => ({ names: [name], trusted: true })
const untrusted = (name: string): Certificate => ({ names: [name], trusted: false })

async function settle({ clock, here }: TwoServers, seconds = 3): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    await here.domain.settle()
    clock.advance(1000)
  }
  await here.domain.settle()
}

/** Romeo writes to Juliet; whether it comes. */
async function crosses(world: TwoServers): Promise<boolean> {
  const romeo = await world.here.domain.available('romeo', 'orchard')
  const juliet = await world.there.domain.available('juliet', 'balcony')
  romeo.send(`<message to='juliet@${capulet}' type='chat'><body>hark</body></message>`)
  await settle(world)
  return juliet.takeAll().some((text) => text.includes('hark'))
}

test('LIMIT: connections of one address that have proven nothing', async () => {
  const world = await twoServers({ serverStrangersPerAddressMax: 3 })
  const hands = Array.from({ length: 5 }, () =>
    HandServer.connected(world, world.there, { to: capulet, certificate: untrusted(mantua) }),
  )
  await settle(world, 0)
  assert.deepEqual(
    hands.map(({ closed }) => closed !== undefined),
    [false, false, false, true, true],
  )
  // Whoever proves nothing is gone in the end, and makes room.
  await settle(world, 70)
  const late = HandServer.connected(world, world.there, { to: capulet, certificate: untrusted(mantua) })
  await settle(world, 0)
  assert.equal(late.closed, undefined)
})

test('LIMIT: streams of one domain', async () => {
  const world = await twoServers({ serverStreamsOfDomainMax: 2 })
  const options = { from: mantua, to: capulet, certificate: good(mantua) }
  for (let k = 0; k < 2; k++) await HandServer.proven(world, world.there, options)
  const third = await HandServer.secured(world, world.there, options)
  await third.next()
  third.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>")
  await third.next()
  assert.match(await third.next(), /resource-constraint/)
})

test('LIMIT: a stanza before a proof, and one too large after it', async () => {
  const world = await twoServers()
  const options = { from: mantua, to: capulet, certificate: good(mantua) }
  const early = await HandServer.secured(world, world.there, options)
  await early.next()
  early.send(`<message><body>${'x'.repeat(20_000)}</body></message>`)
  assert.match(await early.next(), /policy-violation/)
  const late = await HandServer.proven(world, world.there, options)
  late.send(
    `<message from='a@${mantua}' to='juliet@${capulet}'><body>${'x'.repeat(300_000)}</body></message>`,
  )
  assert.match(await late.next(), /policy-violation/)
})

test('a server that floods is read at its pace, and others are not kept waiting', async () => {
  const world = await twoServers({ serverStanzasPerSecondMax: 10 })
  const nurse = await world.there.domain.available('nurse', 'kitchen')
  const flood = await HandServer.proven(world, world.there, {
    from: mantua,
    to: capulet,
    certificate: good(mantua),
  })
  for (let k = 0; k < 50; k++)
    flood.send(
      `<message from='a@${mantua}' to='nurse@${capulet}' type='chat'><body>flood ${k}</body></message>`,
    )
  await settle(world, 0)
  const first = nurse.takeAll().filter((text) => text.includes('flood')).length
  assert.ok(first <= 11, `${first} at once`)
  assert.equal(await crosses(world), true)
  await settle(world, 10)
  const later = nurse.takeAll().filter((text) => text.includes('flood')).length
  assert.equal(first + later, 50)
})

test('a domain that is not spoken with is told so at the door', async () => {
  const world = await twoServers()
  world.there.rules.policy = { ...world.there.rules.policy, allowed: false }
  const hand = HandServer.connected(world, world.there, {
    from: mantua,
    to: capulet,
    certificate: good(mantua),
  })
  hand.header()
  assert.match(await hand.next(), /policy-violation/)
})

/** [what the policy forbids, what is sent, the answer] */
const policies: [object, string, RegExp | undefined][] = [
  [
    { messages: false },
    `<message from='a@${mantua}' to='juliet@${capulet}' id='m' type='chat'><body>x</body></message>`,
    /type='error'.*not-allowed/,
  ],
  [{ presence: false }, `<presence from='a@${mantua}' to='juliet@${capulet}' type='subscribe'/>`, undefined],
]
for (const [forbidden, stanza, answer] of policies) {
  test(`policy ${JSON.stringify(forbidden)} holds for what comes`, async () => {
    const world = await twoServers()
    world.there.rules.policy = { ...world.there.rules.policy, ...forbidden }
    const juliet = await world.there.domain.available('juliet', 'balcony')
    const hand = await HandServer.secured(world, world.there, {
      from: mantua,
      to: capulet,
      certificate: good(mantua),
    })
    await hand.next()
    hand.send(`${bidi}<db:result from='${mantua}' to='${capulet}'>any</db:result>`)
    await hand.next()
    hand.send(stanza)
    await settle(world)
    assert.deepEqual(juliet.takeAll(), [])
    if (answer !== undefined) assert.match(await hand.next(), answer)
    else assert.deepEqual(hand.takeAll(), [])
  })
}
