// What every request is asked before its method is, RFC 3261 §8.2, row by row.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Condition, conditions } from '#model'
import { conditionOf, statusOf } from './errors.ts'
import { fieldOf, type RequestOptions } from './testing/phone.ts'
import { SipDomain } from './testing/sip-domain.ts'

const rows: readonly [
  what: string,
  method: string,
  options: RequestOptions,
  status: number,
  field?: [string, RegExp],
][] = [
  [
    'OPTIONS to the server says what it can (RFC 3261 §11.2)',
    'OPTIONS',
    { uri: 'sip:example.com' },
    200,
    ['Allow', /MESSAGE/],
  ],
  [
    'a method that we know and do not allow is 405 with Allow (§8.2.1)',
    'INVITE',
    { uri: 'sip:example.com' },
    405,
    ['Allow', /REGISTER/],
  ],
  ['an unknown method is 501 (§21.5.2)', 'FROBNICATE', { uri: 'sip:example.com' }, 501],
  ['a method named like a property of objects is 501', 'constructor', { uri: 'sip:example.com' }, 501],
  ['a BYE without a dialog is 481 (§15.1.2)', 'BYE', { to: '<sip:bob@example.com>;tag=x' }, 481],
  [
    'a NOTIFY without a subscription is 481 (RFC 6665 §4.1.3)',
    'NOTIFY',
    { headers: ['Event: presence'] },
    481,
  ],
  ['a CANCEL of nothing is 481 (§9.2)', 'CANCEL', {}, 481],
  [
    'an extension that we lack is 420 with Unsupported (§8.2.2.3)',
    'OPTIONS',
    { uri: 'sip:example.com', headers: ['Require: 100rel, path'] },
    420,
    ['Unsupported', /^100rel$/],
  ],
  [
    'a Proxy-Require that we lack is 420 (§16.3)',
    'MESSAGE',
    { headers: ['Proxy-Require: foo'] },
    420,
    ['Unsupported', /^foo$/],
  ],
  ['a URI scheme that we lack is 416 (§8.2.2.1)', 'OPTIONS', { uri: 'tel:+1234' }, 416],
  [
    'a request that was here before is 482 (§16.3)',
    'OPTIONS',
    { uri: 'sip:example.com', headers: ['Via: SIP/2.0/UDP 192.0.2.254:5060;branch=z9hG4bKold'] },
    482,
  ],
  ['a MESSAGE in a dialog is 481', 'MESSAGE', { to: '<sip:bob@example.com>;tag=x' }, 481],
  [
    'without credentials a REGISTER is 401 for both hashes (RFC 8760 §2)',
    'REGISTER',
    { uri: 'sip:example.com', headers: ['User-Agent: a phone'] },
    401,
    ['WWW-Authenticate', /algorithm=SHA-256/],
  ],
  [
    'without credentials a MESSAGE is 407 (§22.3)',
    'MESSAGE',
    {},
    407,
    ['Proxy-Authenticate', /realm="example.com".*qop="auth"/],
  ],
  [
    'another scheme of credentials is challenged (RFC 4475 §3.3.7)',
    'REGISTER',
    { uri: 'sip:example.com', headers: ['Authorization: NoOneKnowsThisScheme opaque-data=here'] },
    401,
  ],
]

for (const [what, method, options, status, field] of rows)
  test(what, async () => {
    const domain = await SipDomain.make()
    const phone = domain.phone('bob', '192.0.2.1')
    const response = await phone.request(method, { ...options, authenticate: false })
    assert.equal(response.status, status)
    if (field !== undefined) assert.match(fieldOf(response, field[0]) ?? '', field[1])
    assert.match(fieldOf(response, 'To') ?? '', /;tag=/)
  })

test('a refused INVITE is answered again until its ACK (RFC 3261 §17.2.1)', async () => {
  const domain = await SipDomain.make()
  const phone = domain.phone('bob', '192.0.2.1')
  const options = { uri: 'sip:example.com', callId: 'call', cseq: 1, branch: 'z9hG4bKinvite' }
  phone.raw(phone.write('INVITE', options))
  const first = await phone.final('call', 1)
  domain.clock.advance(500)
  const again = await phone.final('call', 1)
  assert.equal(fieldOf(again, 'To'), fieldOf(first, 'To'))
  phone.raw(phone.write('ACK', { ...options, to: fieldOf(first, 'To') ?? '' }))
  domain.clock.advance(10_000)
  assert.deepEqual(phone.responses, [])
})

test('a CANCEL of an answered INVITE is 200 and changes nothing (RFC 3261 §9.2)', async () => {
  const domain = await SipDomain.make()
  const phone = domain.phone('bob', '192.0.2.1')
  phone.raw(
    phone.write('INVITE', { uri: 'sip:example.com', callId: 'call', cseq: 1, branch: 'z9hG4bKinvite' }),
  )
  assert.equal((await phone.final('call', 1)).status, 405)
  phone.raw(phone.write('CANCEL', { callId: 'call', cseq: 1, branch: 'z9hG4bKinvite' }))
  assert.equal((await phone.final('call', 1)).status, 200)
})

test('a request that came by two ways is 482 on the second (RFC 3261 §8.2.2.2)', async () => {
  const domain = await SipDomain.make()
  const phone = domain.phone('bob', '192.0.2.1')
  for (const [branch, status] of [
    ['z9hG4bKone', 405],
    ['z9hG4bKtwo', 482],
  ] as const) {
    phone.raw(phone.write('INVITE', { uri: 'sip:example.com', callId: 'call', cseq: 1, branch }))
    assert.equal((await phone.final('call', 1)).status, status)
  }
})

test('a malformed request is answered once without a transaction, a malformed ACK not at all (RFC 3261 §8.2.7)', async () => {
  const domain = await SipDomain.make()
  const phone = domain.phone('bob', '192.0.2.1')
  const text = phone.write('OPTIONS', { callId: 'call', cseq: 1 })
  phone.raw(text.replace(/^From: .*\r\n/m, ''))
  assert.equal((await phone.final('call', 1)).status, 400)
  phone.raw(text.replace('SIP/2.0\r\n', 'SIP/3.0\r\n'))
  assert.equal((await phone.final('call', 1)).status, 505)
  phone.raw(text.replaceAll('OPTIONS', 'ACK').replace(/^From: .*\r\n/m, ''))
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(phone.responses, [])
})

test('the answer goes to the port of Via where rport was not asked for (RFC 3261 §18.2.2)', async () => {
  const domain = await SipDomain.make()
  const listening = domain.phone('bob', '192.0.2.1', 5060)
  const sending = domain.phone('bob', '192.0.2.1', 41_000)
  const text = listening.write('OPTIONS', { uri: 'sip:example.com', callId: 'call', cseq: 1 })
  sending.raw(text.replace(';rport', ''))
  assert.equal((await listening.final('call', 1)).status, 200)
})

test('keep-alives and noise are not answered (RFC 5626 §3.5)', async () => {
  const domain = await SipDomain.make()
  const phone = domain.phone('bob', '192.0.2.1')
  for (const noise of ['\r\n\r\n', '', '\0\x01\0\0', 'hello', 'SIP/2.0 200 OK\r\n\r\n']) phone.raw(noise)
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual([phone.responses, phone.requests], [[], []])
})

test('a response whose Via is not ours is dropped (RFC 3261 §18.1.2)', async () => {
  const domain = await SipDomain.make()
  const phone = domain.phone('bob', '192.0.2.1')
  phone.raw(
    'SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 203.0.113.1;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: x\r\nCSeq: 1 MESSAGE\r\n\r\n',
  )
  assert.deepEqual(phone.responses, [])
})

test('every condition has a status, and every status that comes back a condition (RFC 7247 §7)', () => {
  for (const condition of conditions) assert(statusOf[condition as Condition] >= 300, condition)
  for (let status = 300; status < 700; status++) assert(conditions.includes(conditionOf(status)))
})

test('past the limit of transactions the oldest answered one goes, and an overload is 503 (LIMIT)', async () => {
  const domain = await SipDomain.make()
  const phone = domain.phone('bob', '192.0.2.1')
  for (let i = 0; i < 50; i++)
    phone.raw(phone.write('OPTIONS', { uri: 'sip:example.com', callId: `c${i}`, cseq: 1 }))
  assert.equal(domain.context.layer.size.servers, 50)
  domain.clock.advance(32_001)
  assert.deepEqual([domain.context.layer.size.servers, domain.context.layer.timers.held], [0, 0])
})
