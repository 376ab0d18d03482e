// Who has an account may name others' addresses as Contacts: few datagrams go there before something there answers (decision 0093).

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fieldOf, type Phone } from './testing/phone.ts'
import { SipDomain } from './testing/sip-domain.ts'

const victims = ['198.51.100.1', '198.51.100.2', '198.51.100.3', '198.51.100.4']

interface Scene {
  readonly domain: SipDomain
  readonly alice: Phone
  readonly mallory: Phone
  /** Datagrams that went to each address. */
  readonly sent: Map<string, number>
}

async function scene(): Promise<Scene> {
  const domain = await SipDomain.make({ users: ['alice', 'bob', 'mallory'] })
  const sent = new Map<string, number>()
  domain.onDatagram = (_octets, _port, host) => void sent.set(host, (sent.get(host) ?? 0) + 1)
  const alice = domain.phone('alice', '192.0.2.3')
  const mallory = domain.phone('mallory', '192.0.2.66')
  mallory.asksRport = false
  await alice.register()
  return { domain, alice, mallory, sent }
}

const contactsAt = (addresses: readonly string[]): string =>
  `Contact: ${addresses.map((address, i) => `<sip:x@${address}:${5060 + i}>`).join(', ')}`

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate)
}

/** Sends without waiting for the answer. */
function send(phone: Phone, method: string, callId: string): void {
  const uri = 'sip:mallory@example.com'
  const headers = phone.credentials(method, uri)
  if (method === 'MESSAGE') headers.push('Content-Type: text/plain')
  phone.raw(phone.write(method, { uri, callId, cseq: 5, headers, body: method === 'MESSAGE' ? 'x' : '' }))
}

for (const method of ['MESSAGE', 'OPTIONS', 'INVITE'])
  test(`a stranger who was named as a Contact gets two requests at most, however many ${method} are sent and however often the name is given (RFC 3261 §26.1.5)`, async () => {
    const { domain, alice, mallory, sent } = await scene()
    for (let round = 0; round < 10; round++) {
      assert.equal((await mallory.register(contactsAt(victims))).status, 200)
      for (let n = 0; n < 4; n++) send(alice, method, `${method}-${round}-${n}`)
      await settle()
      domain.clock.advance(40_000)
      await settle()
    }
    for (const address of victims) {
      const count = sent.get(address) ?? 0
      assert.ok(count > 0, `${address} was tried`)
      // 22 at first and 11 an hour, of which these are 7 minutes.
      assert.ok(count <= 24, `${count} datagrams to ${address}`)
    }
  })

test('one address that is named with many ports, by many, has one budget', async () => {
  const { domain, alice, mallory, sent } = await scene()
  const [address = ''] = victims
  assert.equal((await mallory.register(contactsAt([address, address, address, address]))).status, 200)
  send(alice, 'OPTIONS', 'one')
  await settle()
  domain.clock.advance(40_000)
  assert.equal(sent.get(address), 22)
})

test('a phone that registers another address and answers there is reached as any other, without end', async () => {
  const { domain, alice, mallory } = await scene()
  const elsewhere = domain.phone('mallory', '198.51.100.9', 5062)
  assert.equal((await mallory.register('Contact: <sip:mallory@198.51.100.9:5062>')).status, 200)
  for (let n = 0; n < 60; n++)
    assert.equal((await alice.message('sip:mallory@example.com', `${n}`)).status, 200)
  assert.equal(elsewhere.requests.length, 60)
})

test('where the address that a phone says is silent, it is reached at its source from the next registration on (RFC 3581 §1)', async () => {
  const { domain, alice, mallory } = await scene()
  const contact = 'Contact: <sip:mallory@10.0.0.7:5060>'
  for (let n = 0; n < 2; n++) {
    await mallory.register(contact)
    send(alice, 'MESSAGE', `lost-${n}`)
    await settle()
    domain.clock.advance(40_000)
    await settle()
    assert.equal((await alice.final(`lost-${n}`, 5)).status, 202)
    assert.equal(mallory.requests.length, 0)
  }
  await mallory.register(contact)
  // What was stored meanwhile comes first.
  await settle()
  assert.equal((await alice.message('sip:mallory@example.com', 'found')).status, 200)
  assert.equal(mallory.requests.length, 3)
})

test('past its budget a message is stored at once, and does not wait for silence', async () => {
  const { domain, alice, mallory, sent } = await scene()
  const [address = ''] = victims
  await mallory.register(contactsAt([address]))
  for (const callId of ['a', 'b', 'c', 'd']) send(alice, 'OPTIONS', callId)
  await settle()
  domain.clock.advance(20_000)
  await settle()
  assert.equal(sent.get(address), 22)
  const response = await alice.message('sip:mallory@example.com', 'now')
  assert.deepEqual([response.status, fieldOf(response, 'Retry-After')], [202, undefined])
})

test('who logs in with the address of another on the datagram has few sent there, too: the challenge was heard elsewhere', async () => {
  const { domain, alice, mallory, sent } = await scene()
  const [address = ''] = victims
  mallory.asksRport = true
  assert.equal((await mallory.register('Contact: *', 'Expires: 0')).status, 200)
  for (let round = 0; round < 10; round++) {
    const headers = [`Contact: <sip:x@${address}>`, ...mallory.credentials('REGISTER', 'sip:example.com')]
    const request = mallory.write('REGISTER', {
      uri: 'sip:example.com',
      to: `<${mallory.aor}>`,
      callId: 'spoofed',
      cseq: round + 1,
      headers,
    })
    const before = sent.get(address) ?? 0
    domain.context.transport.datagram(Buffer.from(request), { address, port: 5060 })
    await settle()
    // Its answer, be it a challenge or a 200, is one datagram that was asked for.
    assert.equal(sent.get(address), before + 1)
    sent.set(address, before)
    for (const method of ['MESSAGE', 'OPTIONS', 'INVITE']) send(alice, method, `${method}-${round}`)
    await settle()
    domain.clock.advance(20_000)
    await settle()
  }
  const registered = await mallory.request('REGISTER', { uri: 'sip:example.com', to: `<${mallory.aor}>` })
  assert.match(fieldOf(registered, 'Contact') ?? '', new RegExp(`<sip:x@${address}>`))
  assert.ok((sent.get(address) ?? 0) > 0)
  assert.ok((sent.get(address) ?? 0) <= 24, `${sent.get(address)} datagrams`)
})

test('a SUBSCRIBE whose Contact is a stranger sends few NOTIFYs there', async () => {
  const { domain, mallory, sent } = await scene()
  const [address = ''] = victims
  await mallory.register()
  for (let n = 0; n < 10; n++) {
    const headers = ['Event: presence', 'Expires: 600', `Contact: <sip:x@${address}>`]
    const response = await mallory.request('SUBSCRIBE', {
      uri: 'sip:mallory@example.com',
      callId: `s${n}`,
      headers,
    })
    assert.ok(response.status < 300)
    await settle()
    domain.clock.advance(40_000)
    await settle()
  }
  assert.ok((sent.get(address) ?? 0) <= 24, `${sent.get(address)} datagrams`)
})
