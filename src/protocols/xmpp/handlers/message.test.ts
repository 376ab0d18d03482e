import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { utf8 } from '#base'
import { messageEnvelope } from '../binding.ts'
import { readStanza } from '../codec/stanza.ts'
import type { StanzaEnvelope } from '../envelope.ts'
import type { TestClient } from '../testing/test-client.ts'
import { type TestDomain, testDomain } from '../testing/test-domain.ts'

/** Who is there: a resource and its presence; undefined: connected and not available. */
type Device = readonly [resource: string, presence: string | undefined]

/** What became of the message: the devices that got it, or what its sender was told. */
type Fate = readonly string[] | 'error' | 'ignored' | 'stored'

const here: Device = ['here', '<presence/>']
const there: Device = ['there', '<presence><priority>5</priority></presence>']
const negative: Device = ['negative', '<presence><priority>-1</priority></presence>']
const connected: Device = ['connected', undefined]

/** RFC 6121 §8.5, Table 1 and the sections that it summarizes. */
const rows: readonly (readonly [
  section: string,
  type: string,
  to: string,
  devices: readonly Device[],
  fate: Fate,
])[] = [
  ['§8.5.1 no such user', 'chat', 'tybalt@localhost', [], 'error'],
  ['§8.5.1 no such user', 'normal', 'tybalt@localhost/x', [], 'error'],
  ['§8.5.2.1.1 one resource', 'normal', 'juliet@localhost', [here], ['here']],
  ['§8.5.2.1.1 one resource', 'chat', 'juliet@localhost', [here], ['here']],
  ['§8.5.2.1.1 one resource', 'headline', 'juliet@localhost', [here], ['here']],
  ['§8.5.2.1.1 one resource', 'groupchat', 'juliet@localhost', [here], 'error'],
  ['§8.5.2.1.1 one resource', 'error', 'juliet@localhost', [here], 'ignored'],
  ['§8.5.2.1.1 several resources', 'normal', 'juliet@localhost', [here, there, negative], ['here', 'there']],
  ['§8.5.2.1.1 several resources', 'chat', 'juliet@localhost', [here, there, connected], ['here', 'there']],
  [
    '§8.5.2.1.1 several resources',
    'headline',
    'juliet@localhost',
    [here, there, negative],
    ['here', 'there'],
  ],
  ['§8.5.2.1.1 negative alone', 'normal', 'juliet@localhost', [negative], 'stored'],
  ['§8.5.2.1.1 negative alone', 'chat', 'juliet@localhost', [negative], 'stored'],
  ['§8.5.2.1.1 negative alone', 'headline', 'juliet@localhost', [negative], 'ignored'],
  ['§8.5.2.2.1 connected alone', 'chat', 'juliet@localhost', [connected], 'stored'],
  ['§8.5.2.2.1 nobody', 'normal', 'juliet@localhost', [], 'stored'],
  ['§8.5.2.2.1 nobody', 'chat', 'juliet@localhost', [], 'stored'],
  ['§8.5.2.2.1 nobody', 'groupchat', 'juliet@localhost', [], 'error'],
  ['§8.5.2.2.1 nobody', 'headline', 'juliet@localhost', [], 'ignored'],
  ['§8.5.2.2.1 nobody', 'error', 'juliet@localhost', [], 'ignored'],
  ['§8.5.3.1 resource matches', 'normal', 'juliet@localhost/here', [here, there], ['here']],
  ['§8.5.3.1 resource matches', 'chat', 'juliet@localhost/here', [here, there], ['here']],
  ['§8.5.3.1 resource matches', 'groupchat', 'juliet@localhost/here', [here, there], ['here']],
  ['§8.5.3.1 resource matches', 'headline', 'juliet@localhost/here', [here, there], ['here']],
  ['§8.5.3.1 resource matches', 'error', 'juliet@localhost/here', [here, there], ['here']],
  ['§8.5.3.1 a negative one matches', 'chat', 'juliet@localhost/negative', [here, negative], ['negative']],
  [
    '§8.5.3.1 a connected one matches',
    'chat',
    'juliet@localhost/connected',
    [here, connected],
    ['connected'],
  ],
  ['§8.5.3.2.1 no resource matches', 'normal', 'juliet@localhost/gone', [here], 'error'],
  ['§8.5.3.2.1 no resource matches', 'groupchat', 'juliet@localhost/gone', [here], 'error'],
  ['§8.5.3.2.1 no resource matches', 'headline', 'juliet@localhost/gone', [here], 'ignored'],
  ['§8.5.3.2.1 no resource matches', 'error', 'juliet@localhost/gone', [here], 'ignored'],
  ['§8.5.3.2.1 no resource matches', 'chat', 'juliet@localhost/gone', [here, there], ['here', 'there']],
  ['§8.5.3.2.1 no resource matches', 'chat', 'juliet@localhost/gone', [negative], 'stored'],
  ['§8.5.3.2.1 no resource matches', 'chat', 'juliet@localhost/gone', [], 'stored'],
]

function readMessage(source: string, domain: TestDomain): StanzaEnvelope {
  const stanza = readStanza(utf8(source))
  assert.ok(stanza !== undefined)
  const to = { address: domain.address('juliet'), resource: '' }
  return messageEnvelope(
    stanza,
    domain.address('romeo'),
    'orchard',
    to,
    utf8(" from='romeo@localhost/orchard'"),
  )
}

async function arrive(domain: TestDomain, [resource, presence]: Device): Promise<TestClient> {
  const client = await domain.bound('juliet', resource)
  if (presence !== undefined) client.send(presence)
  await domain.settle()
  client.takeAll()
  return client
}

describe('message routing (RFC 6121 §8.5)', () => {
  for (const [section, type, to, devices, fate] of rows) {
    it(`${section}: ${type} to ${to} with ${devices.map(([name]) => name).join(', ') || 'nobody'} -> ${fate}`, async () => {
      const domain = await testDomain()
      const sender = await domain.bound('romeo', 'orchard')
      const clients = new Map<string, TestClient>()
      for (const device of devices) clients.set(device[0], await arrive(domain, device))
      for (const client of clients.values()) client.takeAll()
      sender.send(`<message to='${to}' type='${type}' id='m1'><body>hi</body></message>`)
      await domain.settle()
      const got = [...clients].filter(([, client]) => client.takeAll().length > 0).map(([name]) => name)
      const told = sender.takeAll()
      const waiting = domain.service.directory.resident(domain.address('juliet'))?.undelivered ?? 0
      assert.deepEqual(got, Array.isArray(fate) ? fate : [])
      assert.equal(waiting, fate === 'stored' ? 1 : 0)
      if (fate !== 'error') return assert.deepEqual(told, [])
      assert.deepEqual(told, [
        `<message type='error' id='m1' from='${to}' to='romeo@localhost/orchard'>` +
          "<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>",
      ])
    })
  }
})

describe('messages', () => {
  it('arrive octet for octet but for the stamped from (RFC 6120 §8.1.2.1)', async () => {
    const domain = await testDomain()
    const juliet = await domain.available('juliet', 'balcony')
    const romeo = await domain.bound('romeo', 'orchard')
    let heard = ''
    juliet.connection.start({
      onData: (bytes) => (heard += Buffer.from(bytes).toString()),
      onClose: () => {},
    })
    const rest = '<body>a &lt; b 😀\n</body><x:y xmlns:x=\'urn:x\' x:z="1"><![CDATA[<>]]></x:y></message>'
    romeo.send(`<message to="juliet@localhost"  id='1'>${rest}`)
    romeo.send(`<message from='romeo@localhost' to='juliet@localhost'>${rest}`)
    romeo.send(`<message from='romeo@localhost/orchard' to='juliet@localhost'>${rest}`)
    await domain.settle()
    assert.equal(
      heard,
      `<message from='romeo@localhost/orchard' to="juliet@localhost"  id='1'>${rest}` +
        `<message from='romeo@localhost/orchard'  to='juliet@localhost'>${rest}`.repeat(2),
    )
  })

  it('with a from that is not the session end its stream (RFC 6120 §8.1.2.1)', async () => {
    for (const from of ['juliet@localhost', 'romeo@localhost/other', 'localhost', '@']) {
      const domain = await testDomain()
      const romeo = await domain.bound('romeo', 'orchard')
      romeo.send(`<message from='${from}' to='juliet@localhost'/>`)
      assert.match(await romeo.next(), /<invalid-from /)
    }
  })

  it('without to are for the sender (RFC 6120 §10.3.1)', async () => {
    const domain = await testDomain()
    const romeo = await domain.available('romeo', 'orchard')
    romeo.send('<message><body>note</body></message>')
    assert.equal(
      await romeo.next(),
      "<message from='romeo@localhost/orchard' to='romeo@localhost'><body>note</body></message>",
    )
  })

  it('to what is no JID, to the server, and to a domain that nobody reaches are refused (RFC 6120 §8.3.3)', async () => {
    const domain = await testDomain()
    const romeo = await domain.bound('romeo', 'orchard')
    const expected = [
      ['@localhost', 'jid-malformed'],
      ['juliet@localhost/', 'jid-malformed'],
      ['localhost', 'service-unavailable'],
      ['juliet@elsewhere.example', 'remote-server-not-found'],
    ]
    for (const [to, condition] of expected) {
      romeo.send(`<message to='${to}' id='x'><body>hi</body></message>`)
      assert.match(await romeo.next(), new RegExp(`<${condition} `))
    }
  })

  it('carry the stream-level declarations that they use (RFC 6120 §4.8.5)', async () => {
    const domain = await testDomain()
    const juliet = await domain.available('juliet', 'balcony')
    const romeo = await domain.bound('romeo', 'orchard')
    romeo.send("<message to='juliet@localhost'><stream:x/></message>")
    const got = await juliet.nextElement()
    assert.equal(got.elements()[0]?.namespace, 'http://etherx.jabber.org/streams')
  })

  it('for somebody who is away come once, in order and stamped, at the next login (XEP-0160, XEP-0203)', async () => {
    const domain = await testDomain()
    const romeo = await domain.bound('romeo', 'orchard')
    for (const n of [1, 2, 3])
      romeo.send(`<message to='juliet@localhost' id='m${n}'><body>${n}</body></message>`)
    await domain.settle()
    domain.clock.advance(3_600_000)
    const juliet = await domain.bound('juliet', 'balcony')
    juliet.send('<presence><priority>-1</priority></presence>')
    await domain.settle()
    assert.equal(juliet.takeAll().filter((text) => text.startsWith('<message')).length, 0)
    juliet.send('<presence/>')
    await domain.settle()
    const got = juliet.received.splice(0).filter(({ name }) => name === 'message')
    assert.deepEqual(
      got.map((message) => message.childText('body')),
      ['1', '2', '3'],
    )
    for (const message of got) {
      assert.equal(message.attribute('from'), 'romeo@localhost/orchard')
      const delay = message.child('delay', 'urn:xmpp:delay')
      assert.equal(delay?.attribute('from'), 'localhost')
      assert.equal(delay?.attribute('stamp'), '2026-01-01T00:00:00.000Z')
    }
    const phone = await domain.available('juliet', 'phone')
    assert.deepEqual(phone.takeAll(), [])
  })

  it('for a device whose connection has just died are stored', async () => {
    const domain = await testDomain()
    const juliet = await domain.available('juliet', 'balcony')
    const romeo = await domain.bound('romeo', 'orchard')
    juliet.connection.destroy()
    domain.service.messages.send(
      readMessage("<message xmlns='jabber:client'><body>late</body></message>", domain),
      () => {},
    )
    await domain.settle()
    assert.deepEqual(romeo.takeAll(), [])
    const back = await domain.bound('juliet', 'balcony')
    back.send('<presence/>')
    await domain.settle()
    assert.equal(back.takeAll().filter((text) => text.includes('late')).length, 1)
  })

  it('that are mere hints, or not to be stored, are not kept (XEP-0160 §3, XEP-0334 §4)', async () => {
    const domain = await testDomain()
    const romeo = await domain.bound('romeo', 'orchard')
    for (const children of [
      "<composing xmlns='http://jabber.org/protocol/chatstates'/><thread>t</thread>",
      "<body>x</body><no-store xmlns='urn:xmpp:hints'/>",
      '',
    ]) {
      romeo.send(`<message to='juliet@localhost' type='chat'>${children}</message>`)
    }
    await domain.settle()
    assert.deepEqual(romeo.takeAll(), [])
    assert.equal(domain.service.directory.resident(domain.address('juliet'))?.undelivered, 0)
  })

  it('past the limit of a mailbox are refused (RFC 6120 §8.3.3.18)', async () => {
    const domain = await testDomain({ policy: { undeliveredMax: 1 } })
    const romeo = await domain.bound('romeo', 'orchard')
    romeo.send("<message to='juliet@localhost'><body>1</body></message>")
    romeo.send("<message to='juliet@localhost'><body>2</body></message>")
    assert.match(await romeo.next(), /type='wait'><resource-constraint /)
  })

  it('of a blocked sender are refused as if nobody were there (XEP-0191 §3)', async () => {
    const domain = await testDomain()
    const juliet = await domain.available('juliet', 'balcony')
    const rule = { subject: 'romeo@localhost', action: 'block', visibility: 'full' } as const
    domain.service.contacts.setRule(domain.address('juliet'), rule, () => {})
    const romeo = await domain.bound('romeo', 'orchard')
    romeo.send("<message to='juliet@localhost' id='1'><body>hi</body></message>")
    assert.match(await romeo.next(), /<service-unavailable /)
    assert.deepEqual(juliet.takeAll(), [])
  })

  it('that claim an id of our archive lose it, and get the true one (XEP-0359 §3)', async () => {
    const domain = await testDomain({ policy: { history: true } })
    const juliet = await domain.available('juliet', 'balcony')
    const romeo = await domain.bound('romeo', 'orchard')
    const forged = "<stanza-id xmlns='urn:xmpp:sid:0' by='juliet@localhost' id='forged'/>"
    const other = "<stanza-id xmlns='urn:xmpp:sid:0' by='room@else.example' id='kept'/>"
    romeo.send(`<message to='juliet@localhost'>${forged}<body>x</body>${other}</message>`)
    const got = await juliet.nextElement()
    const ids = got.childrenNamed('stanza-id', 'urn:xmpp:sid:0').map((id) => id.attribute('by'))
    assert.deepEqual(ids, ['room@else.example', 'juliet@localhost'])
    assert.doesNotMatch(got.children.map(String).join(), /forged/)
    assert.equal(got.childText('body'), 'x')
  })
})

describe('carbons (XEP-0280)', () => {
  const enable = "<iq type='set' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq>"

  it('§7: another device gets what one was sent; without enabling it gets nothing', async () => {
    const domain = await testDomain()
    const balcony = await domain.available('juliet', 'balcony')
    const phone = await domain.available('juliet', 'phone')
    const tablet = await domain.available('juliet', 'tablet')
    await phone.ask(enable)
    for (const client of [balcony, phone, tablet]) client.takeAll()
    const romeo = await domain.bound('romeo', 'orchard')
    romeo.send("<message to='juliet@localhost/balcony' type='chat' id='1'><body>x</body></message>")
    await domain.settle()
    const original =
      "from='romeo@localhost/orchard' to='juliet@localhost/balcony' type='chat' id='1'><body>x</body></message>"
    assert.deepEqual(balcony.takeAll(), [`<message ${original}`])
    assert.deepEqual(tablet.takeAll(), [])
    assert.deepEqual(phone.takeAll(), [
      "<message from='juliet@localhost' to='juliet@localhost/phone' type='chat'><received xmlns='urn:xmpp:carbons:2'>" +
        `<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' ${original}</forwarded></received></message>`,
    ])
  })

  it('§8: another device gets what one sent, also to somebody who is away', async () => {
    const domain = await testDomain()
    const orchard = await domain.available('romeo', 'orchard')
    const phone = await domain.available('romeo', 'phone')
    await phone.ask(enable)
    for (const client of [orchard, phone]) client.takeAll()
    orchard.send("<message to='juliet@localhost' type='chat'><body>x</body></message>")
    const copy = await phone.nextElement()
    const message = copy
      .child('sent', 'urn:xmpp:carbons:2')
      ?.child('forwarded', 'urn:xmpp:forward:0')
      ?.child('message', 'jabber:client')
    assert.equal(message?.attribute('to'), 'juliet@localhost')
    assert.equal(message?.attribute('from'), 'romeo@localhost/orchard')
    assert.equal(message?.childText('body'), 'x')
    assert.deepEqual(orchard.takeAll(), [])
  })

  it('§9: a private message is not copied, and disabling ends it (§5)', async () => {
    const domain = await testDomain()
    const orchard = await domain.available('romeo', 'orchard')
    const phone = await domain.available('romeo', 'phone')
    await phone.ask(enable)
    for (const client of [orchard, phone]) client.takeAll()
    orchard.send(
      "<message to='juliet@localhost' type='chat'><body>x</body><private xmlns='urn:xmpp:carbons:2'/></message>",
    )
    await domain.settle()
    await phone.ask("<iq type='set' id='d'><disable xmlns='urn:xmpp:carbons:2'/></iq>")
    orchard.send("<message to='juliet@localhost' type='chat'><body>x</body></message>")
    await domain.settle()
    assert.deepEqual(phone.takeAll(), [])
  })
})
