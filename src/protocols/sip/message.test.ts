// MESSAGE in both directions, RFC 3428, with what the core decides between.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accepted, type DeliveryAnswer, type InboxAgent } from '#core'
import type { InstantMessage } from '#model'
import { headerValuesNamed, requestUri } from './codec/message.ts'
import { fieldOf, type Phone, textOf } from './testing/phone.ts'
import { at, SipDomain } from './testing/sip-domain.ts'

async function pair(
  options: Parameters<typeof SipDomain.make>[0] = {},
): Promise<{ domain: SipDomain; alice: Phone; bob: Phone }> {
  const domain = await SipDomain.make(options)
  const alice = domain.phone('alice', '192.0.2.3')
  const bob = domain.phone('bob', '192.0.2.1')
  await alice.register()
  await bob.register()
  return { domain, alice, bob }
}

/** A device of another protocol that keeps what it gets. */
function otherAgent(
  owner: string,
  answer: DeliveryAnswer = accepted,
): InboxAgent & { readonly got: InstantMessage[] } {
  const got: InstantMessage[] = []
  return {
    protocol: 'other',
    owner: at(owner),
    id: 'desk',
    capabilities: { messages: true, priority: 0, receivedCopies: true, sentCopies: true },
    keepsOrder: true,
    deliver: (envelope, _context, told) => {
      got.push(envelope.view() as InstantMessage)
      told(answer)
    },
    signOut: () => undefined,
    got,
  }
}

test('a MESSAGE goes from phone to phone with Via added and all else kept (RFC 3428 §10, RFC 3261 §16.6)', async () => {
  const { alice, bob } = await pair()
  const response = await alice.message(
    'sip:bob@example.com',
    'Watson, come here.',
    'X-Odd: kept',
    'Content-Language: en',
  )
  const message = await bob.next('MESSAGE')
  assert.equal(response.status, 200)
  assert.equal(requestUri(message), 'sip:bob@192.0.2.1:5060')
  assert.equal(headerValuesNamed(message, 'Via').length, 2)
  assert.match(headerValuesNamed(message, 'Via')[1] ?? '', /rport=5060;.*received=192\.0\.2\.3$/)
  assert.deepEqual(
    ['Max-Forwards', 'From', 'To', 'X-Odd', 'Content-Language'].map((name) => fieldOf(message, name)),
    ['69', '<sip:alice@example.com>;tag=alice', '<sip:bob@example.com>', 'kept', 'en'],
  )
  assert.equal(textOf(message), 'Watson, come here.')
})

test("the far end's own answer goes back, with its tag, reason and fields (RFC 3261 §16.7)", async () => {
  const { alice, bob } = await pair()
  bob.answers = () => ({ status: 202, reason: 'Got It', toTag: 'bobs', headers: [['Server', 'bobphone']] })
  const response = await alice.message('sip:bob@example.com', 'x')
  assert.deepEqual([response.status, fieldOf(response, 'Server')], [202, 'bobphone'])
  assert.match(fieldOf(response, 'To') ?? '', /tag=bobs/)
  assert.equal(headerValuesNamed(response, 'Via').length, 1)
})

test('octets that are no text go through unchanged, and are not looked into (DESIGN: three depths)', async () => {
  const { alice, bob } = await pair()
  const body = Buffer.from([0, 13, 10, 255, 254, 60]).toString('latin1')
  const text = alice.write('MESSAGE', {
    uri: 'sip:bob@example.com',
    callId: 'first',
    cseq: 1,
    headers: ['Content-Type: application/octet-stream'],
    body: 'x',
  })
  assert.match(text, /Content-Length: 1/)
  const octets = Buffer.concat([
    Buffer.from(text.replace(/Content-Length: 1\r\n\r\nx$/, 'Content-Length: 6\r\n\r\n')),
    Buffer.from(body, 'latin1'),
  ])
  // Unauthenticated: the challenge comes, and the second try carries the answer.
  alice.raw(octets)
  assert.equal((await alice.final('first', 1)).status, 407)
  const whole = await alice.message('sip:bob@example.com', 'plain')
  assert.equal(whole.status, 200)
  await bob.next('MESSAGE')
})

test('every registered phone gets it, the first 2xx answers, the rest is absorbed (RFC 3428 §6)', async () => {
  const { domain, alice, bob } = await pair()
  const desk = domain.phone('bob', '192.0.2.2')
  await desk.register()
  bob.answers = () => ({ status: 200, toTag: 'first' })
  desk.answers = () => ({ status: 486, toTag: 'second' })
  const response = await alice.message('sip:bob@example.com', 'both?')
  assert.match(fieldOf(response, 'To') ?? '', /tag=first/)
  assert.equal(textOf(await bob.next('MESSAGE')), 'both?')
  assert.equal(textOf(await desk.next('MESSAGE')), 'both?')
})

for (const status of [405, 501, 415, 488, 480, 486])
  test(`a phone that answers ${status} swallows nothing: the message is stored`, async () => {
    const { domain, alice, bob } = await pair()
    bob.answers = () => ({ status, toTag: 'no' })
    assert.equal((await alice.message('sip:bob@example.com', 'keep me')).status, 202)
    await bob.next('MESSAGE')
    const desk = domain.phone('bob', '192.0.2.2')
    await desk.register()
    assert.equal(textOf(await desk.next('MESSAGE')), 'keep me')
  })

test('after 405 no further MESSAGE is offered until the phone registers again', async () => {
  const { alice, bob } = await pair()
  bob.answers = () => ({ status: 405, toTag: 'no' })
  await alice.message('sip:bob@example.com', 'one')
  await bob.next('MESSAGE')
  assert.equal((await alice.message('sip:bob@example.com', 'two')).status, 202)
  assert.deepEqual(bob.requests, [])
  bob.answers = () => ({ status: 200, toTag: 'yes' })
  await bob.register()
  assert.deepEqual([textOf(await bob.next('MESSAGE')), textOf(await bob.next('MESSAGE'))], ['one', 'two'])
})

test('after 415 that type of content is not offered again, another one is', async () => {
  const { alice, bob } = await pair()
  bob.answers = () => ({ status: 415, toTag: 'no' })
  await alice.request('MESSAGE', {
    uri: 'sip:bob@example.com',
    headers: ['Content-Type: text/html'],
    body: '<p/>',
  })
  await bob.next('MESSAGE')
  bob.answers = () => ({ status: 200, toTag: 'yes' })
  const html = {
    uri: 'sip:bob@example.com',
    headers: ['Content-Type: text/html;charset=utf-8'],
    body: '<b/>',
  }
  assert.equal((await alice.request('MESSAGE', html)).status, 202)
  assert.equal((await alice.message('sip:bob@example.com', 'plain')).status, 200)
  assert.equal(textOf(await bob.next('MESSAGE')), 'plain')
})

test('a phone whose Allow lacks MESSAGE is offered none (RFC 3261 §20.5)', async () => {
  const { alice, bob } = await pair()
  await bob.register('Allow: INVITE, ACK, BYE')
  assert.equal((await alice.message('sip:bob@example.com', 'x')).status, 202)
  assert.deepEqual(bob.requests, [])
})

test("a person's own word, 603, goes back to the sender as it came (RFC 3261 §21.6.2)", async () => {
  const { alice, bob } = await pair()
  bob.answers = () => ({ status: 603, reason: 'Not You Again', toTag: 'no' })
  const response = await alice.message('sip:bob@example.com', 'x')
  assert.deepEqual(
    [response.status, response.head.slice(response.reasonStart, response.reasonEnd)],
    [603, 'Not You Again'],
  )
})

test('a phone that says nothing is asked again by Timer E, then the message is stored before its sender gives up', async () => {
  const { domain, alice, bob } = await pair()
  bob.answers = undefined
  const sent = alice.message('sip:bob@example.com', 'hello?')
  await bob.next('MESSAGE')
  domain.clock.advance(500)
  await bob.next('MESSAGE')
  domain.clock.advance(1000)
  await bob.next('MESSAGE')
  domain.clock.advance(13_500)
  assert.equal((await sent).status, 202)
})

test('a retransmitted MESSAGE is delivered once and answered again (RFC 3261 §17.2.2)', async () => {
  const { alice, bob } = await pair()
  await alice.message('sip:bob@example.com', 'prime')
  await bob.next('MESSAGE')
  const options = {
    uri: 'sip:bob@example.com',
    callId: 'same',
    cseq: 1,
    branch: 'z9hG4bKsame',
    body: 'x',
    headers: ['Content-Type: text/plain'],
  }
  const challenge = await alice.request('MESSAGE', { ...options, authenticate: false })
  const again = await alice.request('MESSAGE', { ...options, authenticate: false })
  assert.deepEqual([challenge.status, again.status], [407, 407])
  assert.equal(fieldOf(again, 'To'), fieldOf(challenge, 'To'))
})

test('an unknown recipient is 404, a foreign domain 404, no person 404 (RFC 3261 §8.2.2.1)', async () => {
  const { alice } = await pair()
  for (const uri of ['sip:nobody@example.com', 'sip:bob@example.net', 'sip:example.com'])
    assert.equal((await alice.message(uri, 'x')).status, 404)
})

test('a blocked sender is refused visibly (RFC 2779 5.1.15 is for presence)', async () => {
  const { domain, alice } = await pair()
  const account = domain.service.directory.resident(at('bob@example.com'))
  assert(account !== undefined)
  account.rules.set('alice@example.com', {
    subject: 'alice@example.com',
    action: 'block',
    visibility: 'full',
  } as never)
  assert.equal((await alice.message('sip:bob@example.com', 'x')).status, 403)
})

test('hops used up are 483, a body without a type 400, an encoded one 415, one too large 413', async () => {
  const { alice } = await pair({ settings: { messageBytesMax: 1300 } })
  await alice.message('sip:bob@example.com', 'prime')
  const send = (headers: string[], body = 'x') =>
    alice.request('MESSAGE', { uri: 'sip:bob@example.com', headers, body })
  assert.equal((await send([])).status, 400)
  assert.equal((await send(['Content-Type: text/plain', 'Content-Encoding: gzip'])).status, 415)
  assert.equal((await send(['Content-Type: text/plain'], 'y'.repeat(1301))).status, 413)
})

test('a sender of a domain that is not ours is refused, or taken where the setting says so', async () => {
  for (const [foreignSenders, status] of [
    [false, 403],
    [true, 200],
  ] as const) {
    const { domain, bob } = await pair({ settings: { foreignSenders } })
    const stranger = domain.phone('eve', '198.51.100.7')
    const response = await stranger.request('MESSAGE', {
      uri: 'sip:bob@example.com',
      from: '<sip:eve@example.net>;tag=1',
      headers: ['Content-Type: text/plain'],
      body: 'hi',
      authenticate: false,
    })
    assert.equal(response.status, status)
    assert.equal(bob.requests.filter(({ method }) => method === 'MESSAGE').length, foreignSenders ? 1 : 0)
  }
})

test('to another protocol: sender, text, id, thread and subject arrive (RFC 7572 §5)', async () => {
  const { domain, alice } = await pair()
  const carol = otherAgent('carol@example.com')
  domain.service.messages.attach(carol, () => undefined)
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
  const response = await alice.request('MESSAGE', {
    uri: 'sip:carol@example.com',
    callId: 'thread-1',
    headers: ['Content-Type: text/plain', 'Subject: grüße', 'Message-ID: id-7'],
    body: 'Zeile eins\r\nZeile zwei 🙂',
  })
  assert.equal(response.status, 200)
  const [got] = carol.got
  assert(got !== undefined)
  assert.deepEqual(
    [got.from.key, got.body[0]?.text, got.id, got.thread, got.subject[0]?.text],
    ['alice@example.com', 'Zeile eins\nZeile zwei 🙂', 'id-7', 'thread-1', 'grüße'],
  )
})

test('who sends without being registered keeps what was sent like anybody else', async () => {
  const { domain, bob } = await pair({ history: true })
  const carol = domain.phone('carol', '192.0.2.7')
  const response = await carol.message('sip:bob@example.com', 'from a stranger’s desk')
  assert.equal(response.status, 200)
  await bob.next('MESSAGE')
  assert.equal((await domain.store.history(at('carol@example.com'), { limit: 10 })).length, 1)
})

test('isComposing crosses as a chat state, and is not stored when nobody is there (RFC 3994)', async () => {
  const { domain, alice } = await pair()
  const xml =
    '<?xml version="1.0"?><isComposing xmlns="urn:ietf:params:xml:ns:im-iscomposing"><state>active</state></isComposing>'
  const hint = {
    uri: 'sip:carol@example.com',
    headers: ['Content-Type: application/im-iscomposing+xml'],
    body: xml,
  }
  assert.equal((await alice.request('MESSAGE', hint)).status, 202)
  const carol = otherAgent('carol@example.com')
  domain.service.messages.attach(
    carol,
    (account) => 'inbox' in account && domain.service.messages.ready(account),
  )
  assert.equal((await alice.request('MESSAGE', hint)).status, 200)
  assert.deepEqual(
    carol.got.map((message) => message.chatState),
    ['composing'],
  )
})

test('a large MESSAGE to a phone behind a connection goes over it whole (RFC 3261 §18.1.1)', async () => {
  const { domain, alice } = await pair()
  const bob = domain.phone('bob', '192.0.2.7', 40_001, 'TCP')
  await bob.register()
  const body = 'long '.repeat(1000)
  assert.equal((await alice.message('sip:bob@example.com', body)).status, 200)
  assert.equal(textOf(await bob.next('MESSAGE')), body)
})

test('a MESSAGE from a phone over TCP is answered over its connection (RFC 3261 §18.2.2)', async () => {
  const { domain, bob } = await pair()
  const carol = domain.phone('carol', '192.0.2.8', 40_002, 'TCP')
  assert.equal((await carol.message('sip:bob@example.com', 'by stream')).status, 200)
  assert.equal(textOf(await bob.next('MESSAGE')), 'by stream')
})

test('a sips URI is never carried without TLS (RFC 3261 §26.2.2)', async () => {
  const { alice, bob } = await pair()
  assert.equal((await alice.message('sips:bob@example.com', 'secret')).status, 202)
  assert.deepEqual(bob.requests, [])
})

test('two messages of one sender arrive in their order though the phone is slow to answer the first', async () => {
  const { domain, alice, bob } = await pair()
  await alice.message('sip:bob@example.com', 'zero')
  await bob.next('MESSAGE')
  bob.answers = undefined
  const one = alice.message('sip:bob@example.com', 'one')
  const two = alice.message('sip:bob@example.com', 'two')
  const first = await bob.next('MESSAGE')
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(bob.requests.length, 0)
  bob.answers = () => ({ status: 200, toTag: 'ok' })
  // The retransmission is answered now.
  domain.clock.advance(500)
  assert.equal(textOf(first), 'one')
  assert.equal((await one).status, 200)
  assert.equal((await two).status, 200)
})
