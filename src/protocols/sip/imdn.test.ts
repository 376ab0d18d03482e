// Receipts over SIP: disposition notifications (RFC 5438) between phones, from the server, and to and from other protocols.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8 } from '#base'
import { accepted, type InboxAgent } from '#core'
import { type Envelope, type Head, hopsDefault, type InstantMessage } from '#model'
import { parseCpim } from '#wire/cpim'
import { imdnHeaders, imdnIn } from './codec/imdn.ts'
import { bodyOf, type SipRequest } from './codec/message.ts'
import { fieldOf, type Phone, textOf } from './testing/phone.ts'
import { at, SipDomain } from './testing/sip-domain.ts'

const alice = at('alice@example.com')
const bob = at('bob@example.com')

function cpim(asked: string, type = 'text/plain', body = 'Hello', id = '34jk324j'): string {
  return [
    'From: <im:alice@example.com>',
    'To: <im:bob@example.com>',
    'DateTime: 2008-04-04T12:16:49-05:00',
    'NS: notify <urn:ietf:params:imdn>',
    `notify.Message-ID: ${id}`,
    ...(asked === '' ? [] : [`notify.Disposition-Notification: ${asked}`]),
    '',
    `Content-type: ${type}`,
    'Content-Disposition: notification',
    '',
    body,
  ].join('\r\n')
}

function imdn(type: string, status: string, about = '34jk324j'): string {
  const document = `<imdn xmlns="urn:ietf:params:xml:ns:imdn"><message-id>${about}</message-id><datetime>2008-04-04T12:16:49-05:00</datetime><recipient-uri>im:bob@example.com</recipient-uri><${type}-notification><status><${status}/></status></${type}-notification></imdn>`
  return cpim('positive-delivery', 'message/imdn+xml', document, 'd834jied93rf')
}

const sendCpim = (phone: Phone, to: string, body: string) =>
  phone.request('MESSAGE', { uri: to, body, headers: ['Content-Type: message/cpim'] })

/** What a MESSAGE to a phone holds, where it is a notification. */
function notificationIn(request: SipRequest) {
  assert.equal(fieldOf(request, 'Content-Type')?.toLowerCase(), 'message/cpim')
  const message = parseCpim(bodyOf(request))
  assert(!('fault' in message), JSON.stringify(message))
  assert.equal(message.entity.headers.get('content-disposition'), 'notification')
  return { ...imdnIn(message), from: message.from?.uri, to: message.to[0]?.uri, dateTime: message.dateTime }
}

function desk(owner: string): InboxAgent & { readonly got: InstantMessage[]; readonly heads: Head[] } {
  const got: InstantMessage[] = []
  const heads: Head[] = []
  return {
    protocol: 'other',
    owner: at(owner),
    id: 'desk',
    capabilities: { messages: true, priority: 0, receivedCopies: true, sentCopies: true },
    keepsOrder: true,
    deliver: (envelope, _context, told) => {
      got.push(envelope.view() as InstantMessage)
      heads.push(envelope.head)
      told(accepted)
    },
    signOut: () => undefined,
    got,
    heads,
  }
}

/** A message of another protocol. */
function fromElsewhere(said: Partial<InstantMessage>): Envelope {
  const head: Head = {
    protocol: 'other',
    kind: 'message',
    from: bob,
    fromAgent: 'desk',
    to: alice,
    toAgent: '',
    id: said.id ?? 'm1',
    hops: hopsDefault,
    size: 10,
    whenAbsent: 'store',
    whenAgentGone: 'inbox',
    storable: true,
    copyable: true,
  }
  const view = {
    from: bob,
    to: alice,
    id: head.id,
    thread: '',
    kind: 'chat',
    subject: [],
    body: [],
    ...said,
  } as const
  const envelope: Envelope = {
    head,
    raw: utf8('0123456789'),
    content: () => undefined,
    view: () => view,
    keep: () => envelope,
  }
  return envelope
}

const text = [{ language: '', text: 'Hello' }]

const readings: [name: string, body: string, receipts: object][] = [
  ['a request for delivery', cpim('positive-delivery, negative-delivery'), { receiptRequested: true }],
  [
    'requests for both, in any case',
    cpim('Display,POSITIVE-DELIVERY'),
    { receiptRequested: true, displayRequested: true },
  ],
  ['a request with a parameter that nobody knows', cpim('display;x=y'), { displayRequested: true }],
  ['no request', cpim(''), {}],
  [
    'a notification of delivery, which asks for nothing though it does (§7.2.1)',
    imdn('delivery', 'delivered'),
    { receiptFor: '34jk324j' },
  ],
  ['a notification of display', imdn('display', 'displayed'), { displayedFor: '34jk324j' }],
  ['a notification that it was forbidden', imdn('display', 'forbidden'), {}],
  ['a notification that is no XML', cpim('', 'message/imdn+xml', '<imdn'), {}],
]
for (const [name, body, receipts] of readings) {
  test(`read by another protocol: ${name} (RFC 5438 §6.2, §11)`, async () => {
    const domain = await SipDomain.make()
    const phone = domain.phone('alice', '192.0.2.3')
    const other = desk('bob@example.com')
    domain.service.messages.attach(other, () => undefined)
    assert.equal((await sendCpim(phone, 'sip:bob@example.com', body)).status, 200)
    const { receiptRequested, displayRequested, receiptFor, displayedFor } = other.got[0] as InstantMessage
    const found = { receiptRequested, displayRequested, receiptFor, displayedFor }
    assert.deepEqual(JSON.parse(JSON.stringify(found)), receipts)
    // §6.3: by this name the sender finds its message again.
    assert.match(other.heads[0]?.id ?? '', /^(34jk324j|d834jied93rf)$/)
  })
}

test('a notification passes between phones octet for octet (RFC 5438 §12)', async () => {
  const domain = await SipDomain.make()
  const [phone, other] = [domain.phone('alice', '192.0.2.3'), domain.phone('bob', '192.0.2.1')]
  await phone.register()
  await other.register()
  const body = imdn('delivery', 'delivered')
  assert.equal((await sendCpim(other, 'sip:alice@example.com', body)).status, 200)
  assert.equal(textOf(await phone.next('MESSAGE')), body)
})

const processings: [asked: string, isThere: boolean, status: string | undefined][] = [
  ['processing', false, 'stored'],
  ['processing', true, 'processed'],
  ['positive-delivery, display, negative-delivery', false, undefined],
  ['positive-delivery, display', true, undefined],
]
for (const [asked, isThere, status] of processings) {
  test(`who asks for ${asked} of one who is ${isThere ? 'there' : 'away'} is told ${status ?? 'nothing'} by us (RFC 5438 §8.1)`, async () => {
    const domain = await SipDomain.make()
    const phone = domain.phone('alice', '192.0.2.3')
    await phone.register()
    if (isThere) await domain.phone('bob', '192.0.2.1').register()
    const answer = await sendCpim(phone, 'sip:bob@example.com', cpim(asked))
    assert.equal(answer.status, isThere ? 200 : 202)
    await new Promise((resolve) => setImmediate(resolve))
    if (status === undefined) return assert.deepEqual(phone.requests, [])
    assert.deepEqual(notificationIn(await phone.next('MESSAGE')), {
      about: '34jk324j',
      type: 'processing',
      status,
      from: 'im:bob@example.com',
      to: 'im:alice@example.com',
      dateTime: '2008-04-04T17:16:49.000Z',
    })
    // §8.1: "MUST NOT send more than one IMDN for the same disposition type".
    assert.deepEqual(phone.requests, [])
  })
}

const answers: [said: Partial<InstantMessage>, type: string, status: string][] = [
  [{ receiptFor: '34jk324j' }, 'delivery', 'delivered'],
  [{ displayedFor: '34jk324j' }, 'display', 'displayed'],
]
for (const [said, type, status] of answers) {
  test(`another protocol's receipt is a ${type} notification to a phone that reads Message/CPIM, and lost to another`, async () => {
    for (const reads of [true, false]) {
      const domain = await SipDomain.make()
      const phone = domain.phone('alice', '192.0.2.3')
      await phone.register(...(reads ? ['Accept: text/plain, message/CPIM'] : []))
      const outcomes: string[] = []
      domain.service.messages.send(fromElsewhere(said), ({ kind }) => void outcomes.push(kind))
      if (reads) {
        const told = notificationIn(await phone.next('MESSAGE'))
        assert.deepEqual(
          [told.about, told.type, told.status, told.from],
          ['34jk324j', type, status, 'im:bob@example.com'],
        )
      }
      assert.deepEqual(outcomes, ['delivered'])
      assert.deepEqual(phone.requests, [])
    }
  })
}

test('a message that asks for receipts is Message/CPIM to a phone that reads it, and plain to others', async () => {
  const domain = await SipDomain.make()
  const phone = domain.phone('alice', '192.0.2.3')
  await phone.register()
  const asking = { receiptRequested: true, displayRequested: true, body: text }
  domain.service.messages.send(fromElsewhere(asking), () => undefined)
  assert.equal(fieldOf(await phone.next('MESSAGE'), 'Content-Type'), 'text/plain;charset=utf-8')
  // It writes Message/CPIM itself: so it reads it.
  await sendCpim(phone, 'sip:bob@example.com', cpim('display'))
  domain.service.messages.send(fromElsewhere({ ...asking, id: 'm2' }), () => undefined)
  const request = await phone.next('MESSAGE')
  const message = parseCpim(bodyOf(request))
  assert(!('fault' in message))
  const { messageId, asked } = imdnHeaders(message)
  assert.deepEqual([messageId, [...asked]], ['m2', ['positive-delivery', 'display']])
  assert.match(textOf(request), /\r\n\r\nContent-Type: text\/plain;charset=utf-8\r\n\r\nHello$/)
  domain.service.messages.send(fromElsewhere({ body: text, id: 'm3' }), () => undefined)
  assert.equal(textOf(await phone.next('MESSAGE')), 'Hello')
})

test('a phone that refuses Message/CPIM after all gets plain text, the refused message too (415)', async () => {
  const domain = await SipDomain.make()
  const phone = domain.phone('alice', '192.0.2.3')
  await phone.register('Accept: message/cpim')
  phone.answers = (request) => ({
    status: fieldOf(request, 'Content-Type') === 'message/cpim' ? 415 : 200,
    toTag: 'phone',
  })
  const outcomes: string[] = []
  domain.service.messages.send(
    fromElsewhere({ receiptRequested: true, body: text }),
    ({ kind }) => void outcomes.push(kind),
  )
  await phone.next('MESSAGE')
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(outcomes, ['stored'])
  domain.service.messages.send(
    fromElsewhere({ receiptRequested: true, body: text, id: 'm2' }),
    () => undefined,
  )
  assert.equal(textOf(await phone.next('MESSAGE')), 'Hello')
})

test('a message that failed later is told as a notification where that was asked for (RFC 5438 §8.2)', async () => {
  for (const asked of ['negative-delivery', 'positive-delivery']) {
    const domain = await SipDomain.make()
    const phone = domain.phone('alice', '192.0.2.3')
    await phone.register()
    await sendCpim(phone, 'sip:bob@example.com', cpim(asked))
    const [item] = await domain.service.store.undelivered(bob, 0, 10)
    const head = item?.head as Head
    const report = { about: head.id, event: 'failed', condition: 'target-unknown' } as const
    const outcomes: (string | undefined)[] = []
    domain.service.messages.report(report, head, (outcome) => void outcomes.push(outcome?.kind))
    if (asked === 'negative-delivery') {
      const told = notificationIn(await phone.next('MESSAGE'))
      assert.deepEqual([told.about, told.type, told.status], ['34jk324j', 'delivery', 'failed'])
    }
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(phone.requests, [])
    // Unasked, it waits for a device that can show it.
    assert.deepEqual(outcomes, [asked === 'negative-delivery' ? 'delivered' : 'stored'])
  }
})
