// Nobody speaks in another's name, whichever field they write it in.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ImppPerson, SipPerson, XmppPerson } from './people.ts'
import { Stand } from './stand.ts'

const accounts = ['mallory', 'alice', 'bob']

test("a from of somebody else in an XMPP stanza is replaced by the sender's own, or refused (RFC 6120 §8.1.2.1)", async (context) => {
  const stand = await Stand.open(context, { accounts })
  const alice = await XmppPerson.logIn(stand, 'alice')
  const forms = [
    "<message from='bob@localhost/x' to='alice@localhost' id='f0' type='chat'><body>forged</body></message>",
    "<message to='alice@localhost' id='f1' from='localhost' type='chat'><body>forged</body></message>",
    "<message to='alice@localhost' id='f2' type='chat'><body>forged</body><delay xmlns='urn:xmpp:delay' from='localhost' stamp='2001-01-01T00:00:00Z'/></message>",
    "<message to='alice@localhost' id='f3' type='error' from='bob@localhost'><body>forged</body></message>",
    "<presence to='alice@localhost' from='bob@localhost' type='subscribed'/>",
    "<presence to='alice@localhost' from='bob@localhost/x'/>",
    "<iq to='alice@localhost/x' from='localhost' id='f4' type='set'><query xmlns='jabber:iq:roster'><item jid='mallory@localhost' subscription='both'/></query></iq>",
    "<message to='alice@localhost' id='f5' type='chat'><sent xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='alice@localhost' to='bob@localhost'><body>forged</body></message></forwarded></sent></message>",
    "<message to='alice@localhost' id='f6' type='chat'><body>forged</body><stanza-id xmlns='urn:xmpp:sid:0' by='alice@localhost' id='forged-id'/></message>",
  ]
  for (const [k, form] of forms.entries()) {
    const mallory = await XmppPerson.logIn(stand, 'mallory', `m${k}`)
    mallory.send(form)
    await mallory.roundTrip().catch(() => {}) // The stream may end with invalid-from (RFC 6120 §4.9.3.9).
    mallory.destroy()
  }
  await alice.roundTrip()
  for (const [stanza] of alice.text.matchAll(/<(message|presence|iq)[ >][^>]*>/g)) {
    if (stanza.includes("xmlns='jabber:client'") || stanza.includes("id='rt")) continue
    assert.match(stanza, /from=['"](mallory@localhost(\/m\d+)?|alice@localhost(\/x)?)['"]/, stanza)
  }
  assert.doesNotMatch(alice.text, /forged-id/)
  assert.doesNotMatch(alice.text, /<iq [^>]*type=['"]set/)
  alice.destroy()
  assert.deepEqual(stand.faults, [])
})

test('a From that is not of the account that answers the challenge is refused in every method (RFC 3261 §22.1)', async (context) => {
  const stand = await Stand.open(context, { accounts })
  const alice = await SipPerson.open(stand, 'alice')
  const mallory = await SipPerson.open(stand, 'mallory')
  const forgeries = [
    '<sip:bob@localhost>;tag=1',
    '"bob" <sip:bob@LOCALHOST>;tag=1',
    'sip:%62ob@localhost;tag=1',
    '<sip:bob@elsewhere.example>;tag=1',
    '<sip:localhost>;tag=1',
    '<sip:@localhost>;tag=1',
    '<tel:+1234>;tag=1',
    '<sip:mallory@localhost>, <sip:bob@localhost>;tag=1',
    '<sip:mallory@localhost%00.example>;tag=1',
    '<sip:bob@localhost;user=mallory>;tag=1',
  ]
  for (const from of forgeries) {
    for (const [method, uri, fields] of [
      ['MESSAGE', 'sip:alice@localhost', ['Content-Type: text/plain']],
      ['PUBLISH', 'sip:bob@localhost', ['Event: presence', 'Content-Type: application/pidf+xml']],
      ['SUBSCRIBE', 'sip:alice@localhost', ['Event: presence', `Contact: ${mallory.contact}`]],
    ] as const) {
      const { status, first } = await mallory.request(method, uri, [...fields, `From: ${from}`], 'forged')
      assert.ok([400, 403, 404, 416].includes(status), `${method} from ${from}: ${first}`)
    }
  }
  // One's own From, another's address of record or presentity.
  const register = ['To: <sip:bob@localhost>', `Contact: ${mallory.contact}`]
  assert.equal((await mallory.request('REGISTER', 'sip:localhost', register)).status, 403)
  const pidf =
    '<?xml version="1.0"?><presence xmlns="urn:ietf:params:xml:ns:pidf" entity="pres:bob@localhost"><tuple id="x"><status><basic>open</basic></status></tuple></presence>'
  const publish = ['Event: presence', 'Content-Type: application/pidf+xml']
  assert.equal((await mallory.request('PUBLISH', 'sip:bob@localhost', publish, pidf)).status, 403)
  // Words that other servers believe are passed to nobody of ours as true: the far end sees who was authenticated in From.
  await mallory.message(
    'alice@localhost',
    'hello',
    'P-Asserted-Identity: <sip:bob@localhost>',
    'From: "bob" <sip:mallory@localhost>;tag=9',
  )
  const got = await alice.expect('MESSAGE', ({ first }) => first.startsWith('MESSAGE '))
  assert.match(got.head, /^From: .*<sip:mallory@localhost>/m)
  alice.close()
  mallory.close()
  assert.deepEqual(stand.faults, [])
})

test('a From or Connection-ID that is not of the connection is refused (IMPP §19)', async (context) => {
  const stand = await Stand.open(context, { accounts })
  const alice = await XmppPerson.logIn(stand, 'alice')
  const mallory = await ImppPerson.logIn(stand, 'mallory', 'm')
  const bob = await ImppPerson.logIn(stand, 'bob', 'b')
  const forgeries = [
    ['From: impp://localhost/bob'],
    ['From: impp://localhost/bob', `Connection-ID: ${bob.connectionId}`],
    [`Connection-ID: ${bob.connectionId}`],
    ['Connection-ID: 0'],
    ['From: impp://localhost/'],
    ['From: impp://localhost/', 'Connection-ID: 0'],
    ['From: im:bob@localhost'],
    ['From: impp://elsewhere.example/mallory'],
    ['From: '],
    ['From: impp://localhost/mallory/../bob'],
  ]
  for (const fields of forgeries) {
    for (const [method, more] of [
      ['SEND', ['Target: impp://localhost/alice', 'Content-Type: text/plain']],
      ['CHANGE', ['Target: impp://localhost/bob', 'Lease-Time: 60', 'Content-Type: application/impp']],
    ] as const) {
      const answer = await mallory.answer(mallory.request(method, [...more, ...fields], 'forged'))
      assert.match(
        answer,
        /^ERROR[\s\S]*Reason: (permission-denied|malformed)/i,
        `${method} ${fields}: ${answer}`,
      )
    }
  }
  for (const fields of [
    ['Report: delivered', 'About: x'],
    ['Report: failed', 'Origin: impp://localhost/bob'],
  ]) {
    const answer = await mallory.answer(
      mallory.request('SEND', ['Target: impp://localhost/alice', ...fields]),
    )
    assert.match(answer, /^ERROR/)
  }
  const change = ['Target: impp://localhost/bob', 'Lease-Time: 60', 'Content-Type: application/impp']
  const body =
    '<presence><entity>pres:bob@localhost</entity><tuple><id>x</id><basic>open</basic></tuple></presence>'
  assert.match(await mallory.answer(mallory.request('CHANGE', change, body)), /^ERROR/)
  // An envelope is a server's word.
  mallory.send('ENVELOPE impp/1.0\r\nCopy: sent\r\n\r\n')
  const enveloped = mallory.request(
    'SEND',
    ['Target: impp://localhost/alice', 'Content-Type: text/plain'],
    'forged',
  )
  assert.match(await mallory.answer(enveloped), /^ERROR/)
  await alice.roundTrip()
  assert.doesNotMatch(alice.text, /forged/)
  for (const raw of [alice, bob, mallory]) raw.destroy()
  assert.deepEqual(stand.faults, [])
})
