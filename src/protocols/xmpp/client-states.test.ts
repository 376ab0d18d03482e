import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { utf8 } from '#base'
import { HeldBack, heldBackMax, heldBackOctetsMax } from './held-back.ts'
import type { TestClient } from './testing/test-client.ts'
import { type TestDomain, testDomain } from './testing/test-domain.ts'

const inactive = "<inactive xmlns='urn:xmpp:csi:0'/>"
const active = "<active xmlns='urn:xmpp:csi:0'/>"
const composing = "<composing xmlns='http://jabber.org/protocol/chatstates'/>"

/** Juliet, whom nobody looks at, and Romeo, whose presence she sees. */
async function pair(): Promise<[domain: TestDomain, romeo: TestClient, juliet: TestClient]> {
  const domain = await testDomain()
  await domain.befriend('romeo', 'juliet')
  const juliet = await domain.available('juliet', 'balcony')
  const romeo = await domain.available('romeo', 'orchard')
  await domain.settle()
  juliet.takeAll()
  juliet.send(inactive)
  await domain.settle()
  return [domain, romeo, juliet]
}

describe('client states (XEP-0352)', () => {
  it('hold presence and chat states back until the client is active, the newest of each (§3.2)', async () => {
    const [domain, romeo, juliet] = await pair()
    for (const show of ['away', 'dnd', 'xa']) romeo.send(`<presence><show>${show}</show></presence>`)
    await domain.settle()
    romeo.send(`<message to='juliet@localhost' type='chat'>${composing}</message>`)
    await domain.settle()
    assert.deepEqual(juliet.takeAll(), [])
    juliet.send(active)
    await domain.settle()
    const came = juliet.takeAll()
    assert.equal(came.length, 2)
    assert.match(came[0] ?? '', /<show>xa<\/show>/)
    assert.match(came[1] ?? '', /composing/)
    romeo.send('<presence/>')
    await domain.settle()
    assert.equal(juliet.takeAll().length, 1)
  })

  it('never hold back what somebody says, and send what came before it first (RFC 6120 §10.1)', async () => {
    const [domain, romeo, juliet] = await pair()
    romeo.send('<presence><show>away</show></presence>')
    await domain.settle()
    romeo.send("<message to='juliet@localhost' type='chat'><body>x</body></message>")
    romeo.send('<presence><show>dnd</show></presence>')
    await domain.settle()
    const came = juliet.takeAll()
    assert.deepEqual(
      came.map((text) => /away|<body>|dnd/.exec(text)?.[0]),
      ['away', '<body>'],
    )
  })

  const kept: readonly (readonly [string, string])[] = [
    ['a headline', "<message to='juliet@localhost' type='headline'><subject>x</subject></message>"],
    ['an error', "<message to='juliet@localhost/balcony' type='error' id='x'><error/></message>"],
    [
      'a receipt',
      "<message to='juliet@localhost' type='chat'><received xmlns='urn:xmpp:receipts' id='1'/></message>",
    ],
    ['a request', "<iq to='juliet@localhost/balcony' type='get' id='1'><x xmlns='y'/></iq>"],
    ['a subscription', "<presence to='juliet@localhost' type='unsubscribe'/>"],
  ]
  for (const [what, stanza] of kept) {
    it(`do not hold ${what} back`, async () => {
      const [domain, romeo, juliet] = await pair()
      romeo.send(stanza)
      await domain.settle()
      assert.ok(juliet.takeAll().length > 0)
    })
  }

  it('are in order with what the client asks (§5.1)', async () => {
    const [domain, romeo, juliet] = await pair()
    romeo.send('<presence><show>away</show></presence>')
    await domain.settle()
    juliet.send(`${active}<iq type='get' id='p' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>`)
    await domain.settle()
    assert.deepEqual(
      juliet.takeAll().map((text) => text.slice(0, 4)),
      ['<pre', '<iq '],
    )
  })

  it('say nothing of themselves to others (§6)', async () => {
    const [domain, romeo] = await pair()
    await domain.settle()
    assert.deepEqual(romeo.takeAll(), [])
  })

  it('are bounded', () => {
    const held = new HeldBack()
    for (let k = 0; k < heldBackMax; k++) assert.equal(held.put(`${k}`, utf8('x')), true)
    assert.equal(held.put('more', utf8('x')), false)
    assert.equal(held.put('7', utf8('y')), true, 'what replaces has room')
    assert.equal(held.takeAll().length, heldBackMax)
    assert.equal(held.put('big', new Uint8Array(heldBackOctetsMax)), true)
    assert.equal(held.put('bigger', utf8('x')), false)
    assert.equal(held.put('big', utf8('x')), true)
    assert.equal(held.put('bigger', utf8('x')), true)
  })
})
