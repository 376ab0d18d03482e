import assert from 'node:assert/strict'
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { test } from 'node:test'
import { type Bytes, text, utf8, VirtualClock } from '#base'
import type { Authenticator, Credentials, Secrets } from '#core'
import { type Address, parseAddress } from '#model'
import { BackOff } from './back-off.ts'
import { Derivation } from './derivation.ts'
import { ha1Of } from './digest-hash.ts'
import { digestMd5Responses, readDigestMd5 } from './digest-md5.ts'
import { Sasl } from './sasl.ts'
import { ScramClient } from './sasl-client.ts'
import type { LoginEvent, SaslChannel, SaslOptions, SaslStep } from './sasl-exchange.ts'

const alice = parseAddress('alice@example.com') as Address
const alias = parseAddress('1001@example.com') as Address
const serverKey = utf8('a key of this server, 32 octets!')
const derived = await new Derivation({ iterations: 4096 }).derive([alice, alias], 'p\u00e4ss word')
assert.ok('secrets' in derived)
const secrets: Secrets = derived.secrets
const secure: SaslChannel = {
  domain: 'example.com',
  remoteAddress: '192.0.2.1',
  plainAllowed: true,
  bindings: new Map(),
}

test('mechanisms are offered strongest first, PLAIN where it is allowed, -PLUS where the channel can be bound', () => {
  const sasl = saslOf()
  const scram = ['SCRAM-SHA-512', 'SCRAM-SHA-256', 'SCRAM-SHA-1']
  assert.deepEqual(sasl.mechanisms(secure), [...scram, 'PLAIN'])
  assert.deepEqual(sasl.mechanisms({ ...secure, plainAllowed: false }), scram)
  const bindings = new Map([['tls-exporter', utf8('x')]])
  assert.deepEqual(sasl.mechanisms({ ...secure, bindings }), [
    ...scram.map((one) => `${one}-PLUS`),
    ...scram,
    'PLAIN',
  ])
  assert.deepEqual(sasl.mechanisms(secure, { scram: {}, ha1: {} }), ['PLAIN'])
  assert.equal(sasl.begin('PLAIN', { ...secure, plainAllowed: false }), undefined)
  assert.equal(sasl.begin('SCRAM-SHA-256-PLUS', secure), undefined)
  assert.equal(sasl.begin('CRAM-MD5', secure), undefined)
})

for (const hash of ['SHA-1', 'SHA-256', 'SHA-512']) {
  test(`SCRAM-${hash} logs in by name, by address and by alias, and proves the server`, async () => {
    for (const [name, shown] of [
      ['alice', alice.key],
      ['ALICE', alice.key],
      ['alice@example.com', alice.key],
      ['1001', alias.key],
    ] as const) {
      const { step, expectedSignature } = await scram(saslOf(), hash, name, 'p\u00e4ss word')
      assert.equal(step.kind, 'success')
      assert.ok(step.kind === 'success' && step.data !== undefined)
      assert.equal(step.owner.key, alice.key)
      assert.equal(step.name.key, shown)
      assert.equal(text(step.data), expectedSignature)
    }
  })
}

test('a wrong password, an unknown name and a kind that is not kept fail alike', async () => {
  const events: LoginEvent[] = []
  const sasl = saslOf({ onLogin: (event) => events.push(event) })
  for (const [name, password] of [
    ['alice', 'wrong'],
    ['nobody', 'p\u00e4ss word'],
    ['digest-only', 'p\u00e4ss word'],
  ] as const) {
    const { step, challenge } = await scram(sasl, 'SHA-256', name, password)
    assert.deepEqual(step, { kind: 'failure', failure: 'not-authorized' })
    assert.match(challenge, /^r=[!-~]+,s=[A-Za-z0-9+/]{22}==,i=4096$/)
  }
  assert.deepEqual(
    events.map((one) => one.result),
    ['failure', 'failure', 'failure'],
  )
})

test('an unknown name gets the same salt each time, another name another, another hash another', async () => {
  const saltOf = async (hash: string, name: string): Promise<string> =>
    /s=([^,]+)/.exec((await scram(saslOf(), hash, name, 'x')).challenge)?.[1] as string
  const salts = [
    await saltOf('SHA-256', 'nobody'),
    await saltOf('SHA-256', 'noone'),
    await saltOf('SHA-1', 'nobody'),
  ]
  assert.equal(await saltOf('SHA-256', 'NoBody@example.com'), salts[0])
  assert.equal(new Set(salts).size, 3)
})

/** [what, message, result] (RFC 4616 §2) */
const plains: [string, string, string][] = [
  ['name and password', '\0alice\0p\u00e4ss word', 'success'],
  ['an address as name', '\0alice@example.com\0p\u00e4ss word', 'success'],
  ['a decomposed password', '\0alice\0pa\u0308ss word', 'success'],
  ['the own address as authorization identity', 'alice@example.com\0alice\0p\u00e4ss word', 'success'],
  ['the primary address for a login by alias', 'alice@example.com\x001001\0p\u00e4ss word', 'success'],
  ['an account with digests only', '\0digest-only\0p\u00e4ss word', 'success'],
  ['another authorization identity', 'bob@example.com\0alice\0p\u00e4ss word', 'invalid-authzid'],
  ['another authorization identity and a wrong password', 'bob@example.com\0alice\0x', 'not-authorized'],
  ['a wrong password', '\0alice\0x', 'not-authorized'],
  ['a wrong password of an account with digests only', '\0digest-only\0x', 'not-authorized'],
  ['an unknown name', '\0nobody\0p\u00e4ss word', 'not-authorized'],
  ['a name that can be none', '\0a b\0x', 'not-authorized'],
  ['a password that can be none', '\0alice\0a\tb', 'not-authorized'],
  ['an empty password', '\0alice\0', 'malformed-request'],
  ['two parts', 'alice\0x', 'malformed-request'],
  ['four parts', '\0alice\0x\0y', 'malformed-request'],
]
for (const [what, message, result] of plains) {
  test(`PLAIN with ${what}: ${result} (RFC 4616 §2)`, async () => {
    const step = await plain(saslOf(), message)
    assert.equal(step.kind === 'failure' ? step.failure : step.kind, result)
  })
}

test('an empty first message is answered by an empty challenge (RFC 4422 §3, client first)', async () => {
  for (const mechanism of ['PLAIN', 'SCRAM-SHA-256']) {
    const step = await saslOf().begin(mechanism, secure)?.step(new Uint8Array(0))
    assert.ok(step?.kind === 'challenge' && step.data.length === 0)
  }
})

test('a message out of turn, or after the end, is malformed and takes no guess back', async () => {
  const backOff = new BackOff(new VirtualClock())
  const exchange = saslOf({ backOff }).begin('PLAIN', secure)
  const first = exchange?.step(utf8('\0alice\0wrong'))
  assert.deepEqual(await exchange?.step(utf8('\0alice\0x')), {
    kind: 'failure',
    failure: 'malformed-request',
  })
  assert.deepEqual(await first, { kind: 'failure', failure: 'not-authorized' })
  assert.equal(backOff.tracked, 2)
  assert.deepEqual(await exchange?.step(utf8('\0alice\0p\u00e4ss word')), {
    kind: 'failure',
    failure: 'malformed-request',
  })
})

test('past the free guesses even the right password waits; a login there before does not', async () => {
  const clock = new VirtualClock()
  const sasl = saslOf({ backOff: new BackOff(clock) })
  const elsewhere = { ...secure, remoteAddress: '198.51.100.7' }
  assert.equal((await plain(sasl, '\0alice\0p\u00e4ss word', elsewhere)).kind, 'success')
  for (let i = 0; i < 6; i++) await plain(sasl, '\0alice\0wrong')
  const waiting: SaslStep = { kind: 'failure', failure: 'temporary-auth-failure' }
  assert.deepEqual(await plain(sasl, '\0alice\0p\u00e4ss word'), waiting)
  assert.deepEqual((await scram(sasl, 'SHA-1', 'alice', 'p\u00e4ss word')).step, waiting)
  assert.equal((await plain(sasl, '\0alice\0p\u00e4ss word', elsewhere)).kind, 'success')
  clock.advance(1000)
  assert.equal((await plain(sasl, '\0alice\0p\u00e4ss word')).kind, 'success')
})

test('past 256 passwords to check at one time, logins fail for the moment and count no guess', async () => {
  let answer: () => void = () => {}
  const answered = new Promise<undefined>((resolve) => {
    answer = () => resolve(undefined)
  })
  const backOff = new BackOff(new VirtualClock())
  const sasl = saslOf({ backOff, authenticator: { credentials: () => answered } })
  const elsewhere = (i: number): SaslChannel => ({ ...secure, remoteAddress: `10.0.${i >> 8}.${i & 255}` })
  const waiting = Array.from({ length: 256 }, (_, i) => plain(sasl, `\0user${i}\0x`, elsewhere(i)))
  const busy: SaslStep = { kind: 'failure', failure: 'temporary-auth-failure' }
  assert.deepEqual(await plain(sasl, '\0late\0x', elsewhere(999)), busy)
  assert.equal(backOff.tracked, 256)
  answer()
  for (const step of await Promise.all(waiting))
    assert.equal(step.kind === 'failure' && step.failure, 'not-authorized')
  assert.deepEqual(await plain(sasl, '\0late\0x', elsewhere(999)), {
    kind: 'failure',
    failure: 'not-authorized',
  })
})

test('a fault of the authenticator is a temporary failure, told with its cause, and counts no guess', async () => {
  const events: LoginEvent[] = []
  const backOff = new BackOff(new VirtualClock())
  const fault = new Error('the disk is gone')
  const authenticator: Authenticator = { credentials: () => Promise.reject(fault) }
  const sasl = saslOf({ authenticator, backOff, onLogin: (event) => events.push(event) })
  assert.deepEqual(await plain(sasl, '\0alice\0x'), { kind: 'failure', failure: 'temporary-auth-failure' })
  assert.equal(events[0]?.cause, fault)
  assert.equal(backOff.tracked, 0)
})

test('a PLAIN login that is right hands the prepared password on, so that secrets can be completed', async () => {
  const passwords: string[] = []
  const sasl = saslOf({ onPassword: (owner, _, password) => passwords.push(`${owner.key} ${password}`) })
  await plain(sasl, '\0digest-only\0pa\u0308ss word')
  await plain(sasl, '\0digest-only\0wrong')
  assert.deepEqual(passwords, ['digest-only@example.com p\u00e4ss word'])
})

function saslOf(options: Partial<SaslOptions> = {}): Sasl {
  return new Sasl({
    authenticator: { credentials },
    backOff: new BackOff(new VirtualClock()),
    serverKey,
    iterations: 4096,
    ...options,
  })
}

async function credentials(name: Address): Promise<Credentials | undefined> {
  if (name.key === alice.key || name.key === alias.key) return { owner: alice, secrets }
  if (name.key !== 'digest-only@example.com') return undefined
  const only = await new Derivation({ iterations: 4096, scram: [] }).derive([name], 'p\u00e4ss word')
  assert.ok('secrets' in only)
  return { owner: name, secrets: only.secrets }
}

async function plain(sasl: Sasl, message: string, channel = secure): Promise<SaslStep> {
  const exchange = sasl.begin('PLAIN', channel)
  assert.ok(exchange)
  return exchange.step(utf8(message))
}

/** A client written from RFC 5802 §3, apart from the code under test. */
async function scram(
  sasl: Sasl,
  hash: string,
  name: string,
  password: string,
): Promise<{ step: SaslStep; challenge: string; expectedSignature: string }> {
  const exchange = sasl.begin(`SCRAM-${hash}`, secure)
  assert.ok(exchange)
  const bare = `n=${name},r=clientnonce`
  const first = await exchange.step(utf8(`n,,${bare}`))
  assert.ok(first.kind === 'challenge')
  const challenge = text(first.data)
  const [nonce, salt, iterations] = challenge.split(',').map((one) => one.slice(2)) as [
    string,
    string,
    string,
  ]
  const algorithm = hash.replace('-', '').toLowerCase()
  const length = createHash(algorithm).digest().length
  const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), Number(iterations), length, algorithm)
  const clientKey = createHmac(algorithm, salted).update('Client Key').digest()
  const storedKey = createHash(algorithm).update(clientKey).digest()
  const withoutProof = `c=biws,r=${nonce}`
  const authMessage = `${bare},${challenge},${withoutProof}`
  const signature: Bytes = createHmac(algorithm, storedKey).update(authMessage).digest()
  const proof = Buffer.from(clientKey.map((octet, i) => octet ^ (signature[i] as number)))
  const step = await exchange.step(utf8(`${withoutProof},p=${proof.toString('base64')}`))
  const expected = createHmac(algorithm, createHmac(algorithm, salted).update('Server Key').digest()).update(
    authMessage,
  )
  return { step, challenge, expectedSignature: `v=${expected.digest('base64')}` }
}

for (const hash of ['SHA-1', 'SHA-256', 'SHA-512'] as const) {
  test(`our own client logs in by SCRAM-${hash}, bound and not, and knows a server that lies`, async () => {
    const data = utf8('the channel')
    const bindings = new Map([['tls-exporter', data]])
    for (const binding of [undefined, { type: 'tls-exporter', data }]) {
      const options = { hash, user: 'alice', password: 'p\u00e4ss word', ...(binding && { binding }) }
      const client = new ScramClient(options)
      const server = saslOf().begin(client.mechanism, { ...secure, bindings })
      assert.ok(server)
      const challenge = await server.step(client.initial())
      assert.ok(challenge.kind === 'challenge')
      const done = await server.step(await client.respond(challenge.data))
      assert.ok(done.kind === 'success' && done.data !== undefined)
      assert.equal(client.isProven(done.data), true)
      assert.equal(client.isProven(utf8('v=AAAA')), false)
      assert.equal(new ScramClient(options).isProven(done.data), false)
    }
  })
}

for (const [what, challenge] of [
  ['that is not well-formed', 'x'],
  ['for somebody else', 'r=other,s=QUJD,i=4096'],
  ['that adds nothing to our nonce', 'r=mine,s=QUJD,i=4096'],
  ['with too few iterations', 'r=mine1,s=QUJD,i=4095'],
  ['that would keep us computing', 'r=mine1,s=QUJD,i=1000001'],
] as const) {
  test(`our own client takes no SCRAM challenge ${what}`, async () => {
    const client = new ScramClient({ hash: 'SHA-256', user: 'a', password: 'b', nonce: 'mine' })
    await assert.rejects(client.respond(utf8(challenge)), { name: 'ServiceError', condition: 'malformed' })
  })
}

test('the example of RFC 2831 §4: both responses', () => {
  const message =
    'charset=utf-8,username="chris",realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",nc=00000001,' +
    'cnonce="OA6MHXh6VqTrRk",digest-uri="imap/elwood.innosoft.com",response=d388dad90d4bbd760a152321f2143af7,qop=auth'
  const said = readDigestMd5(utf8(message))
  assert.ok(said)
  const ha1 = ha1Of('MD5', 'chris', 'elwood.innosoft.com', 'secret')
  const server = 'ea40f60335c427b5527b84dbabcdfffd'
  assert.deepEqual(digestMd5Responses(ha1, said), { client: said.response, server })
  const broken = ['', 'x', message.replace('nc=00000001', 'nc=1'), `${message},nc=00000001`, `${message},"`]
  for (const one of broken) assert.equal(readDigestMd5(utf8(one)), undefined, one)
})

/** A login by DIGEST-MD5 as a client does it, with changes to what it says. */
async function digestMd5(
  change: (message: string) => string,
  password = 'p\u00e4ss word',
): Promise<SaslStep> {
  const server = saslOf({ digestMd5: true }).begin('DIGEST-MD5', { ...secure, service: 'beep' })
  assert.ok(server)
  const asked = await server.step(utf8(''))
  assert.ok(asked.kind === 'challenge')
  const nonce = /nonce="([^"]+)"/.exec(text(asked.data))?.[1] as string
  const fields = { username: 'alice', realm: 'example.com', nonce, cnonce: 'c', nc: '00000001', qop: 'auth' }
  const said = { ...fields, uri: 'beep/example.com', response: '', authorization: undefined }
  const { client } = digestMd5Responses(ha1Of('MD5', 'alice', 'example.com', password), said)
  const message = `charset=utf-8,username="alice",realm="example.com",nonce="${nonce}",nc=00000001,cnonce="c",digest-uri="beep/example.com",response=${client},qop=auth`
  return server.step(utf8(change(message)))
}

test('DIGEST-MD5 logs in where it is switched on and the protocol names itself (RFC 2831, RFC 6331)', async () => {
  assert.ok(
    !saslOf()
      .mechanisms({ ...secure, service: 'beep' })
      .includes('DIGEST-MD5'),
  )
  assert.ok(!saslOf({ digestMd5: true }).mechanisms(secure).includes('DIGEST-MD5'))
  const step = await digestMd5((message) => message)
  assert.ok(step.kind === 'success' && step.data !== undefined)
  assert.equal(step.owner.key, alice.key)
  assert.match(text(step.data), /^rspauth=[0-9a-f]{32}$/)
})

for (const [what, change, password] of [
  ['a wrong password', (message: string) => message, 'wrong'],
  ['a nonce of its own', (message: string) => message.replace(/nonce="[^"]+"/, 'nonce="x"'), undefined],
  ['another service', (message: string) => message.replace('beep/', 'imap/'), undefined],
  ['a name that is not there', (message: string) => message.replace('"alice"', '"nobody"'), undefined],
  [
    'a layer that is not offered',
    (message: string) => message.replace('qop=auth', 'qop=auth-conf'),
    undefined,
  ],
  ['nothing', () => '', undefined],
] as const) {
  test(`DIGEST-MD5 fails with ${what}`, async () => {
    assert.equal((await digestMd5(change, password)).kind, 'failure')
  })
}
