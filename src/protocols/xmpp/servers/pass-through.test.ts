// From XMPP to XMPP over servers nothing is translated, and octets stay as they were written (decision 0083).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openMetricsText } from '#observe'
import { HandServer } from '../testing/hand-server.ts'
import { capulet, montague, type TwoServers, twoServers } from '../testing/two-servers.ts'

async function settle({ clock, here }: TwoServers): Promise<void> {
  for (let second = 0; second < 3; second++) {
    await here.domain.settle()
    clock.advance(1000)
  }
  await here.domain.settle()
}

const payloads = [
  `<body>a &lt; b</body><x  xmlns="urn:example:x"\n a='1'><y/><![CDATA[<&]]></x>`,
  `<body xml:lang='de'>\u00fc\u{1f600}</body><p:q xmlns:p='urn:example:p' p:r="'"/>`,
]
for (const payload of payloads) {
  test(`as it was written: ${payload.slice(0, 40)}`, async () => {
    const world = await twoServers()
    const romeo = await world.here.domain.available('romeo', 'orchard')
    const juliet = await world.there.domain.available('juliet', 'balcony')
    romeo.send(`<message to='juliet@${capulet}' type='chat'>${payload}</message>`)
    await settle(world)
    juliet.takeAll()
    assert.ok(juliet.octets.includes(payload), juliet.octets)
    for (const { domain } of [world.here, world.there])
      assert.doesNotMatch(openMetricsText(domain.service.metrics), /^verona_translations_total\{/m)
  })
}

/** [what, what a server writes, what a client reads] */
const declared: [string, string, RegExp][] = [
  [
    'a stanza that declares the content namespace',
    `<message xmlns='jabber:server' from='a@mantua.example/x' to='juliet@${capulet}' type='chat'><body>one</body></message>`,
    /<message from='a@mantua.example\/x'[^>]*><body>one<\/body>/,
  ],
  [
    'a child that does',
    `<message from='a@mantua.example/x' to='juliet@${capulet}' type='chat'><body xmlns='jabber:server'>two</body></message>`,
    /<body>two<\/body>/,
  ],
]
for (const [what, written, read] of declared) {
  test(`${what} is a client's here (RFC 6120 §4.8.3)`, async () => {
    const world = await twoServers()
    const juliet = await world.there.domain.available('juliet', 'balcony')
    const certificate = { names: ['mantua.example'], trusted: true }
    const hand = await HandServer.proven(world, world.there, {
      from: 'mantua.example',
      to: capulet,
      certificate,
    })
    hand.send(written)
    await settle(world)
    assert.match(await juliet.next(), read)
  })
}

test("what a client or the store declares is not in a server's stream", async () => {
  const world = await twoServers()
  const certificate = { names: [capulet], trusted: true }
  const hand = await HandServer.secured(world, world.here, { from: capulet, to: montague, certificate })
  await hand.next()
  hand.send(`<bidi xmlns='urn:xmpp:bidi'/><db:result from='${capulet}' to='${montague}'>any</db:result>`)
  await hand.next()
  await settle(world)
  const romeo = await world.here.domain.available('romeo', 'orchard')
  romeo.send(`<message xmlns='jabber:client' to='juliet@${capulet}'><body>one</body></message>`)
  romeo.send(`<message to='juliet@${capulet}'><body xmlns='jabber:client'>two</body></message>`)
  await settle(world)
  const before = hand.octets
  hand.takeAll()
  assert.match(hand.octets, /<body>one<\/body>/)
  assert.match(hand.octets, /<body>two<\/body>/)
  assert.doesNotMatch(hand.octets, /jabber:client/, before)
})
