// How domains prove themselves to each other, and what becomes of those that do not (RFC 6120 §13.7, §13.8; XEP-0178, XEP-0220).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PeerRoute } from '#core'
import { HandServer } from '../testing/hand-server.ts'
import { type Certificate, capulet, montague, type TwoServers, twoServers } from '../testing/two-servers.ts'
import { DialbackKeys } from './dialback-key.ts'

const mantua = 'mantua.example'
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

type Tls = PeerRoute['tls']

/** [what, certificate of the sender, of the other, what the sender wants, what the other wants, comes, error that is shown] */
const rows: [string, Certificate, Certificate, Tls, Tls, boolean, RegExp][] = [
  ['both certificates are good', good(montague), good(capulet), 'verified', 'verified', true, /^$/],
  [
    'the other is self-signed',
    good(montague),
    untrusted(capulet),
    'verified',
    'verified',
    false,
    /certificate of capulet.example is not accepted: it is signed by itself \(DEPTH_ZERO_SELF_SIGNED_CERT\)/,
  ],
  [
    'the other is for another name',
    good(montague),
    good('padua.example'),
    'verified',
    'verified',
    false,
    /certificate is for DNS:padua.example, not for capulet.example/,
  ],
  [
    'ours is self-signed and must be good',
    untrusted(montague),
    good(capulet),
    'verified',
    'verified',
    false,
    /dialback failed there: remote-server-timeout/,
  ],
  [
    'ours is self-signed and dialback is enough',
    untrusted(montague),
    good(capulet),
    'verified',
    'encrypted',
    true,
    /^$/,
  ],
  [
    'both are self-signed and dialback is enough',
    untrusted(montague),
    untrusted(capulet),
    'encrypted',
    'encrypted',
    true,
    /^$/,
  ],
  [
    'both are self-signed in a laboratory',
    untrusted(montague),
    untrusted(capulet),
    'none',
    'none',
    true,
    /^$/,
  ],
]
for (const [what, ours, theirs, here, there, comes, error] of rows) {
  test(`${what}: a message ${comes ? 'comes' : 'does not come'}`, async () => {
    const world = await twoServers()
    world.here.certificate = ours
    world.there.certificate = theirs
    world.here.rules.tls = here
    world.there.rules.tls = there
    assert.equal(await crosses(world), comes)
    const [status] = world.here.servers.status()
    assert.match(status?.lastError.replace(/^\S+ /, '') ?? '', error)
  })
}

test('where dialback is switched off, a certificate alone proves a domain', async () => {
  const world = await twoServers({ dialback: false })
  world.here.certificate = untrusted(montague)
  world.here.rules.tls = world.there.rules.tls = 'encrypted'
  assert.equal(await crosses(world), false)
  assert.match(world.here.servers.status()[0]?.lastError ?? '', /dialback is switched off/)
})

/** [what is said of all, of the one, comes] */
const switches: [boolean, boolean | undefined, boolean][] = [
  [true, undefined, true],
  [true, false, false],
  [false, true, true],
  [false, undefined, false],
]
for (const [all, one, comes] of switches)
  test(`dialback is ${all ? 'on' : 'off'} for all and ${one ?? 'not spoken of'} for the one: a message ${comes ? 'comes' : 'does not come'}`, async () => {
    const world = await twoServers({ dialback: all })
    world.here.certificate = untrusted(montague)
    for (const { rules } of [world.here, world.there]) {
      rules.tls = 'encrypted'
      if (one !== undefined) rules.dialback = one
    }
    assert.equal(await crosses(world), comes)
  })

test('a key is that of XEP-0185 §3, and of nobody else', () => {
  const keys = new DialbackKeys('s3cr3tf0rd14lb4ck')
  const wanted = { receiving: 'xmpp.example.com', originating: 'example.org', streamId: 'D60000229F' }
  const key = '37c69b1cf07a3f67c04a5ef5902fa5114f2c76fe4a2686482ba5b89323075643'
  assert.equal(keys.keyOf(wanted), key)
  assert.equal(keys.isKey(key, wanted), true)
  assert.equal(keys.isKey(key, { ...wanted, streamId: 'D60000229E' }), false)
  assert.equal(keys.isKey('', wanted), false)
})

/** [what, what is sent once mantua.example has proven itself, the error] */
const forged: [string, string, RegExp][] = [
  [
    'a stanza in the name of another domain (RFC 6120 §8.1.2.2)',
    `<message from='romeo@${montague}' to='juliet@${capulet}'><body>x</body></message>`,
    /invalid-from/,
  ],
  [
    'a stanza in the name of a domain of ours',
    `<message from='nurse@${capulet}' to='juliet@${capulet}'><body>x</body></message>`,
    /invalid-from/,
  ],
  [
    'a stanza without from (RFC 6120 §8.1.2.2)',
    `<message to='juliet@${capulet}'><body>x</body></message>`,
    /improper-addressing/,
  ],
  [
    'a stanza without to (RFC 6120 §8.1.1.2)',
    `<message from='a@${mantua}'><body>x</body></message>`,
    /improper-addressing/,
  ],
  [
    'a stanza to a domain that is not ours (RFC 6120 §4.9.3.6)',
    `<message from='a@${mantua}' to='b@padua.example'/>`,
    /host-unknown/,
  ],
  [
    'what is no stanza (RFC 6120 §4.9.3.24)',
    `<thing from='a@${mantua}' to='juliet@${capulet}'/>`,
    /unsupported-stanza-type/,
  ],
]
for (const [what, stanza, error] of forged) {
  test(`${what} ends the stream, and nobody gets it`, async () => {
    const world = await twoServers()
    const juliet = await world.there.domain.available('juliet', 'balcony')
    const hand = await HandServer.proven(world, world.there, {
      from: mantua,
      to: capulet,
      certificate: good(mantua),
    })
    hand.send(stanza)
    assert.match(await hand.next(), error)
    await settle(world)
    assert.deepEqual([juliet.takeAll(), hand.ended], [[], true])
  })
}

test('before a proof nothing is taken (RFC 6120 §4.3.5)', async () => {
  const world = await twoServers()
  const hand = await HandServer.secured(world, world.there, {
    from: mantua,
    to: capulet,
    certificate: good(mantua),
  })
  await hand.next()
  hand.send(`<message from='a@${mantua}' to='juliet@${capulet}'><body>x</body></message>`)
  assert.match(await hand.next(), /not-authorized/)
})

test('a certificate that is not good is offered no EXTERNAL, and fails at it; the third time the stream ends (RFC 6120 §6.4.5)', async () => {
  const world = await twoServers()
  const hand = await HandServer.secured(world, world.there, {
    from: mantua,
    to: capulet,
    certificate: untrusted(mantua),
  })
  assert.doesNotMatch(await hand.next(), /EXTERNAL/)
  for (let tries = 0; tries < 3; tries++) {
    hand.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>")
    assert.match(await hand.next(), /<failure[^>]*><not-authorized/)
  }
  assert.match(await hand.next(), /not-authorized/)
})

const bidi = "<bidi xmlns='urn:xmpp:bidi'/>"

/** [what, the key, the answer] */
const keysOfOthers: [string, (id: string) => string, RegExp][] = [
  ['made by somebody else', () => '0'.repeat(64), /type='invalid'/],
  [
    'of another stream (replayed)',
    () =>
      new DialbackKeys(`the secret of ${montague}`).keyOf({
        receiving: capulet,
        originating: montague,
        streamId: 'earlier',
      }),
    /type='invalid'/,
  ],
  [
    'its own',
    (id) =>
      new DialbackKeys(`the secret of ${montague}`).keyOf({
        receiving: capulet,
        originating: montague,
        streamId: id,
      }),
    /type='valid'/,
  ],
]
for (const [what, keyOf, answer] of keysOfOthers) {
  test(`a dialback key that is ${what}: ${answer.source}`, async () => {
    const world = await twoServers()
    world.there.rules.tls = 'encrypted'
    const hand = await HandServer.secured(world, world.there, {
      from: montague,
      to: capulet,
      certificate: untrusted('x.example'),
    })
    await hand.next()
    hand.send(`${bidi}<db:result from='${montague}' to='${capulet}'>${keyOf(hand.streamId)}</db:result>`)
    assert.match(await hand.next(), answer)
    if (answer.source.includes('invalid')) {
      await settle(world)
      assert.equal(hand.ended, true)
    }
  })
}

test('dialback in the clear is refused where TLS must be, without ending the stream (XEP-0220 §2.4)', async () => {
  const world = await twoServers()
  const hand = HandServer.connected(world, world.there, {
    from: montague,
    to: capulet,
    certificate: untrusted('x.example'),
  })
  hand.header()
  assert.match(await hand.next(), /<starttls[^>]*><required/)
  hand.send(`<db:result from='${montague}' to='${capulet}'>00</db:result>`)
  assert.match(await hand.next(), /type='error'.*policy-violation/)
  assert.equal(hand.ended, false)
})

test('a domain that nobody can find is told so (XEP-0220 §2.4)', async () => {
  const world = await twoServers()
  world.there.rules.tls = 'encrypted'
  const hand = await HandServer.secured(world, world.there, {
    from: mantua,
    to: capulet,
    certificate: untrusted(mantua),
  })
  await hand.next()
  hand.send(`<db:result from='${mantua}' to='${capulet}'>00</db:result>`)
  assert.match(await hand.next(), /remote-server-not-found/)
})

test('several domains prove themselves on one stream (XEP-0220 §2.5), each for itself alone', async () => {
  const world = await twoServers()
  const juliet = await world.there.domain.available('juliet', 'balcony')
  const certificate = { names: [mantua, `chat.${mantua}`], trusted: true }
  const hand = await HandServer.secured(world, world.there, { from: mantua, to: capulet, certificate })
  await hand.next()
  for (const from of [mantua, `chat.${mantua}`]) {
    hand.send(`<db:result from='${from}' to='${capulet}'>any</db:result>`)
    assert.match(await hand.next(), /type='valid'/)
    hand.send(`<message from='${from}' to='juliet@${capulet}' type='chat'><body>of ${from}</body></message>`)
  }
  await settle(world)
  assert.equal(juliet.takeAll().filter((text) => text.includes('of ')).length, 2)
  hand.send(`<db:result from='${mantua}' to='padua.example'>any</db:result>`)
  assert.match(await hand.next(), /item-not-found/)
})

test('nothing is written between a proof and the stream that follows it, however long that takes (RFC 6120 §6.4.6, XEP-0288)', async () => {
  const world = await twoServers()
  const hand = await HandServer.secured(world, world.here, {
    from: capulet,
    to: montague,
    certificate: good(capulet),
  })
  await hand.next()
  hand.send(`${bidi}<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>`)
  assert.match(await hand.next(), /<success/)
  world.wires.up = false
  const romeo = await world.here.domain.available('romeo', 'orchard')
  await settle(world, 5)
  romeo.send(`<message to='juliet@${capulet}' type='chat'><body>patience</body></message>`)
  await settle(world, 5)
  assert.deepEqual(hand.takeAll(), [])
  hand.header()
  await hand.next()
  await settle(world, 30)
  assert.equal(hand.takeAll().filter((text) => text.includes('patience')).length, 1)
})
