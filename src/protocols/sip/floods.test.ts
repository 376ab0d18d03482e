// Who sends much, or in the name of others' addresses: answers stay small, tables bounded, others are served.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { headerValuesNamed } from './codec/message.ts'
import { fieldOf } from './testing/phone.ts'
import { SipDomain } from './testing/sip-domain.ts'

const small = (method: string, k: number, uri = 'sip:example.com'): string =>
  `${method} ${uri} SIP/2.0\r\nv:SIP/2.0/UDP 1.2.3.4;branch=z9hG4bK${k}\r\nf:<sip:bob@example.com>;tag=1\r\n` +
  `t:<sip:bob@example.com>\r\ni:${k}\r\nCSeq:1 ${method}\r\n${method === 'SUBSCRIBE' ? 'o:presence\r\n' : ''}\r\n`

for (const method of [
  'REGISTER',
  'SUBSCRIBE',
  'PUBLISH',
  'MESSAGE',
  'INVITE',
  'OPTIONS',
  'BYE',
  'FROBNICATE',
])
  test(`a small ${method} in another's name makes no more than three times its octets, and once`, async () => {
    const domain = await SipDomain.make()
    const sent: number[] = []
    domain.onDatagram = (octets) => sent.push(octets.length)
    const request = small(method, 1, method === 'OPTIONS' ? 'sip:example.com' : 'sip:bob@example.com')
    domain.context.transport.datagram(Buffer.from(request), { address: '198.51.100.7', port: 5060 })
    domain.clock.advance(120_000)
    assert.equal(sent.length, 1)
    assert.ok(sent[0]! <= 3 * request.length, `${sent[0]} octets for ${request.length}`)
  })

test('a client that asks as clients do is offered both algorithms', async () => {
  const domain = await SipDomain.make()
  const bob = domain.phone('bob', '192.0.2.1')
  const challenged = await bob.request('REGISTER', {
    uri: 'sip:example.com',
    to: `<${bob.aor}>`,
    authenticate: false,
  })
  assert.equal(headerValuesNamed(challenged, 'WWW-Authenticate').length, 2)
})

test('a flood from many addresses leaves a bounded number of transactions, and none after 32 seconds', async () => {
  const domain = await SipDomain.make({ settings: { transactionsMax: 1024 } })
  const bob = domain.phone('bob', '192.0.2.1')
  const alice = domain.phone('alice', '192.0.2.2')
  assert.equal((await bob.register()).status, 200)
  for (let k = 0; k < 5000; k++) {
    const method = ['REGISTER', 'SUBSCRIBE', 'INVITE', 'OPTIONS', 'MESSAGE'][k % 5] as string
    const address = `198.51.${k >> 8}.${k & 255}`
    domain.context.transport.datagram(Buffer.from(small(method, k)), { address, port: 5060 })
    assert.ok(domain.context.layer.size.servers <= 1024)
  }
  assert.equal((await alice.message('sip:bob@example.com', 'through all that')).status, 200)
  domain.clock.advance(40_000)
  assert.deepEqual(domain.context.layer.size, { servers: 0, clients: 0 })
})

test('a REGISTER with too many contacts is refused whole, and leaves none (LIMIT)', async () => {
  const domain = await SipDomain.make()
  const bob = domain.phone('bob', '192.0.2.1')
  const contacts = (count: number): string =>
    `Contact: ${Array.from({ length: count }, (_, i) => `<sip:bob@192.0.2.${i}>`).join(', ')}`
  assert.equal((await bob.register(contacts(5))).status, 503)
  assert.equal((await bob.register(contacts(200))).status, 400)
  assert.equal(
    fieldOf(await bob.request('REGISTER', { uri: 'sip:example.com', to: `<${bob.aor}>` }), 'Contact'),
    undefined,
  )
})
