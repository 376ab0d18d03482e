// An owner's phones that watch the registrations of their address (RFC 3680, RFC 5628).

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { flushConnections } from '#net'
import { isXmlFault, parseElement } from '#wire/xml'
import { bodyOf, headerValuesNamed, type SipRequest, type SipResponse } from './codec/message.ts'
import { writeRegistrationInfo } from './codec/registration-info.ts'
import { fieldOf, type Phone, textOf } from './testing/phone.ts'
import { at, SipDomain } from './testing/sip-domain.ts'

const namespace = 'urn:ietf:params:xml:ns:reginfo'
const instance = '+sip.instance="<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>"'

async function stage() {
  const domain = await SipDomain.make()
  const [desk, cell] = [domain.phone('bob', '192.0.2.1'), domain.phone('bob', '192.0.2.2')]
  return { domain, desk, cell, alice: domain.phone('alice', '192.0.2.9') }
}

const watch = (phone: Phone, ...more: string[]): Promise<SipResponse> =>
  phone.request('SUBSCRIBE', {
    uri: 'sip:bob@example.com',
    callId: 'reg-sub',
    headers: ['Event: reg', `Contact: <${phone.contact}>`, ...more],
  })

/** `0 full active`, then each contact: `192.0.2.1 active registered`. */
function told(notify: SipRequest): string[] {
  assert.deepEqual(
    [fieldOf(notify, 'Event'), fieldOf(notify, 'Content-Type')],
    ['reg', 'application/reginfo+xml'],
  )
  const root = parseElement(bodyOf(notify), { isDocument: true })
  assert(!isXmlFault(root) && root.is('reginfo', namespace), textOf(notify))
  const registration = root.child('registration')
  assert.equal(registration?.attribute('aor'), 'sip:bob@example.com')
  const contacts = registration?.childrenNamed('contact') ?? []
  assert.equal(new Set(contacts.map((one) => one.attribute('id'))).size, contacts.length)
  const host = (uri: string): string => /@([^:;>]*)/.exec(uri)?.[1] ?? ''
  return [
    [root.attribute('version'), root.attribute('state'), registration?.attribute('state')].join(' '),
    ...contacts.map(
      (one) => `${host(one.child('uri')?.text() ?? '')} ${one.attribute('state')} ${one.attribute('event')}`,
    ),
  ]
}

test('an owner is told all at first, then each change: registered, refreshed, unregistered, expired (RFC 3680 §4.3, §4.7.1)', async () => {
  const { domain, desk, cell } = await stage()
  const next = async (): Promise<string[]> => {
    domain.clock.advance(5000)
    return told(await desk.next('NOTIFY'))
  }
  const response = await watch(desk)
  // §4.4: "the default duration of subscriptions to registration state is slightly longer, 3761 seconds".
  assert.deepEqual([response.status, fieldOf(response, 'Expires')], [200, '3761'])
  assert.deepEqual(told(await desk.next('NOTIFY')), ['0 full init'])
  await desk.register('Expires: 3600')
  // §4.10: not faster than once in five seconds.
  assert.deepEqual(desk.requests, [])
  assert.deepEqual(await next(), ['1 partial active', '192.0.2.1 active registered'])
  await cell.register('Expires: 120')
  assert.deepEqual(await next(), ['2 partial active', '192.0.2.2 active registered'])
  await desk.register('Expires: 3600')
  assert.deepEqual(await next(), ['3 partial active', '192.0.2.1 active refreshed'])
  domain.clock.advance(120_000)
  assert.deepEqual(told(await desk.next('NOTIFY')), ['4 partial active', '192.0.2.2 terminated expired'])
  await desk.register('Contact: *', 'Expires: 0')
  assert.deepEqual(await next(), ['5 partial terminated', '192.0.2.1 terminated unregistered'])
})

test('a contact of another scheme is told as phones are (RFC 3680 §5.1)', async () => {
  const { domain, desk } = await stage()
  await desk.register('Contact: <mailto:bob@mail.example>')
  await watch(desk)
  assert.deepEqual(told(await desk.next('NOTIFY')), ['0 full active', 'mail.example active registered'])
  await desk.register('Contact: <mailto:bob@mail.example>;expires=100')
  domain.clock.advance(5000)
  assert.deepEqual(told(await desk.next('NOTIFY')), ['1 partial active', 'mail.example active refreshed'])
  domain.clock.advance(100_000)
  assert.deepEqual(told(await desk.next('NOTIFY')), [
    '2 partial terminated',
    'mail.example terminated expired',
  ])
})

test('a connection that ends is deactivated: the phone may come back; a removed account is rejected (RFC 3680 §4.7.1)', async () => {
  const { domain, desk } = await stage()
  const cell = domain.phone('bob', '192.0.2.2', 5060, 'TCP')
  await cell.register()
  await desk.register()
  await watch(desk)
  assert.deepEqual(told(await desk.next('NOTIFY')), [
    '0 full active',
    '192.0.2.2 active registered',
    '192.0.2.1 active registered',
  ])
  cell.connection?.destroy()
  for (let turn = 0; turn < 20; turn++) {
    flushConnections()
    await new Promise(setImmediate)
  }
  domain.clock.advance(5000)
  assert.deepEqual(told(await desk.next('NOTIFY')), ['1 partial active', '192.0.2.2 terminated deactivated'])
  await domain.service.accounts.remove(at('bob@example.com'))
  domain.clock.advance(5000)
  assert.deepEqual(told(await desk.next('NOTIFY')), ['2 partial terminated', '192.0.2.1 terminated rejected'])
})

test('a SUBSCRIBE in the dialog brings all of it again; Expires 0 ends it with all of it (RFC 3680 §4.3, §4.7.2)', async () => {
  const { desk } = await stage()
  await desk.register()
  const first = await watch(desk, 'Expires: 600')
  await desk.next('NOTIFY')
  const again = (seconds: number, cseq: number) =>
    desk.request('SUBSCRIBE', {
      uri: 'sip:bob@example.com',
      to: fieldOf(first, 'To') ?? '',
      callId: 'reg-sub',
      cseq,
      headers: ['Event: reg', `Contact: <${desk.contact}>`, `Expires: ${seconds}`],
    })
  assert.equal((await again(600, 10)).status, 200)
  assert.deepEqual(told(await desk.next('NOTIFY')), ['1 full active', '192.0.2.1 active registered'])
  assert.equal((await again(0, 20)).status, 200)
  const last = await desk.next('NOTIFY')
  assert.deepEqual(told(last), ['2 full active', '192.0.2.1 active registered'])
  assert.equal(fieldOf(last, 'Subscription-State'), 'terminated;reason=timeout')
  // Nobody is told any more.
  await desk.register()
  assert.deepEqual(desk.requests, [])
})

test('nobody but the owner is told, nor whether there is such a person; another type of document is 406 (RFC 3680 §4.5, §4.6)', async () => {
  const { desk, alice } = await stage()
  assert.equal((await watch(alice)).status, 403)
  const nobody = await alice.request('SUBSCRIBE', {
    uri: 'sip:nobody@example.com',
    headers: ['Event: reg', `Contact: <${alice.contact}>`],
  })
  assert.equal(nobody.status, 403)
  const refused = await watch(desk, 'Accept: application/pidf+xml')
  assert.deepEqual([refused.status, fieldOf(refused, 'Accept')], [406, 'application/reginfo+xml'])
  const options = await desk.request('OPTIONS', { uri: 'sip:example.com' })
  assert.deepEqual(headerValuesNamed(options, 'Allow-Events').join(), 'presence, presence.winfo, reg')
})

test('each flow of an instance is a contact of its own, with what RFC 3261 does not know, and its public GRUU (RFC 3680 §5.1, RFC 5628 §5)', async () => {
  const { domain, desk } = await stage()
  await desk.register(
    `Contact: <${desk.contact}>;${instance};reg-id=1;q=0.5;methods="INVITE, MESSAGE";audio`,
    'Supported: outbound, gruu',
  )
  domain.clock.advance(7000)
  await watch(desk)
  const root = parseElement(bodyOf(await desk.next('NOTIFY')), { isDocument: true })
  assert(!isXmlFault(root))
  const contact = root.child('registration')?.child('contact')
  const attributes = ['duration-registered', 'expires', 'q', 'callid', 'cseq'].map((name) =>
    contact?.attribute(name),
  )
  assert.deepEqual(attributes.slice(0, 3), ['7', '3593', '0.5'])
  assert(attributes[3] !== undefined && attributes[4] === '2')
  assert.deepEqual(
    contact?.childrenNamed('unknown-param').map((one) => [one.attribute('name'), one.text()]),
    [
      ['+sip.instance', '"<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>"'],
      ['reg-id', '1'],
      ['methods', '"INVITE, MESSAGE"'],
      ['audio', ''],
    ],
  )
  const gruu = contact?.elements().find((one) => one.is('pub-gruu', 'urn:ietf:params:xml:ns:gruuinfo'))
  assert.match(gruu?.attribute('uri') ?? '', /^sip:bob@example\.com;gr=./)
})

test('an account is watched in this way by no more than twenty of its dialogs at a time (LIMIT)', async () => {
  const { desk } = await stage()
  const statuses: number[] = []
  for (let i = 0; i < 21; i++) {
    const headers = ['Event: reg', `Contact: <${desk.contact}>`]
    const response = await desk.request('SUBSCRIBE', { uri: desk.aor, callId: `r${i}`, headers })
    statuses.push(response.status)
  }
  assert.deepEqual(new Set(statuses.slice(0, 20)), new Set([200]))
  assert.equal(statuses[20], 503)
})

test('a document is as RFC 3680 §5.3 writes it', () => {
  const contact = {
    id: '76',
    state: 'active',
    event: 'registered',
    uri: 'sip:user@pc887.example.com',
    registered: 7322,
    expires: undefined,
    q: 0.8,
    callId: 'c&1',
    cseq: 1,
    params: [],
    publicGruu: undefined,
  } as const
  const document = writeRegistrationInfo({
    version: 0,
    state: 'full',
    record: 'sip:user@example.com',
    id: 'as9',
    registration: 'active',
    contacts: [contact],
  })
  assert.equal(
    Buffer.from(document).toString(),
    "<reginfo xmlns='urn:ietf:params:xml:ns:reginfo' version='0' state='full'>" +
      "<registration aor='sip:user@example.com' id='as9' state='active'>" +
      "<contact id='76' state='active' event='registered' duration-registered='7322' q='0.8' callid='c&amp;1' cseq='1'>" +
      '<uri>sip:user@pc887.example.com</uri></contact></registration></reginfo>',
  )
})
