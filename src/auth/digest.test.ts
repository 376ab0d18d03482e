import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Bytes, utf8, VirtualClock } from '#base'
import type { Authenticator, DigestHash, Secrets } from '#core'
import { type Address, parseAddress } from '#model'
import { BackOff } from './back-off.ts'
import { Derivation } from './derivation.ts'
import { Digest, type DigestOptions, type DigestOutcome, type DigestRequest } from './digest.ts'
import { ha1Of } from './digest-hash.ts'
import { digestChallengeValue, readDigestCredentials } from './digest-header.ts'
import { authenticationInfo, responseOf } from './digest-response.ts'

const alice = parseAddress('alice@example.com') as Address
const derived = await new Derivation({ iterations: 4096, scram: [] }).derive([alice], 'zanzibar')
assert.ok('secrets' in derived)
const secrets: Secrets = derived.secrets

/** RFC 7616 §3.9.1, RFC 2617 §3.5 */
const golden: [string, string, string, string, string][] = [
  [
    'RFC 7616 §3.9.1, MD5',
    'MD5',
    'Circle of Life',
    'Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", algorithm=MD5, ' +
      'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001, ' +
      'cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth, ' +
      'response="8ca523f5e9506fed4657c9700eebdbec", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"',
    'GET',
  ],
  [
    'RFC 7616 §3.9.1, SHA-256',
    'SHA-256',
    'Circle of Life',
    'Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", algorithm=SHA-256, ' +
      'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001, ' +
      'cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth, ' +
      'response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"',
    'GET',
  ],
  [
    'RFC 2617 §3.5',
    'MD5',
    'Circle Of Life',
    'Digest username="Mufasa",\r\n realm="testrealm@host.com",\r\n nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093",' +
      'uri="/dir/index.html", qop=auth, nc=00000001, cnonce="0a4f113b", response="6629fae49393a05397450978507c4ef1"',
    'GET',
  ],
  [
    'RFC 2069 §2.4 as corrected (no qop)',
    'MD5',
    'CircleOfLife',
    'Digest username="Mufasa", realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", ' +
      'uri="/dir/index.html", response="1949323746fe6a43ef61f9606e7febea"',
    'GET',
  ],
]
for (const [section, algorithm, password, header, method] of golden) {
  test(`the response of ${section} is computed`, () => {
    const credentials = readDigestCredentials(header)
    assert.ok(credentials)
    const ha1 = ha1Of(algorithm as DigestHash, credentials.username, credentials.realm, password)
    assert.equal(responseOf(ha1, credentials, method, undefined), credentials.response)
  })
}

test('a challenge is written for each algorithm, strongest first (RFC 8760 §2.3)', () => {
  const challenges = digestOf().digest.challenges('example.com', true)
  assert.match(
    challenges[0] as string,
    /^Digest realm="example\.com", nonce="[\w-]{36}", qop="auth", algorithm=SHA-256, stale=true$/,
  )
  assert.match(challenges[1] as string, /, algorithm=MD5, stale=true$/)
  assert.ok(
    digestChallengeValue({ realm: 'a"b\\', nonce: 'n', algorithm: 'MD5', stale: false }).includes(
      'realm="a\\"b\\\\"',
    ),
  )
})

for (const algorithm of ['MD5', 'SHA-256'] as const) {
  for (const username of ['alice', 'alice@example.com']) {
    test(`${username} is verified with ${algorithm}, again in the same tick, and the server proves itself`, async () => {
      const { digest } = digestOf()
      const phone = new Phone(digest, { algorithm, username })
      const first = await phone.send()
      assert.ok(first.kind === 'verified')
      assert.equal(first.owner.key, alice.key)
      const second = phone.send()
      assert.ok(!(second instanceof Promise) && second.kind === 'verified')
      assert.match(second.info(), /^qop=auth, rspauth="[0-9a-f]+", cnonce="c\\"n", nc=00000002$/)
    })
  }
}

test('the rspauth of Authentication-Info has an empty method (RFC 7616 §3.5)', () => {
  const credentials = readDigestCredentials(golden[0]?.[3] as string)
  assert.ok(credentials)
  const ha1 = ha1Of('MD5', 'Mufasa', 'http-auth@example.org', 'Circle of Life')
  const ha2 = md5(':/dir/index.html')
  const expected = md5(`${ha1}:${credentials.nonce}:00000001:${credentials.cnonce}:auth:${ha2}`)
  assert.ok(authenticationInfo(ha1, credentials, undefined).includes(`rspauth="${expected}"`))
})

/** [what, what differs, outcome] */
const refusals: [string, Partial<PhoneOptions>, Partial<DigestRequest>, string][] = [
  ['a wrong password', { password: 'x' }, {}, 'challenge'],
  ['an unknown user', { username: 'nobody' }, {}, 'challenge'],
  ['a user name that can be none', { username: 'a b' }, {}, 'challenge'],
  ['a user of another domain', { username: 'alice@example.org' }, {}, 'challenge'],
  ['another method than was hashed', {}, { method: 'INVITE' }, 'challenge'],
  ['an algorithm that was not offered', { algorithmName: 'SHA-512-256' }, {}, 'challenge'],
  ['a session algorithm', { algorithmName: 'MD5-sess' }, {}, 'challenge'],
  ['another realm', { realm: 'example.org' }, {}, 'challenge'],
  ['a nonce that is not ours', { nonce: 'A'.repeat(32) }, {}, 'challenge'],
  ['no qop where a count is asked for', { qop: undefined }, {}, 'challenge'],
  ['auth-int without its body', { qop: 'auth-int' }, {}, 'challenge'],
  ['userhash, which was not offered', { extra: ', userhash=true' }, {}, 'challenge'],
  ['another target', {}, { isTarget: (uri) => uri === 'sip:other' }, 'challenge'],
  ['a doubled parameter', { extra: ', realm="x"' }, {}, 'malformed'],
  ['a count that is no eight digits', { extra: '', count: '1' }, {}, 'malformed'],
]
for (const [what, options, request, outcome] of refusals) {
  test(`${what} is answered by: ${outcome}`, async () => {
    const phone = new Phone(digestOf().digest, options)
    const result = await phone.send(request)
    assert.equal(result.kind, outcome)
    if (result.kind === 'challenge') assert.equal(result.stale, false)
  })
}

test('auth-int is verified over the body (RFC 7616 §3.4.3)', async () => {
  const { digest } = digestOf()
  const body = utf8('v=0')
  const verified = await new Phone(digest, { qop: 'auth-int', body }).send({ body })
  assert.ok(verified.kind === 'verified')
  // The server's own proof is over the answer's body (§3.5).
  assert.notEqual(verified.info(body), verified.info())
  assert.equal(
    (await new Phone(digest, { qop: 'auth-int', body }).send({ body: utf8('v=1') })).kind,
    'challenge',
  )
})

test('a response without qop is taken where the setting says so (RFC 3261 §22.4 item 8)', async () => {
  const { digest } = digestOf({ withoutQop: true })
  const phone = new Phone(digest, { qop: undefined })
  const first = await phone.send()
  assert.equal(first.kind, 'verified')
  assert.equal((await phone.send()).kind, 'verified')
})

test('a replayed count is stale, and counts that overtook each other are taken once each', async () => {
  const phone = new Phone(digestOf().digest)
  assert.equal((await phone.send({}, 5)).kind, 'verified')
  for (const count of [3, 4, 6, 1, 40])
    assert.equal((await phone.send({}, count)).kind, 'verified', `${count}`)
  for (const count of [3, 5, 6, 40, 2, 0]) {
    assert.deepEqual(await phone.send({}, count), { kind: 'challenge', stale: true }, `${count}`)
  }
  assert.equal((await phone.send({}, 9)).kind, 'verified')
})

test('a nonce is stale after its life and after a restart, and only a right MAC makes it stale', async () => {
  const { digest, clock } = digestOf()
  const phone = new Phone(digest)
  assert.equal((await phone.send()).kind, 'verified')
  clock.advance(300_001)
  assert.deepEqual(await phone.send(), { kind: 'challenge', stale: true })
  const restarted = digestOf({}, clock)
  const other = new Phone(digest)
  clock.advance(1)
  const again = digestOf({}, clock)
  assert.deepEqual(await again.digest.verify(other.request()), { kind: 'challenge', stale: true })
  assert.ok(restarted.digest)
  const foreign = digestOf({ serverKey: utf8('another') }, clock)
  assert.deepEqual(await foreign.digest.verify(other.request()), { kind: 'challenge', stale: false })
})

test('a right response tells whether its nonce was given to where it comes from', async () => {
  const { digest } = digestOf()
  const [first, second] = [1, 2].map(() => {
    const [challenge = ''] = digest.challenges('example.com', false, undefined, '192.0.2.1')
    return new Phone(digest, { nonce: /nonce="([^"]+)"/.exec(challenge)?.[1] ?? '' })
  })
  const isThere = async (phone: Phone | undefined, remoteAddress: string): Promise<boolean> => {
    const outcome = await phone?.send({ remoteAddress })
    assert(outcome?.kind === 'verified')
    return outcome.isThere
  }
  assert.equal(await isThere(first, '192.0.2.1'), true)
  assert.equal(await isThere(first, '198.51.100.7'), false)
  assert.equal(await isThere(first, '192.0.2.1'), true)
  assert.equal(await isThere(second, '198.51.100.7'), false)
  // One that was given to nobody in particular proves no place.
  assert.equal(await isThere(new Phone(digest), '192.0.2.1'), false)
})

test('nonces in use are bounded; what was forgotten is stale, never taken twice', async () => {
  const { digest, clock } = digestOf({ nonces: { trackedMax: 2 } })
  const phones = [new Phone(digest), new Phone(digest), new Phone(digest)]
  for (const phone of phones) {
    clock.advance(10)
    phone.challenge()
    assert.equal((await phone.send({}, 1)).kind, 'verified')
  }
  assert.deepEqual(await (phones[0] as Phone).send({}, 1), { kind: 'challenge', stale: true })
  assert.equal((await (phones[2] as Phone).send({}, 2)).kind, 'verified')
})

test('a changed password ends what was verified with the old one', async () => {
  let kept = secrets
  const { digest } = digestOf({
    authenticator: { credentials: async () => ({ owner: alice, secrets: kept }) },
  })
  const phone = new Phone(digest)
  assert.equal((await phone.send()).kind, 'verified')
  const changed = await new Derivation({ iterations: 4096, scram: [] }).derive([alice], 'new')
  assert.ok('secrets' in changed)
  kept = changed.secrets
  digest.forget(alice)
  assert.deepEqual(await phone.send(), { kind: 'challenge', stale: false })
})

test('who has an MD5 digest alone is asked for that, and asked no password; it is no guess (decision 0096)', async () => {
  const adopted = new Derivation().adopt(alice, [
    { hash: 'MD5', form: 'user', ha1: ha1Of('MD5', 'alice', 'example.com', 'zanzibar') },
  ])
  assert.ok('secrets' in adopted)
  const { secrets } = adopted
  const { digest } = digestOf({ authenticator: { credentials: async () => ({ owner: alice, secrets }) } })
  for (let i = 0; i < 20; i++)
    assert.deepEqual(await new Phone(digest).send(), { kind: 'challenge', stale: true, algorithms: ['MD5'] })
  assert.match(
    digest.challenges('example.com', true, ['MD5']).join(),
    /^Digest realm=[^ ]* nonce=[^ ]* qop=[^ ]* algorithm=MD5, stale=true$/,
  )
  assert.equal((await new Phone(digest, { algorithm: 'MD5' }).send()).kind, 'verified')
  // The form that nobody hashed is as good as unknown.
  const other = new Phone(digest, { algorithm: 'MD5', username: 'alice@example.com' })
  assert.deepEqual(await other.send(), { kind: 'challenge', stale: false })
})

test('guessing backs off, and tells when to come again', async () => {
  const { digest, clock } = digestOf()
  for (let i = 0; i < 6; i++)
    assert.equal((await new Phone(digest, { password: `${i}` }).send()).kind, 'challenge')
  assert.deepEqual(await new Phone(digest).send(), { kind: 'wait', seconds: 1 })
  clock.advance(1000)
  assert.equal((await new Phone(digest).send()).kind, 'verified')
})

test("a fault of the authenticator is the caller's to answer and counts no guess", async () => {
  const backOff = new BackOff(new VirtualClock())
  const authenticator: Authenticator = { credentials: () => Promise.reject(new Error('no disk')) }
  const { digest } = digestOf({ authenticator, backOff })
  await assert.rejects(async () => new Phone(digest).send(), /no disk/)
  assert.equal(backOff.tracked, 0)
})

test('username* is decoded (RFC 7616 §3.4), beside username it is malformed', () => {
  const rest = 'realm="r", nonce="n", uri="u", response="x"'
  assert.equal(
    readDigestCredentials(`Digest username*=UTF-8''J%C3%A4s%C3%B8n%20Doe, ${rest}`)?.username,
    'J\u00e4s\u00f8n Doe',
  )
  assert.equal(readDigestCredentials(`Digest username*=UTF-8''%C3, ${rest}`), undefined)
  assert.equal(readDigestCredentials(`Digest username*=UTF-8''a, username="a", ${rest}`), undefined)
})

test('cut or flipped anywhere, a header is read or refused, never thrown upon', () => {
  const header = golden[0]?.[3] as string
  fc.assert(
    fc.property(fc.nat(header.length), fc.string({ maxLength: 3 }), (at, noise) => {
      readDigestCredentials(header.slice(0, at))
      readDigestCredentials(header.slice(0, at) + noise + header.slice(at + 1))
    }),
    { numRuns: process.env.VERONA_SOAK ? 10_000 : 500 },
  )
  assert.equal(readDigestCredentials(`Digest ${'a=b,'.repeat(3000)}`), undefined)
  assert.equal(readDigestCredentials('Basic QWxhZGRpbg=='), undefined)
})

interface PhoneOptions {
  algorithm: DigestHash
  algorithmName: string
  username: string
  password: string
  realm: string
  nonce: string
  qop: string | undefined
  body: Bytes
  count: string
  extra: string
}

/** A user agent written from RFC 7616 §3.4, apart from the code under test. */
class Phone {
  readonly #digest: Digest
  readonly #options: Partial<PhoneOptions>
  #nonce = ''
  #count = 0

  constructor(digest: Digest, options: Partial<PhoneOptions> = {}) {
    this.#digest = digest
    this.#options = 'qop' in options ? options : { qop: 'auth', ...options }
    this.challenge()
  }

  challenge(): void {
    const value = this.#digest.challenges('example.com')[0] as string
    this.#nonce = this.#options.nonce ?? (/nonce="([^"]+)"/.exec(value)?.[1] as string)
  }

  request(changes: Partial<DigestRequest> = {}, count = ++this.#count): DigestRequest {
    const {
      algorithm = 'SHA-256',
      username = 'alice',
      password = 'zanzibar',
      realm = 'example.com',
      qop,
      body,
    } = this.#options
    const h = (text: string | Bytes): string =>
      createHash(algorithm.replace('-', '').toLowerCase()).update(text).digest('hex')
    const nc = this.#options.count ?? count.toString(16).padStart(8, '0')
    const ha1 = h(`${username}:${realm}:${password}`)
    const ha2 = h(
      qop === 'auth-int' ? `MESSAGE:sip:bob@example.com:${h(body ?? '')}` : 'MESSAGE:sip:bob@example.com',
    )
    const middle = qop === undefined ? this.#nonce : `${this.#nonce}:${nc}:c"n:${qop}`
    const counted = qop === undefined ? '' : `, qop=${qop}, cnonce="c\\"n", nc=${nc}`
    const authorization =
      `Digest username="${username}", realm="${realm}", nonce="${this.#nonce}", uri="sip:bob@example.com", ` +
      `response="${h(`${ha1}:${middle}:${ha2}`)}", algorithm=${this.#options.algorithmName ?? algorithm}` +
      `${counted}${this.#options.extra ?? ''}`
    return { authorization, method: 'MESSAGE', realm: 'example.com', remoteAddress: '192.0.2.1', ...changes }
  }

  send(changes: Partial<DigestRequest> = {}, count = ++this.#count): DigestOutcome | Promise<DigestOutcome> {
    return this.#digest.verify(this.request(changes, count))
  }
}

function digestOf(
  options: Partial<DigestOptions> = {},
  clock = new VirtualClock(),
): { digest: Digest; clock: VirtualClock } {
  const authenticator: Authenticator = {
    credentials: async (name) => (name.key === alice.key ? { owner: alice, secrets } : undefined),
  }
  const serverKey = utf8('a key of this server')
  return {
    clock,
    digest: new Digest({ authenticator, clock, backOff: new BackOff(clock), serverKey, ...options }),
  }
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex')
}
