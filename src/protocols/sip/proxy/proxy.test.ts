// Calls between phones, RFC 3261 §16: forking, best answer, CANCEL, Timer C, routes of dialogs, loops.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { flushConnections } from '#net'
import type { ResponseParts } from '../codec/encode.ts'
import { encodeResponse } from '../codec/encode.ts'
import { headerValuesNamed, requestUri, type SipRequest } from '../codec/message.ts'
import { topVia } from '../codec/via.ts'
import { fieldOf, type Phone } from '../testing/phone.ts'
import { SipDomain, settings } from '../testing/sip-domain.ts'

const noStamp = { received: undefined, rport: undefined }
const ticks = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) {
    flushConnections()
    await new Promise(setImmediate)
  }
}
const answer = (phone: Phone, request: SipRequest, parts: ResponseParts): void =>
  phone.raw(encodeResponse(request, topVia(request), noStamp, parts))
const recordRoute = (request: SipRequest) =>
  headerValuesNamed(request, 'Record-Route').map((value) => ['Record-Route', value] as const)

/** A domain where `alice` can call, her nonce known, and who she calls answers by hand. */
async function ready(...callees: [user: string, address: string, transport?: 'UDP' | 'TCP'][]) {
  const domain = await SipDomain.make()
  const alice = domain.phone('alice', '192.0.2.1')
  assert.equal((await alice.register()).status, 200)
  const phones: Phone[] = []
  for (const [user, address, transport] of callees) {
    const phone = domain.phone(user, address, 5060, transport)
    assert.equal((await phone.register()).status, 200)
    phone.answers = undefined
    phones.push(phone)
  }
  return { domain, alice, phones }
}

/** Sends an INVITE with credentials; gives its Call-ID and branch. */
function call(alice: Phone, to = 'sip:bob@example.com', headers: string[] = []) {
  const options = { uri: to, callId: `call-${Math.random()}`, cseq: 7, branch: `z9hG4bK${Math.random()}` }
  const lines = [`Contact: <${alice.contact}>`, ...headers, ...alice.credentials('INVITE', to)]
  alice.raw(alice.write('INVITE', { ...options, headers: lines }))
  return options
}

const statuses = (phone: Phone): number[] => phone.responses.map(({ status }) => status)

test('a call: INVITE, 180, 200, ACK, re-INVITE and BYE both ways by the routes we put in (§16.6, §16.12)', async () => {
  const { alice, phones } = await ready(['bob', '192.0.2.2', 'TCP'])
  const [bob] = phones as [Phone]
  const sent = call(alice, undefined, ['Require: 100rel', 'X-Any: kept'])
  const invite = await bob.next('INVITE')
  assert.equal(requestUri(invite), bob.contact)
  assert.equal(fieldOf(invite, 'Max-Forwards'), '69')
  assert.equal(fieldOf(invite, 'X-Any'), 'kept')
  assert.equal(fieldOf(invite, 'Authorization'), undefined, 'credentials are for us')
  const routes = recordRoute(invite)
  assert.equal(routes.length, 2)
  assert.match(routes[0]![1], /;transport=tcp;lr>$/)
  assert.match(routes[1]![1], /@192\.0\.2\.254:5060;lr>$/)
  answer(bob, invite, { status: 180, toTag: 'b' })
  answer(bob, invite, { status: 200, toTag: 'b', headers: [...routes, ['Contact', `<${bob.contact}>`]] })
  await ticks()
  assert.deepEqual(statuses(alice), [180, 200])
  const ok = alice.responses.pop()!
  const back = headerValuesNamed(ok, 'Record-Route')
    .reverse()
    .map((value) => `Route: ${value}`)
  const inDialog = { ...sent, uri: bob.contact, to: fieldOf(ok, 'To')!, headers: back }
  alice.raw(alice.write('ACK', { ...inDialog, branch: 'z9hG4bKack' }))
  const ack = await bob.next('ACK')
  assert.equal(fieldOf(ack, 'Route'), undefined)
  alice.raw(alice.write('INVITE', { ...inDialog, cseq: 8, branch: 'z9hG4bKre' }))
  assert.equal(requestUri(await bob.next('INVITE')), bob.contact)
  // And the other way: Bob hangs up.
  const bye = {
    uri: alice.contact,
    callId: sent.callId,
    cseq: 1,
    from: `${fieldOf(ok, 'To')}`,
    to: fieldOf(ok, 'From')!,
    headers: routes.map(([, value]) => `Route: ${value}`),
  }
  bob.raw(bob.write('BYE', bye))
  assert.equal(requestUri(await alice.next('BYE')), alice.contact)
  assert.equal((await bob.final(sent.callId, 1)).status, 200)
})

/** Phones of Bob, each with its q. */
async function preferring(...qs: number[]) {
  const { domain, alice, phones } = await ready(
    ...qs.map((_q, i): [string, string] => ['bob', `192.0.2.${i + 2}`]),
  )
  for (const [i, phone] of phones.entries()) {
    phone.answers = () => ({ status: 200, toTag: 'x' })
    await phone.register(`Contact: <${phone.contact}>;q=${qs[i]}`)
    phone.answers = undefined
  }
  return { domain, alice, phones }
}
const rings = (phones: Phone[]): boolean[] =>
  phones.map((phone) => phone.requests.some(({ method }) => method === 'INVITE'))

test('phones of a higher q ring first, those of one q together; the next ones once these have refused (§16.6)', async () => {
  const { alice, phones } = await preferring(0.5, 1, 0.5, 0.1)
  const sent = call(alice)
  await ticks()
  assert.deepEqual(rings(phones), [false, true, false, false])
  answer(phones[1]!, await phones[1]!.next('INVITE'), { status: 486, toTag: 'a' })
  await ticks()
  assert.deepEqual(rings(phones), [true, false, true, false])
  answer(phones[0]!, await phones[0]!.next('INVITE'), { status: 480, toTag: 'b' })
  answer(phones[2]!, await phones[2]!.next('INVITE'), { status: 200, toTag: 'c' })
  assert.equal((await alice.final(sent.callId, 7)).status, 200)
  assert.deepEqual(rings(phones), [false, false, false, false])
})

test('who rings too long is cancelled while the next ones ring; an answer of either is taken (§16.6, §16.7)', async () => {
  const { domain, alice, phones } = await preferring(1, 0.5)
  const [desk, mobile] = phones as [Phone, Phone]
  const sent = call(alice)
  const first = await desk.next('INVITE')
  answer(desk, first, { status: 180, toTag: 'd' })
  domain.clock.advance(20_000)
  await desk.next('CANCEL')
  const second = await mobile.next('INVITE')
  // Its 487 is about our CANCEL, and nothing to the caller.
  answer(desk, first, { status: 487, toTag: 'd' })
  await ticks()
  assert.deepEqual(statuses(alice), [180])
  answer(mobile, second, { status: 486, toTag: 'm' })
  assert.equal((await alice.final(sent.callId, 7)).status, 486)
})

const endings: readonly [what: string, status: number | 'cancel'][] = [
  ['6xx is the person’s word for all phones', 603],
  ['the caller’s CANCEL ends the search', 'cancel'],
]
for (const [what, ending] of endings)
  test(`${what}: no phone of a lower q rings (§16.7, §16.10)`, async () => {
    const { domain, alice, phones } = await preferring(1, 0.5)
    const sent = call(alice)
    const first = await phones[0]!.next('INVITE')
    answer(phones[0]!, first, { status: 180, toTag: 'd' })
    await ticks()
    if (ending === 'cancel') {
      alice.raw(alice.write('CANCEL', { ...sent }))
      await phones[0]!.next('CANCEL')
    }
    const status = ending === 'cancel' ? 487 : ending
    answer(phones[0]!, first, { status, toTag: 'd' })
    await ticks()
    assert.deepEqual(alice.responses.map((one) => one.status).at(-1), status)
    domain.clock.advance(60_000)
    await ticks()
    assert.deepEqual(rings(phones), [false, false])
  })

test('who answers neither the INVITE nor its CANCEL does not keep the caller from an answer (§9.1)', async () => {
  const { domain, alice, phones } = await preferring(1, 0.5)
  const sent = call(alice)
  answer(phones[0]!, await phones[0]!.next('INVITE'), { status: 180, toTag: 'd' })
  domain.clock.advance(20_000)
  answer(phones[1]!, await phones[1]!.next('INVITE'), { status: 486, toTag: 'm' })
  await ticks()
  domain.clock.advance(32_000)
  assert.equal((await alice.final(sent.callId, 7)).status, 486)
})

test('all phones ring; the first 2xx goes back, the others are cancelled (§16.7 step 10)', async () => {
  const { alice, phones } = await ready(['bob', '192.0.2.2'], ['bob', '192.0.2.3'])
  const [desk, mobile] = phones as [Phone, Phone]
  call(alice)
  const [one, two] = [await desk.next('INVITE'), await mobile.next('INVITE')]
  answer(desk, one, { status: 180, toTag: 'd' })
  answer(mobile, two, { status: 180, toTag: 'm' })
  answer(desk, one, { status: 200, toTag: 'd' })
  const cancel = await mobile.next('CANCEL')
  assert.equal(fieldOf(cancel, 'Via'), fieldOf(two, 'Via'), 'the topmost Via is the INVITE’s (§9.1)')
  answer(mobile, two, { status: 487, toTag: 'm' })
  await mobile.next('ACK')
  assert.deepEqual(statuses(alice), [180, 180, 200])
})

const best: readonly [answers: [number, number], back: number][] = [
  [[486, 480], 486],
  [[404, 603], 603],
  [[486, 302], 302],
  [[480, 407], 407],
  [[500, 486], 486],
  [[503, 503], 500],
  [[408, 404], 404],
]
for (const [[first, second], back] of best)
  test(`of ${first} and ${second}, ${back} goes back (§16.7 step 6)`, async () => {
    const { alice, phones } = await ready(['bob', '192.0.2.2'], ['bob', '192.0.2.3'])
    const sent = call(alice)
    for (const [i, status] of [first, second].entries())
      answer(phones[i]!, await phones[i]!.next('INVITE'), { status, toTag: String(i) })
    assert.equal((await alice.final(sent.callId, 7)).status, back)
  })

test('challenges of all branches are put together (§16.7 step 7)', async () => {
  const { alice, phones } = await ready(['bob', '192.0.2.2'], ['bob', '192.0.2.3'])
  const sent = call(alice)
  for (const [i, phone] of phones.entries())
    answer(phone, await phone.next('INVITE'), {
      status: 407,
      toTag: String(i),
      headers: [['Proxy-Authenticate', `Digest realm="${i}", nonce="n"`]],
    })
  const back = await alice.final(sent.callId, 7)
  assert.equal(headerValuesNamed(back, 'Proxy-Authenticate').length, 2)
})

test('a CANCEL of the caller goes to every branch, once each has said something (§9.1, §16.10)', async () => {
  const { alice, phones } = await ready(['bob', '192.0.2.2'])
  const [bob] = phones as [Phone]
  const sent = call(alice)
  const invite = await bob.next('INVITE')
  alice.raw(alice.write('CANCEL', { ...sent }))
  assert.equal((await alice.final(sent.callId, 7)).status, 200)
  await ticks()
  assert.deepEqual(bob.requests, [], 'no CANCEL before a provisional response')
  answer(bob, invite, { status: 180, toTag: 'b' })
  await bob.next('CANCEL')
  answer(bob, invite, { status: 487, toTag: 'b' })
  assert.equal((await alice.final(sent.callId, 7)).status, 487)
})

test('who rings for ever is cancelled, and the caller told: Timer C, and nothing is left (§16.8)', async () => {
  const { domain, alice, phones } = await ready(['bob', '192.0.2.2'])
  const [bob] = phones as [Phone]
  const sent = call(alice)
  const invite = await bob.next('INVITE')
  for (let i = 0; i < 5; i++) {
    answer(bob, invite, { status: 180, toTag: 'b' })
    domain.clock.advance(150_000)
  }
  await bob.next('CANCEL')
  domain.clock.advance(33_000)
  assert.equal((await alice.final(sent.callId, 7)).status, 408)
  domain.clock.advance(200_000)
  assert.deepEqual(domain.context.layer.size, { servers: 0, clients: 0 })
})

test('Timer C is larger than three minutes, and begins anew with each provisional response (RFC 3261 §16.6 step 11, §16.7 step 2)', async () => {
  assert.ok(settings.ringSecondsMax > 180)
  const { domain, alice, phones } = await ready(['bob', '192.0.2.2'])
  const [bob] = phones as [Phone]
  call(alice)
  const invite = await bob.next('INVITE')
  // The domain of the tests has the default.
  for (let i = 0; i < 2; i++) {
    answer(bob, invite, { status: 180, toTag: 'b' })
    domain.clock.advance(settings.ringSecondsMax * 1000 - 1000)
    assert.deepEqual(bob.requests, [])
  }
  domain.clock.advance(1000)
  assert.equal(bob.requests[0]?.method, 'CANCEL')
})

test('a person has so many requests waiting and no more: 503 (LIMIT)', async () => {
  const { alice, phones } = await ready(['bob', '192.0.2.2'])
  for (let i = 0; i < 4; i++) {
    call(alice)
    await phones[0]!.next('INVITE')
  }
  const fifth = await alice.final(call(alice).callId, 7)
  assert.equal(fifth.status, 503)
  assert.equal(fieldOf(fifth, 'Retry-After'), '5')
})

test('a route of another call, or of nobody’s making, is 403; one whose connection is gone 430 (RFC 5626 §5.3.1)', async () => {
  const { alice, phones } = await ready(['bob', '192.0.2.2', 'TCP'])
  const [bob] = phones as [Phone]
  const sent = call(alice)
  const routes = recordRoute(await bob.next('INVITE')).map(([, value]) => `Route: ${value}`)
  const bye = { uri: bob.contact, cseq: 1, to: '<sip:bob@example.com>;tag=b', headers: routes.reverse() }
  const other = await alice.request('BYE', { ...bye, callId: 'another', authenticate: false })
  assert.equal(other.status, 403)
  const made = 'Route: <sip:AAAAAAAAAAAAAAAAAAAA@192.0.2.254:5060;lr>'
  const forged = await alice.request('BYE', {
    ...bye,
    callId: sent.callId,
    headers: [made],
    authenticate: false,
  })
  assert.equal(forged.status, 403)
  bob.connection?.destroy()
  await ticks()
  const gone = await alice.request('BYE', { ...bye, callId: sent.callId, cseq: 2, authenticate: false })
  assert.equal(gone.status, 430)
})

test('a phone that diverts a call makes a spiral, which goes on; the same request back is a loop: 482 (RFC 5393 §4.2)', async () => {
  const { alice, phones } = await ready(['bob', '192.0.2.2'], ['carol', '192.0.2.3'])
  const [bob, carol] = phones as [Phone, Phone]
  call(alice)
  const invite = await bob.next('INVITE')
  const text = Buffer.from(invite.raw).toString()
  const again = (uri: string, branch: string): string =>
    text
      .replace(requestUri(invite), uri)
      .replace(/\r\nVia/, `\r\nVia: SIP/2.0/UDP 192.0.2.2:5060;branch=${branch}\r\nVia`)
      .replace(/\r\nContent-Length/, `\r\n${alice.credentials('INVITE', uri)[0]}\r\nContent-Length`)
  bob.raw(again('sip:carol@example.com', 'z9hG4bKdiverted'))
  assert.equal(requestUri(await carol.next('INVITE')), carol.contact)
  bob.raw(again('sip:bob@example.com', 'z9hG4bKloop'))
  await ticks()
  assert.deepEqual(
    statuses(bob).filter((status) => status >= 200),
    [482],
  )
})

test('breadth is shared among branches, and used up is 440 (RFC 5393 §5.3.3)', async () => {
  const { alice, phones } = await ready(['bob', '192.0.2.2'], ['bob', '192.0.2.3'])
  call(alice, undefined, ['Max-Breadth: 5'])
  for (const phone of phones) assert.equal(fieldOf(await phone.next('INVITE'), 'Max-Breadth'), '2')
  const none = call(alice, undefined, ['Max-Breadth: 0'])
  assert.equal((await alice.final(none.callId, 7)).status, 440)
})

const refusals: readonly [what: string, to: string, headers: string[], status: number][] = [
  ['nobody of that name is 404 (§16.5)', 'sip:nobody@example.com', [], 404],
  ['a person without a phone is 480', 'sip:carol@example.com', [], 480],
  ['another domain is 404', 'sip:bob@example.net', [], 404],
  ['a Proxy-Require that we lack is 420 (§16.3)', 'sip:bob@example.com', ['Proxy-Require: foo'], 420],
  ['a sips URI is for TLS on every hop: 480 (§26.2.2)', 'sips:bob@example.com', [], 480],
]
for (const [what, to, headers, status] of refusals)
  test(`INVITE: ${what}`, async () => {
    const { alice } = await ready(['bob', '192.0.2.2'])
    assert.equal((await alice.final(call(alice, to, headers).callId, 7)).status, status)
  })

test('Max-Forwards 0 is 483 (§16.3)', async () => {
  const { alice } = await ready(['bob', '192.0.2.2'])
  const sent = { uri: 'sip:bob@example.com', callId: 'hops', cseq: 1 }
  const text = alice.write('INVITE', { ...sent, headers: alice.credentials('INVITE', sent.uri) })
  alice.raw(text.replace('Max-Forwards: 70', 'Max-Forwards: 0'))
  assert.equal((await alice.final('hops', 1)).status, 483)
})

test('a challenged INVITE is not answered again and again to an address it may not be from (§8.2.7)', async () => {
  const domain = await SipDomain.make()
  const alice = domain.phone('alice', '192.0.2.1')
  const text = alice.write('INVITE', { uri: 'sip:bob@example.com', callId: 'spoofed', cseq: 1 })
  alice.raw(text)
  const first = await alice.final('spoofed', 1)
  assert.equal(first.status, 407)
  domain.clock.advance(60_000)
  assert.deepEqual(alice.responses, [])
  assert.equal(domain.context.layer.size.servers, 0)
  alice.raw(text)
  assert.equal(fieldOf(await alice.final('spoofed', 1), 'To'), fieldOf(first, 'To'))
})

test('OPTIONS and unknown methods go to a person’s phones; what nobody answers gets no late 408 (RFC 4320 §4.2)', async () => {
  const { domain, alice, phones } = await ready(['bob', '192.0.2.2'])
  const [bob] = phones as [Phone]
  const asked = alice.request('FROBNICATE', { uri: 'sip:bob@example.com', callId: 'frob' })
  answer(bob, await bob.next('FROBNICATE'), { status: 299, toTag: 'b', reason: 'Frobnicated' })
  assert.equal((await asked).status, 299)
  const options = { uri: 'sip:bob@example.com', callId: 'silent', cseq: 1 }
  alice.raw(alice.write('OPTIONS', { ...options, headers: alice.credentials('OPTIONS', options.uri) }))
  await bob.next('OPTIONS')
  domain.clock.advance(40_000)
  await ticks()
  assert.deepEqual(
    statuses(alice).filter((status) => status >= 200),
    [],
  )
  domain.clock.advance(40_000)
  assert.deepEqual(domain.context.layer.size, { servers: 0, clients: 0 })
})
