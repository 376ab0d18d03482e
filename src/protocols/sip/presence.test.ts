// SUBSCRIBE, NOTIFY and PUBLISH: RFC 6665, RFC 3856 and RFC 3903 over the core.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePidf } from '#wire/pidf'
import { bodyOf, type SipRequest, type SipResponse } from './codec/message.ts'
import { fieldOf, type Phone, textOf } from './testing/phone.ts'
import { at, SipDomain } from './testing/sip-domain.ts'

const pidf = (status: string, note = ''): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\r\n<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:alice@example.com"><tuple id="t1"><status><basic>${status}</basic></status><note>${note}</note></tuple></presence>\r\n`

async function watched(
  options: Parameters<typeof SipDomain.make>[0] = {},
): Promise<{ domain: SipDomain; alice: Phone; bob: Phone }> {
  const domain = await SipDomain.make(options)
  return { domain, alice: domain.phone('alice', '192.0.2.3'), bob: domain.phone('bob', '192.0.2.1') }
}

const subscribe = (phone: Phone, ...more: string[]): Promise<SipResponse> =>
  phone.request('SUBSCRIBE', {
    uri: 'sip:alice@example.com',
    callId: 'sub',
    headers: ['Event: presence', `Contact: <${phone.contact}>`, 'Accept: application/pidf+xml', ...more],
  })

const publish = (phone: Phone, body: string, ...more: string[]): Promise<SipResponse> =>
  phone.request('PUBLISH', {
    uri: 'sip:alice@example.com',
    body,
    headers: ['Event: presence', ...(body === '' ? [] : ['Content-Type: application/pidf+xml']), ...more],
  })

const tagOf = (response: SipResponse): string =>
  /tag=([^;]+)/.exec(fieldOf(response, 'To') ?? '')?.[1] ?? assert.fail()

/** What a NOTIFY says: open, closed, or nothing at all. */
function saidBy(notify: SipRequest): string {
  const document = parsePidf(bodyOf(notify), { now: 0 })
  assert(!('fault' in document), textOf(notify))
  return document.tuples.map((tuple) => tuple.basic).join(',')
}

test('neither who watches nor who is watched learns where the other is (RFC 2779 §5.1.17, §5.1.18, §5.2.5, §5.2.6)', async () => {
  const { domain, alice, bob } = await watched({ confirmSameDomain: true })
  const sent = { [alice.endpoint.address]: '', [bob.endpoint.address]: '' }
  alice.answers = () => ({ status: 200 })
  bob.answers = () => ({ status: 200 })
  domain.onDatagram = (octets, _port, host) => (sent[host] += Buffer.from(octets).toString())
  await alice.register()
  await bob.register()
  await alice.request('SUBSCRIBE', {
    callId: 'winfo',
    headers: ['Event: presence.winfo', `Contact: <${alice.contact}>`],
  })
  await alice.next('NOTIFY')
  await subscribe(bob)
  // RFC 3857 §4.10: once in five seconds.
  domain.clock.advance(5000)
  await alice.next('NOTIFY')
  await domain.service.contacts.approve(at('alice@example.com'), at('bob@example.com'), undefined, () => {})
  await publish(alice, pidf('open', 'here'))
  domain.clock.advance(5000)
  await alice.next('NOTIFY')
  const told = sent[bob.endpoint.address] ?? ''
  assert.match(told, /<basic>open</)
  assert.match(told, /<note[^>]*>here</)
  assert.match(sent[alice.endpoint.address] ?? '', /sip:bob@example\.com/)
  assert.ok(!told.includes(alice.endpoint.address), told)
  assert.ok(!sent[alice.endpoint.address]?.includes(bob.endpoint.address), sent[alice.endpoint.address])
})

test('a subscription gets 200, and a NOTIFY at once with the state (RFC 3856 §8)', async () => {
  const { alice, bob } = await watched()
  await publish(alice, pidf('open', 'here'))
  const response = await subscribe(bob, 'Expires: 600')
  assert.deepEqual(
    [response.status, fieldOf(response, 'Expires'), fieldOf(response, 'Contact')],
    [200, '600', '<sip:192.0.2.254:5060>'],
  )
  const notify = await bob.next('NOTIFY')
  assert.deepEqual(
    ['Event', 'Subscription-State', 'CSeq', 'Content-Type'].map((name) => fieldOf(notify, name)),
    ['presence', 'active;expires=600', '1 NOTIFY', 'application/pidf+xml'],
  )
  assert.equal(fieldOf(notify, 'To'), '<sip:bob@example.com>;tag=bob')
  assert.equal(fieldOf(notify, 'From'), `<sip:alice@example.com>;tag=${tagOf(response)}`)
})

test('the document of one device goes to its watcher octet for octet', async () => {
  const { alice, bob } = await watched()
  await publish(alice, pidf('open', 'as I wrote it'))
  await subscribe(bob)
  assert.equal(textOf(await bob.next('NOTIFY')), pidf('open', 'as I wrote it'))
})

test('each change is told, and the end of a publication too (RFC 3903 §4, RFC 3856 §6.10)', async () => {
  const { domain, alice, bob } = await watched()
  await subscribe(bob)
  assert.equal(saidBy(await bob.next('NOTIFY')), '')
  const first = await publish(alice, pidf('open'), 'Expires: 60')
  assert.equal(saidBy(await bob.next('NOTIFY')), 'open')
  await publish(alice, pidf('closed'), 'Expires: 60', `SIP-If-Match: ${fieldOf(first, 'SIP-ETag')}`)
  assert.equal(saidBy(await bob.next('NOTIFY')), 'closed')
  domain.clock.advance(60_001)
  assert.equal(saidBy(await bob.next('NOTIFY')), '')
})

test('a registered phone is present without a word, and absent when its registration ends', async () => {
  const { alice, bob } = await watched()
  await subscribe(bob)
  await bob.next('NOTIFY')
  await alice.register()
  assert.equal(saidBy(await bob.next('NOTIFY')), 'open')
  await alice.register(`Contact: <${alice.contact}>;expires=0`)
  assert.equal(saidBy(await bob.next('NOTIFY')), '')
})

test('a publication takes the place of the registration it came from, and gives it back', async () => {
  const { alice, bob } = await watched()
  await alice.register()
  const first = await publish(alice, pidf('closed'))
  await subscribe(bob)
  assert.equal(saidBy(await bob.next('NOTIFY')), 'closed')
  await publish(alice, '', 'Expires: 0', `SIP-If-Match: ${fieldOf(first, 'SIP-ETag')}`)
  assert.equal(saidBy(await bob.next('NOTIFY')), 'open', 'without an absence between')
})

test('two devices are two tuples of one document', async () => {
  const { domain, alice, bob } = await watched()
  const desk = domain.phone('alice', '192.0.2.4')
  await alice.register()
  await desk.register()
  await subscribe(bob)
  assert.equal(saidBy(await bob.next('NOTIFY')), 'open,open')
})

test('entity tags: refreshed, modified, removed; an unknown one is 412 (RFC 3903 §6)', async () => {
  const { alice } = await watched()
  const first = await publish(alice, pidf('open'), 'Expires: 600')
  const tag = fieldOf(first, 'SIP-ETag')
  assert.deepEqual([first.status, fieldOf(first, 'Expires')], [200, '600'])
  const refreshed = await publish(alice, '', `SIP-If-Match: ${tag}`)
  assert.equal(refreshed.status, 200)
  assert.notEqual(fieldOf(refreshed, 'SIP-ETag'), tag)
  assert.equal((await publish(alice, '', `SIP-If-Match: ${tag}`)).status, 412)
  const modified = await publish(alice, pidf('closed'), `SIP-If-Match: ${fieldOf(refreshed, 'SIP-ETag')}`)
  assert.equal(modified.status, 200)
  assert.equal(
    (await publish(alice, '', 'Expires: 0', `SIP-If-Match: ${fieldOf(modified, 'SIP-ETag')}`)).status,
    200,
  )
  assert.equal(
    (await publish(alice, pidf('open'), `SIP-If-Match: ${fieldOf(modified, 'SIP-ETag')}`)).status,
    412,
  )
})

test('a tag whose lease ran out is 412 (RFC 3903 §6)', async () => {
  const { domain, alice } = await watched()
  const first = await publish(alice, pidf('open'), 'Expires: 60')
  domain.clock.advance(60_001)
  assert.equal((await publish(alice, '', `SIP-If-Match: ${fieldOf(first, 'SIP-ETag')}`)).status, 412)
})

test('PUBLISH: 489, 415, 400, 423 and 403 (RFC 3903 §6)', async () => {
  const { alice, bob } = await watched()
  const send = (headers: string[], body = '') =>
    alice.request('PUBLISH', { uri: 'sip:alice@example.com', headers, body })
  assert.equal((await send(['Event: dialog'])).status, 489)
  assert.equal(fieldOf(await send([]), 'Allow-Events'), 'presence')
  assert.equal((await send(['Event: presence'])).status, 400)
  assert.equal((await send(['Event: presence', 'Content-Type: text/plain'], 'x')).status, 415)
  assert.equal(
    (await send(['Event: presence', 'Content-Type: application/pidf+xml'], '<presence')).status,
    400,
  )
  const brief = await send(
    ['Event: presence', 'Content-Type: application/pidf+xml', 'Expires: 5'],
    pidf('open'),
  )
  assert.deepEqual([brief.status, fieldOf(brief, 'Min-Expires')], [423, '60'])
  assert.equal((await publish(bob, pidf('open'))).status, 403)
})

test('SUBSCRIBE: 489, 406, 423, 400 and 404 (RFC 6665 §4.2.1.1)', async () => {
  const { bob } = await watched()
  const send = (headers: string[], uri = 'sip:alice@example.com') =>
    bob.request('SUBSCRIBE', { uri, headers })
  const contact = `Contact: <${bob.contact}>`
  assert.equal((await send(['Event: dialog', contact])).status, 489)
  assert.equal((await send([contact])).status, 489)
  assert.equal((await send(['Event: presence', contact, 'Accept: text/plain'])).status, 406)
  assert.equal((await send(['Event: presence', contact, 'Expires: 5'])).status, 423)
  assert.equal((await send(['Event: presence'])).status, 400)
  assert.equal((await send(['Event: presence', contact], 'sip:nobody@example.com')).status, 404)
})

test('Expires 0 asks once: 200, and one last NOTIFY with the state (RFC 6665 §4.4.3)', async () => {
  const { alice, bob } = await watched()
  await publish(alice, pidf('open'))
  assert.equal(fieldOf(await subscribe(bob, 'Expires: 0'), 'Expires'), '0')
  const notify = await bob.next('NOTIFY')
  assert.deepEqual(
    [fieldOf(notify, 'Subscription-State'), saidBy(notify)],
    ['terminated;reason=timeout', 'open'],
  )
  await publish(alice, pidf('closed'))
  assert.deepEqual(bob.requests, [])
})

test('a SUBSCRIBE in the dialog renews it; out of order it is 500, in none 481 (RFC 6665 §4.2.1.1, RFC 3261 §12.2.2)', async () => {
  const { domain, bob } = await watched()
  const first = await subscribe(bob, 'Expires: 60')
  await bob.next('NOTIFY')
  domain.clock.advance(50_000)
  const again = (cseq: number, tag: string, expires: number) =>
    bob.request('SUBSCRIBE', {
      uri: 'sip:192.0.2.254:5060',
      to: `<sip:alice@example.com>;tag=${tag}`,
      callId: 'sub',
      cseq,
      headers: ['Event: presence', `Contact: <${bob.contact}>`, `Expires: ${expires}`],
    })
  assert.equal((await again(5, tagOf(first), 120)).status, 200)
  assert.equal(fieldOf(await bob.next('NOTIFY'), 'Subscription-State'), 'active;expires=120')
  domain.clock.advance(100_000)
  assert.equal((await again(4, tagOf(first), 120)).status, 500)
  assert.equal((await again(6, 'other', 120)).status, 481)
  assert.equal((await again(7, tagOf(first), 0)).status, 200)
  assert.equal(fieldOf(await bob.next('NOTIFY'), 'Subscription-State'), 'terminated;reason=timeout')
  assert.equal((await again(8, tagOf(first), 60)).status, 481)
})

test('a subscription that is not renewed ends with a NOTIFY (RFC 6665 §4.2.2)', async () => {
  const { domain, bob } = await watched()
  await subscribe(bob, 'Expires: 60')
  await bob.next('NOTIFY')
  domain.clock.advance(60_001)
  assert.equal(fieldOf(await bob.next('NOTIFY'), 'Subscription-State'), 'terminated;reason=timeout')
  assert.equal(domain.context.subscriptions.size, 0)
})

test('481 to a NOTIFY ends the subscription (RFC 6665 §4.2.2)', async () => {
  const { domain, alice, bob } = await watched()
  bob.answers = () => ({ status: 481, toTag: 'gone' })
  await subscribe(bob)
  await bob.next('NOTIFY')
  assert.equal(domain.context.subscriptions.size, 0)
  await publish(alice, pidf('open'))
  assert.deepEqual(bob.requests, [])
})

test('a watcher that never answers a NOTIFY loses its subscription (RFC 6665 §4.2.2)', async () => {
  const { domain, bob } = await watched()
  bob.answers = undefined
  await subscribe(bob)
  await bob.next('NOTIFY')
  domain.clock.advance(32_001)
  assert.equal(domain.context.subscriptions.size, 0)
  assert.equal(domain.service.directory.resident(at('alice@example.com'))?.subscriptions.size, 0)
})

test('while a NOTIFY waits for its answer, only the newest state follows it', async () => {
  const { domain, alice, bob } = await watched()
  bob.answers = undefined
  await subscribe(bob)
  await bob.next('NOTIFY')
  for (const note of ['one', 'two', 'three']) await publish(alice, pidf('open', note), `X: ${note}`)
  assert.deepEqual(bob.requests, [])
  bob.answers = () => ({ status: 200, toTag: 'ok' })
  domain.clock.advance(500)
  await bob.next('NOTIFY')
  const next = await bob.next('NOTIFY')
  assert.match(textOf(next), /three/)
  assert.equal(fieldOf(next, 'CSeq'), '2 NOTIFY')
})

test('where the owner must confirm: pending without a word of presence, then active with it (RFC 3856 §6.6.2)', async () => {
  const { domain, alice, bob } = await watched({ confirmSameDomain: true })
  await publish(alice, pidf('open', 'secret'))
  assert.equal((await subscribe(bob)).status, 200)
  const pending = await bob.next('NOTIFY')
  assert.match(fieldOf(pending, 'Subscription-State') ?? '', /^pending;expires=/)
  assert.equal(textOf(pending), '')
  domain.service.contacts.approve(at('alice@example.com'), at('bob@example.com'), undefined, () => undefined)
  const active = await bob.next('NOTIFY')
  assert.match(fieldOf(active, 'Subscription-State') ?? '', /^active;expires=/)
  assert.equal(saidBy(active), 'open')
})

test('where the owner refuses, the subscription is terminated;reason=rejected (RFC 6665 §4.1.3)', async () => {
  const { domain, bob } = await watched({ confirmSameDomain: true })
  await subscribe(bob)
  await bob.next('NOTIFY')
  domain.service.contacts.refuse(at('alice@example.com'), at('bob@example.com'), undefined, () => undefined)
  assert.equal(fieldOf(await bob.next('NOTIFY'), 'Subscription-State'), 'terminated;reason=rejected')
})

test('the id parameter of Event comes back in every NOTIFY (RFC 6665 §8.2.1)', async () => {
  const { bob } = await watched()
  await bob.request('SUBSCRIBE', {
    uri: 'sip:alice@example.com',
    headers: ['Event: presence;id=7', `Contact: <${bob.contact}>`],
  })
  assert.equal(fieldOf(await bob.next('NOTIFY'), 'Event'), 'presence;id=7')
})

test('Record-Route is copied to the 200 and is the route of NOTIFY (RFC 3261 §12.1.1)', async () => {
  const { bob } = await watched()
  const response = await subscribe(bob, 'Record-Route: <sip:192.0.2.1;lr>')
  assert.equal(fieldOf(response, 'Record-Route'), '<sip:192.0.2.1;lr>')
  assert.equal(fieldOf(await bob.next('NOTIFY'), 'Route'), '<sip:192.0.2.1;lr>')
})

test('when the server stops, watchers are told when to come again (RFC 6665 §4.1.3)', async () => {
  const { domain, bob } = await watched()
  await subscribe(bob)
  await bob.next('NOTIFY')
  for (const subscription of domain.context.subscriptions.all()) subscription.end('probation')
  assert.equal(
    fieldOf(await bob.next('NOTIFY'), 'Subscription-State'),
    'terminated;reason=probation;retry-after=30',
  )
})
