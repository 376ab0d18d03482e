// Which publication is which device's, and how many NOTIFYs follow.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ifMatch, pidf, publish, seen, tagIn, world } from './testing/publishing.ts'
import { at, SipDomain } from './testing/sip-domain.ts'

test('phones of one person behind one proxy do not take each other’s place (RFC 3903 §4.1)', async () => {
  const domain = await SipDomain.make()
  const proxy = domain.phone('alice', '192.0.2.3')
  for (const user of ['desk', 'cell'])
    await proxy.register(`Contact: <sip:${user}@10.0.0.1>`, `Path: <sip:192.0.2.3:5060;lr>`)
  const tags = new Map<string, string>()
  for (const callId of ['desk', 'cell'])
    tags.set(callId, tagIn(await publish(proxy, { body: pidf(callId), callId })))
  for (const tag of tags.values())
    assert.equal((await publish(proxy, { headers: [ifMatch(tag)] })).status, 200)
})

/** A watcher, and how many NOTIFYs it was sent since it last asked. */
async function counted(domain: SipDomain): Promise<() => Promise<number>> {
  const watcher = domain.phone('carol', '192.0.2.9')
  const headers = ['Event: presence', `Contact: <${watcher.contact}>`]
  await watcher.request('SUBSCRIBE', { uri: 'sip:alice@example.com', headers })
  return async () => {
    await watcher.request('OPTIONS', { uri: 'sip:example.com' })
    domain.clock.advance(10_000)
    return watcher.requests.splice(0).filter(({ method }) => method === 'NOTIFY').length
  }
}

test('who says the same again is not told to anybody: refreshed, sent again whole, by another Call-ID, registered again', async () => {
  const { domain, alice, tag } = await world()
  const notifies = await counted(domain)
  assert.equal(await notifies(), 1)
  const refreshed = await publish(alice, { headers: [ifMatch(tag)] })
  assert.equal(await notifies(), 0, 'refreshed')
  const again = await publish(alice, { body: pidf('first'), headers: [ifMatch(tagIn(refreshed)), 'X: y'] })
  assert.equal(await notifies(), 0, 'the same body, with other credentials and another CSeq')
  await publish(alice, { body: pidf('other'), headers: [ifMatch(tagIn(again))] })
  assert.equal(await notifies(), 1, 'another body')
  await alice.register()
  assert.equal(await notifies(), 2, 'registered: its own place, and the one before is gone')
  await alice.register()
  assert.equal(await notifies(), 0, 'registered again')
  const own = await publish(alice, { body: pidf('own'), callId: 'own' })
  assert.equal(await notifies(), 1, 'the registered phone speaks for itself')
  await publish(alice, { body: pidf('own'), callId: 'anew' })
  assert.equal(await notifies(), 0, 'begun anew with the same words')
  assert.equal((await publish(alice, { headers: [ifMatch(tagIn(own))] })).status, 412)
})

test('a registered phone whose publication ends is open again in the same NOTIFY', async () => {
  const { domain, alice } = await world()
  await alice.register()
  const notifies = await counted(domain)
  await notifies()
  await publish(alice, { body: pidf('own'), callId: 'own', headers: ['Expires: 60'] })
  assert.equal(await notifies(), 1)
  domain.clock.advance(60_001)
  assert.equal(await notifies(), 1)
})

test('a phone that published before it registered is shown once, and its tag goes on', async () => {
  const there = await world()
  const { domain, alice, tag } = there
  const notifies = await counted(domain)
  await notifies()
  await alice.register()
  assert.equal(
    await notifies(),
    2,
    'it has its own name now: the new place is told, and that the old one is gone',
  )
  assert.equal(await seen(there), 'first')
  const next = await publish(alice, { body: pidf('second'), headers: [ifMatch(tag)] })
  assert.equal(await seen(there), 'second')
  await publish(alice, { headers: [ifMatch(tagIn(next)), 'Expires: 0'] })
  assert.equal(await notifies(), 2)
  const contact = domain.context.registrar.contactAt(
    domain.service.directory.resident(at('alice@example.com')),
    domain.context.transport.datagramFlow(alice.endpoint) ?? assert.fail(),
  )
  assert.equal(contact?.published, false)
})

test('a publication outlives the registration of its phone, and is there when it registers again (RFC 3903 §4.2)', async () => {
  const there = await world()
  const { domain, alice, tag } = there
  await alice.register()
  const next = await publish(alice, { body: pidf('own'), headers: [ifMatch(tag), 'Expires: 600'] })
  await alice.register(`Contact: <${alice.contact}>;expires=0`)
  assert.equal(await seen(there), 'own')
  await alice.register()
  assert.equal(await seen(there), 'own')
  assert.equal((await publish(alice, { headers: [ifMatch(tagIn(next)), 'Expires: 60'] })).status, 200)
  domain.clock.advance(60_001)
  assert.equal(await seen(there), '', 'a service without a note: the registration')
  assert.equal(domain.context.publications.size, 0)
})
