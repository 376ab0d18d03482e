import assert from 'node:assert/strict'
import { test } from 'node:test'
import { headerValuesNamed } from './codec/message.ts'
import { fieldOf, textOf } from './testing/phone.ts'
import { at, SipDomain } from './testing/sip-domain.ts'

test('a registration is challenged, then accepted with its contact, expires and Date (RFC 3665 §2.1)', async () => {
  const domain = await SipDomain.make()
  const bob = domain.phone('bob', '192.0.2.1')
  const response = await bob.register()
  assert.equal(response.status, 200)
  assert.equal(bob.challenges, 1)
  assert.deepEqual(headerValuesNamed(response, 'Contact'), ['<sip:bob@192.0.2.1:5060>;expires=3600;q=1'])
  assert(fieldOf(response, 'Date') !== undefined)
  assert.match(fieldOf(response, 'Via') ?? '', /rport=5060.*;received=192\.0\.2\.1$/)
})

test('Digest works by SHA-256 as by MD5 (RFC 8760 §2)', async () => {
  const domain = await SipDomain.make()
  const bob = domain.phone('bob', '192.0.2.1')
  bob.algorithm = 'SHA-256'
  assert.equal((await bob.register()).status, 200)
})

test('a nonce serves again with a growing count (RFC 7616 §3.3)', async () => {
  const domain = await SipDomain.make()
  const bob = domain.phone('bob', '192.0.2.1')
  await bob.register()
  await bob.register()
  assert.equal(bob.challenges, 1)
})

test('a wrong password never registers (RFC 3261 §22.1)', async () => {
  const domain = await SipDomain.make()
  const mallory = domain.phone('bob', '192.0.2.66')
  mallory.password = 'guess'
  await assert.rejects(mallory.register(), /challenged again and again/)
  assert.equal(domain.service.directory.resident(at('bob@example.com'))?.inbox.agents.length ?? 0, 0)
})

test('nobody registers a phone for another (RFC 3261 §10.3 step 4)', async () => {
  const domain = await SipDomain.make()
  const alice = domain.phone('alice', '192.0.2.1')
  const response = await alice.request('REGISTER', {
    uri: 'sip:example.com',
    to: '<sip:bob@example.com>',
    headers: [`Contact: <${alice.contact}>`],
  })
  assert.equal(response.status, 403)
})

test('nobody speaks in the name of another: From must be of the account that logged in', async () => {
  const domain = await SipDomain.make()
  const alice = domain.phone('alice', '192.0.2.1')
  const response = await alice.request('MESSAGE', {
    uri: 'sip:carol@example.com',
    from: '<sip:bob@example.com>;tag=1',
    headers: ['Content-Type: text/plain'],
    body: 'hello',
  })
  assert.equal(response.status, 403)
})

test('an address of record that is unknown, or of another domain, is 404 (RFC 3261 §10.3 step 5)', async () => {
  const domain = await SipDomain.make()
  const alice = domain.phone('alice', '192.0.2.1')
  for (const [uri, to] of [
    ['sip:example.com', '<sip:nobody@example.com>'],
    ['sip:example.com', '<sip:alice@example.net>'],
    ['sip:example.net', '<sip:alice@example.com>'],
  ] as const)
    assert.equal(
      (await alice.request('REGISTER', { uri, to, headers: [`Contact: <${alice.contact}>`] })).status,
      404,
    )
})

test('a phone may name the registrar by its host, as RFC 3665 §2.1 does', async () => {
  const domain = await SipDomain.make({ settings: { host: 'ss2.example.com' } })
  const bob = domain.phone('bob', '192.0.2.1')
  const register = (uri: string) =>
    bob.request('REGISTER', { uri, to: `<${bob.aor}>`, headers: [`Contact: <${bob.contact}>`] })
  assert.equal((await register('sip:ss2.example.com')).status, 200)
  assert.equal((await register('sip:ss3.example.com')).status, 404)
})

const instance = '+sip.instance="<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>"'

/** [what, the Contact, status] */
const places: readonly [string, string, number][] = [
  ['the address of record itself is 403 (RFC 5627 §5.1)', '<sip:bob@example.com>', 403],
  ['its public GRUU is 403 (RFC 5627 §5.1)', '<sip:bob@example.com;gr=sip-x>', 403],
  ['a temporary GRUU is 403 (RFC 5627 §5.1)', '<sip:tgruu.AAAA@example.com;gr>', 403],
  ['a host of the domain’s name, with a port, is taken', '<sip:bob@example.com:5070>', 200],
  ['an instance, but no SIP URI, is 403 (RFC 5627 §5.1)', `<mailto:bob@example.com>;${instance}`, 403],
  ['a SIP URI that cannot be read is 400', '<sip:bob@>', 400],
  ['q above one is 400 (RFC 3261 §25.1)', '<sip:bob@192.0.2.1>;q=1.5', 400],
  ['q that is no number is 400', '<sip:bob@192.0.2.1>;q=much', 400],
  ['q of three digits is taken', '<sip:bob@192.0.2.1>;q=0.333', 200],
  [
    'an expires that cannot be read counts as none (RFC 3261 §10.3 step 7)',
    '<sip:bob@192.0.2.1>;expires=soon',
    200,
  ],
]
for (const [what, contact, status] of places)
  test(`a Contact that is ${what}`, async () => {
    const domain = await SipDomain.make()
    const bob = domain.phone('bob', '192.0.2.1')
    assert.equal((await bob.register(`Contact: ${contact}`)).status, status)
    const agents = domain.service.directory.resident(at('bob@example.com'))?.inbox.agents.length ?? 0
    assert.equal(agents, status === 200 ? 1 : 0)
  })

test('what would be 403 may be taken away: it leads nowhere then (RFC 5627 §5.1: "with a non-zero expiration")', async () => {
  const domain = await SipDomain.make()
  const bob = domain.phone('bob', '192.0.2.1')
  assert.equal((await bob.register('Contact: <sip:bob@example.com>;expires=0')).status, 200)
})

test('of several contacts of one REGISTER all are taken or none (RFC 3261 §10.3 step 7)', async () => {
  const domain = await SipDomain.make()
  const bob = domain.phone('bob', '192.0.2.1')
  const mixed = `Contact: <${bob.contact}>;q=0.7, <sip:bob@192.0.2.2>;expires=5`
  assert.equal((await bob.register(mixed)).status, 423)
  assert.equal((await bob.register(mixed.replace('=5', '=500'))).status, 200)
  const listed = await bob.request('REGISTER', { uri: 'sip:example.com', to: `<${bob.aor}>` })
  assert.deepEqual(headerValuesNamed(listed, 'Contact'), [
    '<sip:bob@192.0.2.1:5060>;expires=3600;q=0.7',
    '<sip:bob@192.0.2.2>;expires=500;q=1',
  ])
})

test('all parameters of a Contact are given back, but those that only a registrar may say (RFC 5626 §6, RFC 5627 §5.1)', async () => {
  const domain = await SipDomain.make()
  const bob = domain.phone('bob', '192.0.2.1')
  const params = ';audio;methods="INVITE, MESSAGE";+sip.ice;description="<a, b>"'
  const response = await bob.register(
    `Contact: <${bob.contact}>;pub-gruu="sip:eve@example.com;gr=x"${params}`,
  )
  assert.equal(fieldOf(response, 'Contact'), `<${bob.contact}>;expires=3600;q=1${params}`)
  const many = await bob.register(`Contact: <${bob.contact}>;x="${'y'.repeat(1100)}"`)
  assert.equal(fieldOf(many, 'Contact'), `<${bob.contact}>;expires=3600;q=1`)
})

test('another Call-ID is a phone that was started anew: its CSeq may be lower (RFC 3261 §10.3 step 7)', async () => {
  const domain = await SipDomain.make()
  const bob = domain.phone('bob', '192.0.2.1')
  const register = (callId: string, cseq: number) =>
    bob.request('REGISTER', {
      uri: 'sip:example.com',
      to: `<${bob.aor}>`,
      callId,
      cseq,
      headers: [`Contact: <${bob.contact}>;${instance}`],
    })
  assert.equal((await register('before', 50)).status, 200)
  assert.equal((await register('after', 1)).status, 200)
  assert.equal((await register('before', 60)).status, 200)
  assert.equal((await register('before', 59)).status, 500)
})

test('an Expires that is less than the least and an hour or more is no 423 (RFC 3261 §10.3 step 7)', async () => {
  const domain = await SipDomain.make({
    settings: { registrationSecondsMin: 3600 * 2, registrationSecondsMax: 3600 * 3 },
  })
  const bob = domain.phone('bob', '192.0.2.1')
  assert.equal((await bob.register('Expires: 3599')).status, 423)
  assert.equal((await bob.register('Expires: 3600')).status, 200)
})

test('Path is taken from a phone that does not say that it knows it (RFC 3327 §5.3 leaves the choice)', async () => {
  const domain = await SipDomain.make()
  const bob = domain.phone('bob', '192.0.2.1')
  const response = await bob.register('Path: <sip:p1.example.com;lr>', 'Path: <sip:p2.example.com;lr>')
  assert.deepEqual(headerValuesNamed(response, 'Path'), [
    '<sip:p1.example.com;lr>',
    '<sip:p2.example.com;lr>',
  ])
})

test('without Contact the registrations are listed (RFC 3665 §2.3)', async () => {
  const domain = await SipDomain.make()
  const bob = domain.phone('bob', '192.0.2.1')
  const desk = domain.phone('bob', '192.0.2.2')
  await bob.register('Expires: 600')
  await desk.register(`Contact: <${desk.contact}>;q=0.5;expires=120`)
  domain.clock.advance(20_000)
  const response = await bob.request('REGISTER', { uri: 'sip:example.com', to: `<${bob.aor}>` })
  assert.deepEqual(headerValuesNamed(response, 'Contact'), [
    '<sip:bob@192.0.2.1:5060>;expires=580;q=1',
    '<sip:bob@192.0.2.2:5060>;expires=100;q=0.5',
  ])
})

test('one contact goes with expires=0, all with * (RFC 3665 §2.4, RFC 3261 §10.2.2)', async () => {
  const domain = await SipDomain.make()
  const bob = domain.phone('bob', '192.0.2.1')
  const desk = domain.phone('bob', '192.0.2.2')
  await bob.register()
  await desk.register()
  const one = await bob.register(`Contact: <${bob.contact}>;expires=0`)
  assert.deepEqual(headerValuesNamed(one, 'Contact').length, 1)
  const none = await bob.register('Contact: *', 'Expires: 0')
  assert.deepEqual([none.status, headerValuesNamed(none, 'Contact')], [200, []])
})

test('* with another Contact, or without Expires 0, is 400 and changes nothing (RFC 3261 §10.3 step 6)', async () => {
  const domain = await SipDomain.make()
  const bob = domain.phone('bob', '192.0.2.1')
  await bob.register()
  assert.equal((await bob.register('Contact: *')).status, 400)
  assert.equal((await bob.register('Contact: *', 'Expires: 60')).status, 400)
  assert.equal((await bob.register('Contact: *', `Contact: <${bob.contact}>`, 'Expires: 0')).status, 400)
  const response = await bob.request('REGISTER', { uri: 'sip:example.com', to: `<${bob.aor}>` })
  assert.equal(headerValuesNamed(response, 'Contact').length, 1)
})

test('an interval too brief is 423 with Min-Expires, one too long is cut (RFC 3261 §10.3 step 7)', async () => {
  const domain = await SipDomain.make()
  const bob = domain.phone('bob', '192.0.2.1')
  const brief = await bob.register('Expires: 10')
  assert.deepEqual([brief.status, fieldOf(brief, 'Min-Expires')], [423, '60'])
  assert.match(fieldOf(await bob.register('Expires: 99999999999999'), 'Contact') ?? '', /expires=7200/)
})

test('a registration ends by itself (RFC 3261 §10.2.4)', async () => {
  const domain = await SipDomain.make()
  const bob = domain.phone('bob', '192.0.2.1')
  await bob.register('Expires: 60')
  domain.clock.advance(60_001)
  const response = await bob.request('REGISTER', { uri: 'sip:example.com', to: `<${bob.aor}>` })
  assert.deepEqual(headerValuesNamed(response, 'Contact'), [])
})

test('an older CSeq of the same Call-ID changes nothing (RFC 3261 §10.3 step 7)', async () => {
  const domain = await SipDomain.make()
  const bob = domain.phone('bob', '192.0.2.1')
  await bob.register()
  const options = {
    uri: 'sip:example.com',
    to: `<${bob.aor}>`,
    callId: 'reg',
    headers: [`Contact: <${bob.contact}>`],
  }
  assert.equal((await bob.request('REGISTER', { ...options, cseq: 10 })).status, 200)
  const late = { ...options, cseq: 9, headers: [`Contact: <${bob.contact}>;expires=0`] }
  assert.equal((await bob.request('REGISTER', late)).status, 500)
})

test('a phone that comes from another address is known by its instance (RFC 5626 §6)', async () => {
  const domain = await SipDomain.make()
  const instance = '+sip.instance="<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>"'
  const before = domain.phone('bob', '192.0.2.1')
  const after = domain.phone('bob', '192.0.2.9', 5070)
  await before.register(`Contact: <${before.contact}>;${instance}`)
  const response = await after.register(`Contact: <${after.contact}>;${instance}`)
  assert.deepEqual(headerValuesNamed(response, 'Contact').length, 1)
  assert.match(fieldOf(response, 'Contact') ?? '', /192\.0\.2\.9:5070/)
})

test('Path is kept, given back, and becomes the route of what is sent to the phone (RFC 3327 §5)', async () => {
  const domain = await SipDomain.make()
  const bob = domain.phone('bob', '192.0.2.1')
  const alice = domain.phone('alice', '192.0.2.3')
  const response = await bob.register(
    `Contact: <sip:bob@10.0.0.1>`,
    'Path: <sip:192.0.2.1;lr>',
    'Supported: path',
    'Require: path',
  )
  assert.deepEqual([response.status, fieldOf(response, 'Path')], [200, '<sip:192.0.2.1;lr>'])
  await alice.message('sip:bob@example.com', 'hello')
  const message = await bob.next('MESSAGE')
  assert.equal(fieldOf(message, 'Route'), '<sip:192.0.2.1;lr>')
})

test('more contacts than the limit are refused, and none of them is taken', async () => {
  const domain = await SipDomain.make()
  const bob = domain.phone('bob', '192.0.2.1')
  const many = Array.from({ length: 5 }, (_, i) => `Contact: <sip:bob@192.0.2.${i + 10}>`)
  assert.equal((await bob.register(...many)).status, 503)
  const response = await bob.request('REGISTER', { uri: 'sip:example.com', to: `<${bob.aor}>` })
  assert.deepEqual(headerValuesNamed(response, 'Contact'), [])
})

test('a connection that ends takes its phone along', async () => {
  const domain = await SipDomain.make()
  const bob = domain.phone('bob', '192.0.2.1', 40_000, 'TCP')
  await bob.register()
  const account = domain.service.directory.resident(at('bob@example.com'))
  assert.equal(account?.inbox.agents.length, 1)
  bob.connection?.close()
  for (let turn = 0; turn < 20 && account?.inbox.agents.length === 1; turn++)
    await new Promise((r) => setImmediate(r))
  assert.equal(account?.inbox.agents.length, 0)
})

test('a message for an absent person is stored, and comes once at the next registration, dated (RFC 3428 §4)', async () => {
  const domain = await SipDomain.make()
  const alice = domain.phone('alice', '192.0.2.3')
  const bob = domain.phone('bob', '192.0.2.1')
  assert.equal(
    (await alice.message('sip:bob@example.com', 'are you there? 🙂\r\nyes?', 'Subject: hi')).status,
    202,
  )
  domain.clock.advance(60_000)
  await bob.register()
  const message = await bob.next('MESSAGE')
  assert.equal(textOf(message), 'are you there? 🙂\r\nyes?')
  assert.match(fieldOf(message, 'From') ?? '', /^<sip:alice@example\.com>;tag=/)
  assert.equal(fieldOf(message, 'Subject'), 'hi')
  assert.equal(fieldOf(message, 'Date'), new Date(domain.clock.now() - 60_000).toUTCString())
  await bob.register()
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(bob.requests, [])
})

test('two hundred phones behind one address that come at once all get in', async () => {
  const users = Array.from({ length: 200 }, (_, i) => `u${i}`)
  const domain = await SipDomain.make({ users })
  const phones = users.map((user, i) => domain.phone(user, '198.51.100.1', 2000 + i))
  const responses = await Promise.all(phones.map((phone) => phone.register()))
  assert.deepEqual(new Set(responses.map(({ status }) => status)), new Set([200]))
})

test('who guesses is made to wait (503 with Retry-After)', async () => {
  const domain = await SipDomain.make()
  const mallory = domain.phone('bob', '192.0.2.66')
  mallory.password = 'guess'
  for (let guess = 0; guess < 20; guess++) {
    const response = await mallory.register().catch(() => undefined)
    if (response === undefined) continue
    assert.equal(response.status, 503)
    assert.match(fieldOf(response, 'Retry-After') ?? '', /^\d+$/)
    return
  }
  assert.fail('nobody stopped the guesser')
})

test('the phones of an account that is removed are gone with it', async () => {
  const domain = await SipDomain.make()
  const bob = domain.phone('bob', '192.0.2.1')
  const alice = domain.phone('alice', '192.0.2.3')
  await bob.register()
  assert.equal((await domain.service.accounts.remove(at('bob@example.com'))).kind, 'done')
  assert.equal((await alice.message('sip:bob@example.com', 'x')).status, 404)
  assert.deepEqual(bob.requests, [])
})
