// What a history keeps of a MESSAGE: not the credentials that proved its sender (RFC 3261 §26.1.1, RFC 7616 §5.10).

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { text } from '#base'
import type { Head } from '#model'
import { revive } from './binding.ts'
import { textOf } from './testing/phone.ts'
import { at, SipDomain } from './testing/sip-domain.ts'

const credentials = /^(proxy-)?authorization/im

test('a stored MESSAGE holds no credentials, neither for our realm nor for another, and all else as it came', async () => {
  const domain = await SipDomain.make()
  const alice = domain.phone('alice', '192.0.2.3')
  const foreign = 'Proxy-Authorization: Digest username="a", realm="elsewhere.example", response="0"'
  const response = await alice.message('sip:bob@example.com', 'kept whole', foreign, 'X-Odd: kept')
  assert.equal(response.status, 202)
  const [item] = await domain.service.store.undelivered(at('bob@example.com'), 0, 10)
  const kept = text(item?.raw ?? new Uint8Array())
  assert.doesNotMatch(kept, credentials)
  assert.match(kept, /^X-Odd: kept\r$/m)
  assert.match(kept, /\r\n\r\nkept whole$/)
  const bob = domain.phone('bob', '192.0.2.1')
  await bob.register()
  assert.equal(textOf(await bob.next('MESSAGE')), 'kept whole')
})

test('a MESSAGE that was kept with credentials, by an earlier version, is revived without them', () => {
  const raw = [
    'MESSAGE sip:bob@example.com SIP/2.0',
    'Via: SIP/2.0/UDP 192.0.2.3;branch=z9hG4bK1',
    'proxy-authorization: Digest username="alice",',
    '  realm="example.com", response="0"',
    'From: <sip:alice@example.com>;tag=1',
    'To: <sip:bob@example.com>',
    'Call-ID: one',
    'CSeq: 2 MESSAGE',
    'Authorization: Basic YWxpY2U6c2VjcmV0',
    'Content-Type: text/plain',
    '',
    'Hello',
  ].join('\r\n')
  const head = {
    id: 'one',
    kind: 'message',
    from: at('alice@example.com'),
    to: at('bob@example.com'),
  } as Head
  const envelope = revive(head, Buffer.from(raw))
  for (const octets of [envelope.raw, envelope.keep().raw]) {
    assert.doesNotMatch(text(octets), credentials)
    assert.doesNotMatch(text(octets), /realm|Basic/)
    assert.match(text(octets), /CSeq: 2 MESSAGE\r\nContent-Type: text\/plain\r\n\r\nHello$/)
  }
})
