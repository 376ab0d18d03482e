// Just at each limit and just over it; ids, times and depths that nobody needs; and what is too large for the protocol it goes to.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ImppPerson, SipPerson, XmppPerson } from './people.ts'
import { Stand } from './stand.ts'

const accounts = ['alice', 'bob', 'carol', 'dave']

test('a stanza of just the limit passes; one octet more ends its stream with policy-violation (RFC 6120 §13.12)', async (context) => {
  const stand = await Stand.open(context, { accounts, settings: { xmpp: 'stanza_octets_max = 20000' } })
  const bob = await XmppPerson.logIn(stand, 'bob')
  const alice = await XmppPerson.logIn(stand, 'alice')
  const stanza = (octets: number): string => {
    const [head, tail] = ["<message to='bob@localhost' type='chat'><body>", '</body></message>'] as const
    return head + 'x'.repeat(octets - head.length - tail.length) + tail
  }
  alice.send(stanza(20_000))
  await bob.expect(/x<\/body>/)
  alice.send(stanza(20_001))
  await alice.expect(/<stream:error><policy-violation/)
  await alice.ended()
  await bob.roundTrip()
  assert.doesNotMatch(bob.text, /<body>/)
  assert.deepEqual(stand.faults, [])
})

test('an IMPP request of just the limit passes; a larger one is refused and the connection goes on', async (context) => {
  const stand = await Stand.open(context, { accounts, settings: { impp: 'message_octets_max = 8192' } })
  const bob = await XmppPerson.logIn(stand, 'bob')
  const alice = await ImppPerson.logIn(stand, 'alice')
  const fields = ['Target: impp://localhost/bob', 'Content-Type: text/plain']
  const own = `From: ${alice.url}\r\nConnection-ID: ${alice.connectionId}\r\nContent-Length: 7000\r\n`
  const head = `SEND q1 impp/1.0\r\n${fields.join('\r\n')}\r\n${own}\r\n`.length
  assert.match(await alice.answer(alice.request('SEND', fields, 'x'.repeat(8192 - head))), /^OK/)
  await bob.expect(/x<\/body>/)
  const over = await alice.answer(alice.request('SEND', fields, 'x'.repeat(8192 - head + 1)))
  assert.match(over, /^ERROR[\s\S]*Reason: message-too-large/)
  await alice.roundTrip()
  assert.deepEqual(stand.faults, [])
})

test('a MESSAGE of just the limit passes; a larger one is answered with 413', async (context) => {
  const stand = await Stand.open(context, { accounts, settings: { sip: 'message_bytes_max = 1300' } })
  const bob = await XmppPerson.logIn(stand, 'bob')
  const phone = await SipPerson.open(stand, 'alice')
  assert.equal((await phone.message('bob@localhost', 'x'.repeat(1300))).status, 200)
  await bob.expect(/x<\/body>/)
  assert.equal((await phone.message('bob@localhost', 'x'.repeat(1301))).status, 413)
  assert.deepEqual(stand.faults, [])
})

test('what is too large for the protocol it goes to is kept or refused, and what follows arrives', async (context) => {
  const stand = await Stand.open(context, { accounts })
  const alice = await XmppPerson.logIn(stand, 'alice')
  const bob = await ImppPerson.logIn(stand, 'bob')
  const carol = await SipPerson.open(stand, 'carol')
  const large = { body: 'b'.repeat(200_000), id: 'i'.repeat(10_000), subject: 's'.repeat(20_000) }
  for (const to of ['bob', 'carol']) {
    alice.message(`${to}@localhost`, 'body', large.body)
    alice.message(`${to}@localhost`, large.id, 'long id')
    alice.send(
      `<message to='${to}@localhost' id='subject' type='chat'><subject>${large.subject}</subject><body>s</body></message>`,
    )
    alice.send(
      `<message to='${to}@localhost' id='thread' type='chat'><thread>${large.id}</thread><body>s</body></message>`,
    )
    alice.message(`${to}@localhost`, 'last', 'the last')
  }
  const received = await carol.expect('the last', ({ body }) => body === 'the last')
  assert.match(received.head, /^Message-ID: last\r$/m)
  await bob.expect(/Message-ID: last\r/)
  await alice.roundTrip()
  await carol.roundTrip()
  assert.deepEqual(stand.faults, [])
})

test('times that are none, or of another age, harm nothing', async (context) => {
  const stand = await Stand.open(context, { accounts })
  const alice = await XmppPerson.logIn(stand, 'alice')
  const bob = await ImppPerson.logIn(stand, 'bob')
  const carol = await SipPerson.open(stand, 'carol')
  const dave = await XmppPerson.logIn(stand, 'dave')
  const stamps = [
    '',
    '0',
    '-271821-04-20T00:00:00Z',
    '+275760-09-13T00:00:00Z',
    '275761-01-01T00:00:00Z',
    '9999-12-31T23:59:60Z',
    'x'.repeat(5000),
    '-1',
    '1e400',
  ]
  for (const stamp of stamps) {
    for (const to of ['bob', 'carol'])
      alice.send(
        `<message to='${to}@localhost' type='chat'><body>t</body><delay xmlns='urn:xmpp:delay' from='localhost' stamp='${stamp}'/></message>`,
      )
    const id = bob.request(
      'SEND',
      ['Target: impp://localhost/dave', 'Content-Type: text/plain', `Date: ${stamp}`],
      't',
    )
    assert.match(await bob.answer(id), /^OK/)
    const { status } = await carol.message(
      'dave@localhost',
      't',
      `Date: ${stamp}`,
      `Expires: ${stamp.slice(0, 20)}`,
    )
    assert.ok([200, 202, 400].includes(status), `${stamp}: ${status}`)
    const lease = bob.request('SUBSCRIBE', [
      'Target: impp://localhost/dave',
      `Lease-Time: ${stamp.slice(0, 100)}`,
    ])
    assert.match(await bob.answer(lease), /^(OK|ERROR)/)
    const register = await carol.request('REGISTER', 'sip:localhost', [
      `Contact: ${carol.contact};expires=${stamp.slice(0, 20) || '1x'}`,
    ])
    assert.ok([200, 400, 423].includes(register.status), `${stamp}: ${register.first}`)
  }
  alice.message('carol@localhost', 'last', 'the last')
  await alice.roundTrip()
  await dave.roundTrip()
  assert.deepEqual(stand.faults, [])
})

const prolog = '<?xml version="1.0"?>'
const presence = '<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="pres:alice@localhost">'
/** Presence documents that cost more than they are long, or would. */
const bombs: Readonly<Record<string, string>> = {
  'a billion laughs': `${prolog}<!DOCTYPE p [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;">]>${presence}<note>&c;</note></presence>`,
  'an external entity': `${prolog}<!DOCTYPE p [<!ENTITY a SYSTEM "file:///etc/passwd">]>${presence}<note>&a;</note></presence>`,
  depth: `${prolog}${presence}${'<a xmlns="urn:a">'.repeat(1500)}${'</a>'.repeat(1500)}</presence>`,
  attributes: `${prolog}${presence}<a xmlns="urn:a" ${Array.from({ length: 2000 }, (_, k) => `a${k}="x"`).join(' ')}/></presence>`,
  'the same attribute': `${prolog}${presence}<a xmlns="urn:a" ${'a="x" '.repeat(100)}/></presence>`,
  tuples: `${prolog}${presence}${Array.from({ length: 500 }, (_, k) => `<tuple id="t${k}"><status/></tuple>`).join('')}</presence>`,
  'a document cut short': `${prolog}${presence}<tuple id="x">`,
  'octets that are not UTF-8': `${prolog}${presence}<note>\xff</note></presence>`,
  nothing: ' ',
}

for (const [what, document] of Object.entries(bombs)) {
  test(`presence that is ${what} is refused by SIP and IMPP, and XMPP ends a stream of it`, async (context) => {
    const stand = await Stand.open(context, { accounts })
    const phone = await SipPerson.open(stand, 'alice')
    const bob = await XmppPerson.logIn(stand, 'bob')
    const octets = Buffer.from(document, 'latin1')
    const begin = performance.now()
    const { status, first } = await phone.request(
      'PUBLISH',
      'sip:alice@localhost',
      ['Event: presence', 'Content-Type: application/pidf+xml', 'Expires: 600'],
      octets,
    )
    assert.ok(status >= 400 && status < 500, first)
    const client = await ImppPerson.logIn(stand, 'alice')
    const fields = ['Target: impp://localhost/alice', 'Lease-Time: 60']
    for (const type of ['application/pidf+xml', 'application/impp']) {
      const answer = await client.answer(
        client.request('CHANGE', [...fields, `Content-Type: ${type}`], octets),
      )
      assert.match(answer, /^ERROR/)
    }
    if (what !== 'tuples' && what !== 'nothing' && what !== 'a document cut short') {
      const alice = await XmppPerson.logIn(stand, 'alice')
      const doctype = /<!DOCTYPE.*\]>/.exec(document)?.[0]
      alice.send(Buffer.from(doctype ?? document.slice(prolog.length), 'latin1'))
      await alice.expect(/<stream:error>/)
      await alice.ended()
    }
    assert.ok(performance.now() - begin < 5000)
    await bob.roundTrip()
    assert.deepEqual(stand.faults, [])
  })
}
