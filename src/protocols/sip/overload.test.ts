// What is too much is answered 503 with Retry-After (RFC 3261 §21.5.4), to who asked for too much and to nobody else.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fieldOf, type Phone } from './testing/phone.ts'
import { SipDomain } from './testing/sip-domain.ts'

const nothing = async (): Promise<void> => {
  for (let turn = 0; turn < 30; turn++) await new Promise(setImmediate)
}

/** Sends without waiting for an answer; gives its Call-ID. */
function send(phone: Phone, callId: string, body: string): void {
  const uri = 'sip:bob@example.com'
  const headers = ['Content-Type: text/plain', ...phone.credentials('MESSAGE', uri)]
  phone.raw(phone.write('MESSAGE', { uri, callId, cseq: 9, headers, body }))
}

test('a person has so many messages waiting for phones and no more; others go on, and so does the person when some are answered (LIMIT)', async () => {
  const domain = await SipDomain.make({ settings: { messagesPendingMax: 2 } })
  const [alice, carol] = [domain.phone('alice', '192.0.2.3'), domain.phone('carol', '192.0.2.4')]
  const bob = domain.phone('bob', '192.0.2.1')
  for (const phone of [alice, carol, bob]) assert.equal((await phone.register()).status, 200)
  const answer = bob.answers
  bob.answers = undefined
  // Over one lane only the first is with the phone; the others wait for it.
  for (const n of [1, 2]) send(alice, `m${n}`, `${n}`)
  await nothing()
  assert.deepEqual(alice.responses, [])
  send(alice, 'm3', '3')
  const refused = await alice.final('m3', 9)
  assert.deepEqual([refused.status, fieldOf(refused, 'Retry-After')], [503, '30'])
  send(carol, 'c1', 'of another')
  await nothing()
  assert.deepEqual(carol.responses, [])
  // The phone says nothing: after answer_seconds it is away, and what it had is stored.
  domain.clock.advance(15_000)
  assert.equal((await alice.final('m1', 9)).status, 202)
  assert.equal((await carol.final('c1', 9)).status, 202)
  domain.clock.advance(15_000)
  assert.equal((await alice.final('m2', 9)).status, 202)
  bob.answers = answer
  await bob.register()
  assert.equal((await alice.message('sip:bob@example.com', 'again')).status, 200)
})

test('a registration of too many contacts says when to come again (RFC 3261 §21.5.4)', async () => {
  const domain = await SipDomain.make({ settings: { contactsMax: 1 } })
  const bob = domain.phone('bob', '192.0.2.1')
  const response = await bob.register(`Contact: <${bob.contact}>, <sip:bob@192.0.2.2>`)
  assert.deepEqual([response.status, fieldOf(response, 'Retry-After')], [503, '30'])
})

test('an overload is answered once, without a transaction, and smaller than what came (RFC 3261 §8.2.7)', async () => {
  const domain = await SipDomain.make({ settings: { transactionsMax: 1 } })
  const bob = domain.phone('bob', '192.0.2.1')
  const alice = domain.phone('alice', '192.0.2.3')
  for (const phone of [alice, bob]) assert.equal((await phone.register()).status, 200)
  bob.answers = undefined
  send(alice, 'first', 'x')
  await nothing()
  const sizes: number[] = []
  domain.onDatagram = (octets) => void sizes.push(octets.length)
  const request = alice.write('OPTIONS', { uri: 'sip:example.com', callId: 'second', cseq: 1 })
  alice.raw(request)
  const response = await alice.final('second', 1)
  assert.equal(response.status, 503)
  assert.match(fieldOf(response, 'Retry-After') ?? '', /^\d+$/)
  domain.clock.advance(32_000)
  const answers = sizes.filter((size) => size < Buffer.byteLength(request) + 100)
  assert.ok(answers.length >= 1)
})
