// Contacts that are no SIP URIs: kept, listed, and no phones (RFC 3261 §10.2.1, RFC 3665 §2.2, decision 0094).

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { headerValuesNamed } from './codec/message.ts'
import { at, SipDomain } from './testing/sip-domain.ts'

test('a Contact of another scheme is kept, listed and leased, and is no phone (RFC 3261 §10.2.1, §10.3; decision 0094)', async () => {
  const domain = await SipDomain.make()
  const bob = domain.phone('bob', '192.0.2.1')
  const alice = domain.phone('alice', '192.0.2.3')
  await alice.register()
  const listed = async () =>
    headerValuesNamed(
      await bob.request('REGISTER', { uri: 'sip:example.com', to: `<${bob.aor}>` }),
      'Contact',
    )
  const agents = () => domain.service.directory.resident(at('bob@example.com'))?.inbox.agents.length ?? 0
  const first = await bob.register('Contact: <mailto:bob@example.com>;q=0.3;x="a", tel:+1-201-555-0123')
  assert.equal(first.status, 200)
  const both = ['<mailto:bob@example.com>;expires=3600;q=0.3;x="a"', '<tel:+1-201-555-0123>;expires=3600;q=1']
  assert.deepEqual(headerValuesNamed(first, 'Contact'), both)
  assert.equal(agents(), 0)
  // Nobody is called or written to by mail: there is no phone.
  assert.equal((await alice.request('INVITE', { uri: bob.aor })).status, 480)
  assert.equal((await alice.message(bob.aor, 'stored')).status, 202)
  // A scheme knows no case: the same again, for less.
  await bob.register('Contact: <MAILTO:bob@example.com>;expires=100')
  assert.deepEqual(await listed(), ['<MAILTO:bob@example.com>;expires=100;q=1', both[1]])
  await bob.register('Contact: tel:+1-201-555-0123;expires=0')
  assert.deepEqual(await listed(), ['<MAILTO:bob@example.com>;expires=100;q=1'])
  domain.clock.advance(100_000)
  assert.deepEqual(await listed(), [])
  await bob.register('Contact: <mailto:bob@example.com>')
  assert.equal((await bob.register('Contact: *', 'Expires: 0')).status, 200)
  assert.deepEqual(await listed(), [])
})

test('contacts of other schemes count as phones do, and are taken with the phones of a request or not at all (RFC 3261 §10.3 step 7)', async () => {
  const domain = await SipDomain.make({ settings: { contactsMax: 2 } })
  const bob = domain.phone('bob', '192.0.2.1')
  const three = `Contact: <${bob.contact}>, <mailto:a@example.com>, <mailto:b@example.com>`
  assert.equal((await bob.register(three)).status, 503)
  const brief = await bob.register(`Contact: <${bob.contact}>, <mailto:a@example.com>;expires=5`)
  assert.equal(brief.status, 423)
  const none = await bob.request('REGISTER', { uri: 'sip:example.com', to: `<${bob.aor}>` })
  assert.deepEqual(headerValuesNamed(none, 'Contact'), [])
  const two = await bob.register(`Contact: <mailto:a@example.com>, <${bob.contact}>`)
  assert.equal(headerValuesNamed(two, 'Contact').length, 2)
  assert.equal((await bob.register('Contact: <mailto:b@example.com>')).status, 503)
  const again = (cseq: number, contact: string) =>
    bob.request('REGISTER', {
      uri: 'sip:example.com',
      to: `<${bob.aor}>`,
      callId: 'x',
      cseq,
      headers: [contact],
    })
  assert.equal((await again(9, 'Contact: <mailto:a@example.com>')).status, 200)
  assert.equal((await again(8, 'Contact: <mailto:a@example.com>')).status, 500)
  assert.equal((await again(7, 'Contact: *\r\nExpires: 0')).status, 500)
})

test('an account that is made anew has none of the contacts of the one before', async () => {
  const domain = await SipDomain.make()
  const bob = domain.phone('bob', '192.0.2.1')
  await bob.register('Contact: <mailto:bob@example.com>')
  await domain.service.accounts.remove(at('bob@example.com'))
  domain.clock.advance(1000)
  await domain.service.accounts.add([{ address: at('bob@example.com'), password: 'secret' }])
  const listed = await bob.request('REGISTER', { uri: 'sip:example.com', to: `<${bob.aor}>` })
  assert.deepEqual([listed.status, headerValuesNamed(listed, 'Contact')], [200, []])
})
