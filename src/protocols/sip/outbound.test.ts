// Flows (RFC 5626), GRUUs (RFC 5627), Path (RFC 3327) and Service-Route (RFC 3608) at the registrar and behind it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { flushConnections } from '#net'
import { headerValuesNamed, requestUri, type SipResponse } from './codec/message.ts'
import { parseSipUri } from './codec/uri.ts'
import { fieldOf, type Phone, textOf } from './testing/phone.ts'
import { at, SipDomain } from './testing/sip-domain.ts'

const instance = '+sip.instance="<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>"'
const ticks = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) {
    flushConnections()
    await new Promise(setImmediate)
  }
}
const bind = (phone: Phone, regId: number, ...more: string[]): Promise<SipResponse> =>
  phone.register(
    `Contact: <${phone.contact}>;${instance};reg-id=${regId}`,
    'Supported: outbound, path',
    ...more,
  )

async function twoFlows() {
  const domain = await SipDomain.make()
  const one = domain.phone('bob', '192.0.2.1', 5060, 'TCP')
  const two = domain.phone('bob', '192.0.2.1', 5061, 'TCP')
  assert.equal((await bind(one, 1)).status, 200)
  const response = await bind(two, 2)
  return { domain, one, two, response, alice: domain.phone('alice', '192.0.2.9') }
}

test('each reg-id of an instance is a binding of one phone; outbound is required and timed (RFC 5626 §6)', async () => {
  const { domain, response } = await twoFlows()
  const contacts = headerValuesNamed(response, 'Contact')
  assert.deepEqual(
    contacts.map((value) => /;reg-id=(\d)/.exec(value)?.[1]),
    ['2', '1'],
  )
  assert.equal(fieldOf(response, 'Require'), 'outbound')
  assert.equal(fieldOf(response, 'Flow-Timer'), '120')
  assert.equal(domain.service.directory.resident(at('bob@example.com'))?.inbox.agents.length, 1)
})

test('a message goes over one flow of an instance only, the newest; over the other when that fails (§7)', async () => {
  const { one, two, alice } = await twoFlows()
  assert.equal((await alice.message('sip:bob@example.com', 'first')).status, 200)
  assert.equal(textOf(await two.next('MESSAGE')), 'first')
  assert.deepEqual(one.requests, [])
  two.answers = () => ({ status: 430, toTag: 'edge' })
  assert.equal((await alice.message('sip:bob@example.com', 'second')).status, 200)
  assert.equal(textOf(await one.next('MESSAGE')), 'second')
})

test('a call tries the other flow after 430, and not after a word of the phone itself (§7)', async () => {
  const { one, two, alice } = await twoFlows()
  two.answers = () => ({ status: 430, toTag: 'edge' })
  one.answers = () => ({ status: 486, toTag: 'phone' })
  assert.equal((await alice.request('INVITE', { uri: 'sip:bob@example.com' })).status, 486)
  await one.next('INVITE')
  two.answers = () => ({ status: 603, toTag: 'phone' })
  assert.equal((await alice.request('INVITE', { uri: 'sip:bob@example.com' })).status, 603)
  assert.deepEqual(
    one.requests.filter(({ method }) => method === 'INVITE'),
    [],
  )
})

test('a flow that ends takes its binding along, and the phone stays by the other; with the last it is gone', async () => {
  const { domain, one, two, alice } = await twoFlows()
  two.connection?.destroy()
  await ticks()
  assert.equal((await alice.message('sip:bob@example.com', 'still there')).status, 200)
  assert.equal(textOf(await one.next('MESSAGE')), 'still there')
  one.connection?.destroy()
  await ticks()
  assert.equal(domain.service.directory.resident(at('bob@example.com'))?.inbox.agents.length, 0)
})

const firstHops: readonly [what: string, lines: string[], status: number, require: string | undefined][] = [
  ['by a proxy that says ob', ['Path: <sip:edge.example.com;lr;ob>'], 200, 'outbound'],
  ['by a proxy without Path is 439', [], 439, undefined],
  ['by a proxy whose Path lacks ob is 439', ['Path: <sip:edge.example.com;lr>'], 439, undefined],
]
for (const [what, lines, status, require] of firstHops)
  test(`a flow registered ${what} (RFC 5626 §6)`, async () => {
    const domain = await SipDomain.make()
    const bob = domain.phone('bob', '192.0.2.1')
    const via = 'Via: SIP/2.0/UDP 192.0.2.200;branch=z9hG4bKbelow'
    const response = await bind(bob, 1, via, ...lines)
    assert.equal(response.status, status)
    assert.equal(fieldOf(response, 'Require'), require)
  })

test('behind a proxy without ob, a phone that does not ask for outbound registers, its reg-id ignored (§6)', async () => {
  const domain = await SipDomain.make()
  const bob = domain.phone('bob', '192.0.2.1')
  const response = await bob.register(
    `Contact: <${bob.contact}>;${instance};reg-id=1`,
    'Via: SIP/2.0/UDP 192.0.2.200;branch=z9hG4bKbelow',
  )
  assert.equal(response.status, 200)
  assert.doesNotMatch(fieldOf(response, 'Contact') ?? '', /reg-id/)
})

test('two contacts in a registration of a flow are 400; a reg-id without an instance is ignored (§6)', async () => {
  const domain = await SipDomain.make()
  const bob = domain.phone('bob', '192.0.2.1')
  const two = `Contact: <${bob.contact}>;${instance};reg-id=1, <sip:bob@192.0.2.2>`
  assert.equal((await bob.register(two, 'Supported: outbound')).status, 400)
  const alone = await bob.register(`Contact: <${bob.contact}>;reg-id=1`, 'Supported: outbound')
  assert.equal(alone.status, 200)
  assert.equal(fieldOf(alone, 'Require'), undefined)
})

test('a connection with a Flow-Timer that falls silent is closed after twice that (RFC 5626 §4.4.1)', async () => {
  const { domain, one, two } = await twoFlows()
  domain.context.transport.watchConnections()
  for (let i = 0; i < 26; i++) {
    one.raw('\r\n\r\n')
    flushConnections()
    domain.clock.advance(10_000)
    await ticks()
  }
  assert.equal(one.connection?.closing, false)
  assert.equal(two.connection?.closing, true)
})

const gruuOf = (response: SipResponse, kind: 'pub' | 'temp'): string =>
  new RegExp(`;${kind}-gruu="([^"]*)"`).exec(fieldOf(response, 'Contact') ?? '')?.[1] ?? ''

test('a phone gets a public GRUU that stays and temporary ones that differ; both lead to it alone (RFC 5627)', async () => {
  const domain = await SipDomain.make()
  const bob = domain.phone('bob', '192.0.2.1')
  const other = domain.phone('bob', '192.0.2.2')
  const alice = domain.phone('alice', '192.0.2.9')
  const lines = [`Contact: <${bob.contact}>;${instance}`, 'Supported: gruu']
  const options = { uri: 'sip:example.com', to: `<${bob.aor}>`, callId: 'reg', headers: lines }
  const first = await bob.request('REGISTER', { ...options, cseq: 1 })
  const second = await bob.request('REGISTER', { ...options, cseq: 10 })
  assert.equal((await other.register()).status, 200)
  assert.match(gruuOf(first, 'pub'), /^sip:bob@example\.com;gr=./)
  assert.equal(gruuOf(second, 'pub'), gruuOf(first, 'pub'))
  assert.match(gruuOf(first, 'temp'), /^sip:tgruu\.[^@]+@example\.com;gr$/)
  assert.notEqual(gruuOf(second, 'temp'), gruuOf(first, 'temp'))
  for (const uri of [gruuOf(first, 'pub'), gruuOf(first, 'temp'), gruuOf(second, 'temp')]) {
    assert.equal((await alice.message(uri, 'to one')).status, 200, uri)
    assert.equal(requestUri(await bob.next('MESSAGE')), bob.contact)
    assert.equal((await alice.request('OPTIONS', { uri })).status, 200)
    await bob.next('OPTIONS')
  }
  // No other phone is told (decision 0097).
  assert.deepEqual(other.requests, [])
  // RFC 5627 §5.1: with another Call-ID the temporary ones are over, the public one is not.
  const third = await bob.register(...lines)
  assert.equal((await alice.message(gruuOf(first, 'temp'), 'too late')).status, 404)
  assert.equal((await alice.request('INVITE', { uri: gruuOf(first, 'temp') })).status, 404)
  assert.equal((await alice.message(gruuOf(third, 'temp'), 'in time')).status, 200)
})

test('a call or message to the GRUU of a phone that is not registered is 480 (RFC 5627 §5.3, §6.1)', async () => {
  const domain = await SipDomain.make()
  const alice = domain.phone('alice', '192.0.2.9')
  const bob = domain.phone('bob', '192.0.2.1')
  const registered = await bob.register(`Contact: <${bob.contact}>;${instance}`, 'Supported: gruu')
  await bob.register(`Contact: <${bob.contact}>;${instance};expires=0`)
  const other = domain.phone('bob', '192.0.2.2')
  await other.register()
  assert.equal((await alice.message(gruuOf(registered, 'pub'), 'to one')).status, 480)
  assert.deepEqual(other.requests, [])
  assert.equal((await alice.request('INVITE', { uri: gruuOf(registered, 'pub') })).status, 480)
  assert.equal((await alice.request('INVITE', { uri: gruuOf(registered, 'temp') })).status, 404)
})

test('after a restart a phone that comes again with its Call-ID has its temporary GRUUs again; after it was taken away it has not (RFC 5627 §5.1)', async () => {
  const domain = await SipDomain.make()
  const { service, context } = domain
  const bob = domain.phone('bob', '192.0.2.1')
  const register = async (cseq: number, more = '') =>
    gruuOf(
      await bob.request('REGISTER', {
        uri: 'sip:example.com',
        to: `<${bob.aor}>`,
        callId: 'reg',
        cseq,
        headers: [`Contact: <${bob.contact}>;${instance}${more}`, 'Supported: gruu'],
      }),
      'temp',
    )
  const before = await register(1)
  const aimOf = (where: SipDomain['context'], uri: string) =>
    where.registrar.gruus.aimOf(parseSipUri(uri) ?? assert.fail(uri), uri)
  const agent = aimOf(context, before)?.agent
  assert.match(agent ?? '', /^sip-/)
  // The same store, and nothing else of before.
  const account = service.directory.resident(at('bob@example.com'))
  for (const contact of account === undefined ? [] : context.registrar.contactsOf(account))
    context.registrar.remove(contact, 'deactivated')
  const later = await SipDomain.make({ store: domain.store })
  assert.equal(aimOf(later.context, before), undefined)
  const again = later.phone('bob', '192.0.2.1')
  const headers = [`Contact: <${again.contact}>;${instance}`, 'Supported: gruu']
  const options = { uri: 'sip:example.com', to: `<${again.aor}>`, callId: 'reg', headers }
  const after = gruuOf(await again.request('REGISTER', { ...options, cseq: 5 }), 'temp')
  assert.notEqual(after, before)
  for (const uri of [before, after]) assert.deepEqual(aimOf(later.context, uri)?.agent, agent)
  // Taken away, and come back with the same Call-ID.
  const gone = { ...options, cseq: 20, headers: [`Contact: <${again.contact}>;${instance};expires=0`] }
  assert.equal((await again.request('REGISTER', gone)).status, 200)
  const third = gruuOf(await again.request('REGISTER', { ...options, cseq: 30 }), 'temp')
  assert.equal(aimOf(later.context, after), undefined)
  assert.equal(aimOf(later.context, third)?.agent, agent)
})

test('who does not know GRUUs gets none (RFC 5627 §5.2)', async () => {
  const domain = await SipDomain.make()
  const bob = domain.phone('bob', '192.0.2.1')
  const response = await bob.register(`Contact: <${bob.contact}>;${instance}`)
  assert.doesNotMatch(fieldOf(response, 'Contact') ?? '', /gruu/)
})

test('Service-Route is given where the setting says so (RFC 3608 §6.2)', async () => {
  const domain = await SipDomain.make({ settings: { serviceRoute: true } })
  const bob = domain.phone('bob', '192.0.2.1', 5060, 'TCP')
  assert.equal(fieldOf(await bob.register(), 'Service-Route'), '<sip:192.0.2.254:5060;transport=tcp;lr>')
  // And a request that follows it loses it on its way.
  const carol = domain.phone('carol', '192.0.2.3')
  assert.equal((await carol.register()).status, 200)
  const route = 'Route: <sip:192.0.2.254:5060;transport=tcp;lr>'
  assert.equal((await bob.request('INVITE', { uri: 'sip:carol@example.com', headers: [route] })).status, 200)
  assert.equal(fieldOf(await carol.next('INVITE'), 'Route'), undefined)
})
