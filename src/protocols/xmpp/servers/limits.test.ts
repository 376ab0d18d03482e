// What another server says that it takes (XEP-0478): what is larger is refused to its sender and ends nothing; a stream is closed before
// it would be cut.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HandServer } from '../testing/hand-server.ts'
import { capulet, montague, type TwoServers, twoServers } from '../testing/two-servers.ts'
import { Channel } from './channel.ts'

const body = 'x'.repeat(12_000)

async function settle({ clock, here }: TwoServers, seconds = 3): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    await here.domain.settle()
    clock.advance(1000)
  }
  await here.domain.settle()
}

/** [what, what Romeo sends, what he is told] */
const rows: [string, string, RegExp][] = [
  [
    'a message',
    `<message to='juliet@${capulet}' id='big' type='chat'><body>${body}</body></message>`,
    /<message[^>]*type='error'[^>]*id='big'.*<error type='modify'><policy-violation/,
  ],
  [
    'a request',
    `<iq to='juliet@${capulet}/balcony' id='big' type='set'><query xmlns='urn:example:q'>${body}</query></iq>`,
    /<iq[^>]*type='error'[^>]*id='big'.*<error type='modify'><policy-violation/,
  ],
]
for (const [what, sent, told] of rows)
  test(`${what} that is larger than the other server takes is refused to its sender, and the stream lives on (XEP-0478 §4)`, async () => {
    const world = await twoServers({}, { stanzaOctetsMax: 10_000 })
    const romeo = await world.here.domain.available('romeo', 'orchard')
    const juliet = await world.there.domain.available('juliet', 'balcony')
    const say = (text: string): void =>
      romeo.send(`<message to='juliet@${capulet}' type='chat'><body>${text}</body></message>`)
    say('before')
    romeo.send(sent)
    await settle(world)
    say('behind')
    await settle(world)
    const heard = juliet.takeAll().join()
    assert.match(heard, /before.*behind/s)
    assert.ok(!heard.includes(body))
    assert.match(romeo.takeAll().join(), told)
    assert.deepEqual(
      world.here.servers.status().map(({ lastError }) => lastError),
      [''],
    )
  })

/** Montague, by hand, which may be written to on its own stream and says what it takes. */
async function montagueSays(world: TwoServers, limits: string): Promise<HandServer> {
  const options = { from: montague, to: capulet, certificate: { names: [montague], trusted: true } }
  const hand = await HandServer.secured(world, world.there, options)
  await hand.next()
  hand.send(`<bidi xmlns='urn:xmpp:bidi'><limits xmlns='urn:xmpp:stream-limits:0'>${limits}</limits></bidi>`)
  hand.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>")
  await hand.next()
  hand.header()
  await hand.next()
  await settle(world)
  return hand
}

/** [what it says, octets of the body, whether it comes] */
const told: [string, number, boolean][] = [
  ['<max-bytes>1000</max-bytes>', 500, true],
  ['<max-bytes>1000</max-bytes>', 1000, false],
  ['<idle-seconds>100</idle-seconds>', 1000, true],
  ['<max-bytes>0</max-bytes>', 1000, true],
  ['<max-bytes>many</max-bytes>', 1000, true],
]
for (const [limits, octets, comes] of told)
  test(`who connected and says ${limits} is ${comes ? '' : 'not '}sent ${octets} octets and more (XEP-0478 §3.2)`, async () => {
    const world = await twoServers()
    const hand = await montagueSays(world, limits)
    const juliet = await world.there.domain.available('juliet', 'balcony')
    juliet.send(`<message to='a@${montague}' id='m' type='chat'><body>${'y'.repeat(octets)}</body></message>`)
    await settle(world)
    assert.equal(
      hand.takeAll().some((text) => text.includes('yyy')),
      comes,
    )
    assert.equal(
      juliet.takeAll().some((text) => text.includes('policy-violation')),
      !comes,
    )
  })

test('our limits are told in the features, and beside <bidi/> (XEP-0478 §3.1, §3.2)', async () => {
  const world = await twoServers({ stanzaOctetsMax: 20_000, serverIdleSeconds: 300 })
  const options = { from: montague, to: capulet, certificate: { names: [montague], trusted: true } }
  const hand = await HandServer.secured(world, world.there, options)
  assert.match(
    await hand.next(),
    /<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>20000<\/max-bytes><idle-seconds>600<\/idle-seconds><\/limits>/,
  )
})

test('a stream is closed in order before the other server takes it for dead', async () => {
  const world = await twoServers({ serverIdleSeconds: 600 }, { serverIdleSeconds: 30 })
  const romeo = await world.here.domain.available('romeo', 'orchard')
  romeo.send(`<message to='juliet@${capulet}' type='chat'><body>hark</body></message>`)
  await settle(world)
  const state = (): string | undefined => world.here.servers.status()[0]?.state
  assert.equal(state(), 'connected')
  await settle(world, 62)
  assert.equal(state(), 'idle')
  assert.equal(world.here.servers.status()[0]?.lastError, '')
})

test('a server that tells no limit and ends the stream over a large message: it is refused on its second try, and the rest goes on', async (context) => {
  // As if nothing had been told.
  context.mock.method(Channel.prototype, 'keepTo', () => {})
  const world = await twoServers({}, { stanzaOctetsMax: 11_000 })
  const romeo = await world.here.domain.available('romeo', 'orchard')
  const juliet = await world.there.domain.available('juliet', 'balcony')
  const say = (id: string, text: string): void =>
    romeo.send(`<message to='juliet@${capulet}' id='${id}' type='chat'><body>${text}</body></message>`)
  say('1', 'before')
  say('2', body)
  say('3', 'behind')
  await settle(world, 60)
  const heard = juliet.takeAll().join()
  assert.equal(heard.match(/before/g)?.length, 1)
  assert.equal(heard.match(/behind/g)?.length, 1)
  assert.match(romeo.takeAll().join(), /id='2' type='error'><error type='modify'><policy-violation/)
  assert.deepEqual(await world.here.domain.store.queued(capulet, 0, 10), [])
  const opened = world.wires.tried
  say('4', 'later')
  await settle(world, 10)
  assert.match(juliet.takeAll().join(), /later/)
  assert.ok(opened <= 4, `${opened} streams`)
})
