// Digest as phones meet it, RFC 3261 §22 with RFC 7616 and RFC 8760: counts, replays, stale nonces, forms of names, and our own proof.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { headerValuesNamed, type SipResponse } from './codec/message.ts'
import { parseAuth } from './testing/auth-params.ts'
import { fieldOf, type Phone } from './testing/phone.ts'
import { at, SipDomain } from './testing/sip-domain.ts'

interface Credentials {
  readonly username?: string
  readonly password?: string
  readonly algorithm?: 'MD5' | 'SHA-256'
  readonly qop?: 'auth' | 'auth-int'
  readonly nc?: number
  readonly body?: string
}

const hashOf = (algorithm: string, text: string): string =>
  createHash(algorithm.replace('-', '').toLowerCase()).update(text).digest('hex')

/** An Authorization field for a REGISTER, written from RFC 7616 §3.4 apart from the code under test. */
function authorization(nonce: string, credentials: Credentials = {}, method = 'REGISTER'): string {
  const { username = 'bob', password = 'secret', algorithm = 'MD5', qop = 'auth', body = '' } = credentials
  const nc = (credentials.nc ?? 1).toString(16).padStart(8, '0')
  const h = (text: string): string => hashOf(algorithm, text)
  const a2 = `${method}:sip:example.com${qop === 'auth-int' ? `:${h(body)}` : ''}`
  const response = h(`${h(`${username}:example.com:${password}`)}:${nonce}:${nc}:cn:${qop}:${h(a2)}`)
  return (
    `Authorization: Digest username="${username}", realm="example.com", nonce="${nonce}", uri="sip:example.com", ` +
    `response="${response}", algorithm=${algorithm}, qop=${qop}, nc=${nc}, cnonce="cn"`
  )
}

let cseq = 0
const send = (phone: Phone, ...lines: string[]): Promise<SipResponse> =>
  phone.request('REGISTER', {
    uri: 'sip:example.com',
    to: `<${phone.aor}>`,
    cseq: ++cseq,
    headers: [`Contact: <${phone.contact}>`, 'User-Agent: any/2', ...lines],
    authenticate: false,
  })

/** What a 401 asks: one map a challenge. */
const challengesIn = (response: SipResponse): Map<string, string>[] =>
  headerValuesNamed(response, 'WWW-Authenticate').map(parseAuth)
const nonceIn = (response: SipResponse): string => challengesIn(response)[0]?.get('nonce') ?? ''

async function challenged() {
  const domain = await SipDomain.make()
  const bob = domain.phone('bob', '192.0.2.1')
  const response = await send(bob)
  assert.equal(response.status, 401)
  return { domain, bob, response, nonce: nonceIn(response) }
}

test('a challenge has realm, a fresh nonce, qop and algorithm, SHA-256 before MD5, and no stale (RFC 3261 §22.4, RFC 8760 §2.4)', async () => {
  const { bob, response, nonce } = await challenged()
  assert.deepEqual(
    challengesIn(response).map((one) => ['algorithm', 'realm', 'qop', 'stale'].map((name) => one.get(name))),
    [
      ['SHA-256', 'example.com', 'auth', undefined],
      ['MD5', 'example.com', 'auth', undefined],
    ],
  )
  assert.notEqual(nonceIn(await send(bob)), nonce)
})

test('one nonce serves as long as its count grows; a count that was used is a replay: stale, with a new nonce (RFC 7616 §3.3, §5.4)', async () => {
  const { bob, nonce } = await challenged()
  for (const nc of [1, 2, 5]) assert.equal((await send(bob, authorization(nonce, { nc }))).status, 200)
  for (const nc of [1, 2, 5, 0]) {
    const replayed = await send(bob, authorization(nonce, { nc }))
    assert.equal(replayed.status, 401, `count ${nc}`)
    assert.equal(challengesIn(replayed)[0]?.get('stale'), 'true')
    assert.notEqual(nonceIn(replayed), nonce)
  }
})

test('what another captured is of no use to them, whatever they change (RFC 7616 §5.4)', async () => {
  const { domain, bob, nonce } = await challenged()
  const captured = authorization(nonce)
  assert.equal((await send(bob, captured)).status, 200)
  const mallory = domain.phone('bob', '192.0.2.66')
  assert.equal((await send(mallory, captured)).status, 401)
  assert.equal((await send(mallory, captured.replace('nc=00000001', 'nc=00000002'))).status, 401)
  const account = domain.service.directory.resident(at('bob@example.com'))
  assert.equal(account?.inbox.agents.length, 1)
})

test('a nonce that is too old is stale: the phone answers the new one and asks nobody for a password (RFC 7616 §3.3)', async () => {
  const { domain, bob, nonce } = await challenged()
  assert.equal((await send(bob, authorization(nonce))).status, 200)
  domain.clock.advance(301_000)
  const old = await send(bob, authorization(nonce, { nc: 2 }))
  assert.deepEqual([old.status, challengesIn(old)[0]?.get('stale')], [401, 'true'])
  assert.equal((await send(bob, authorization(nonceIn(old)))).status, 200)
})

/** [what, credentials, accepted] */
const forms: readonly [string, Credentials, boolean][] = [
  ['MD5', {}, true],
  ['SHA-256', { algorithm: 'SHA-256' }, true],
  ['the name with its domain', { username: 'bob@example.com' }, true],
  ['the name with its domain, SHA-256', { username: 'bob@example.com', algorithm: 'SHA-256' }, true],
  ['auth-int over no body', { qop: 'auth-int' }, true],
  ['auth-int over another body', { qop: 'auth-int', body: 'other' }, false],
  ['a wrong password', { password: 'guess' }, false],
  ['the name of nobody', { username: 'nobody' }, false],
]
for (const [what, credentials, isAccepted] of forms)
  test(`${what} is ${isAccepted ? 'accepted' : 'challenged anew, not as stale'} (RFC 3261 §22.1, RFC 8760 §2)`, async () => {
    const { bob, nonce } = await challenged()
    const response = await send(bob, authorization(nonce, credentials))
    assert.equal(response.status, isAccepted ? 200 : 401)
    if (!isAccepted) assert.equal(challengesIn(response)[0]?.get('stale'), undefined)
  })

for (const [name, status] of [
  ['nonce', 'of another server'],
  ['response', 'of another secret'],
] as const)
  test(`a ${name} ${status} is challenged anew, not as stale (RFC 7616 §3.3)`, async () => {
    const { bob, nonce } = await challenged()
    const forged = authorization(nonce).replace(new RegExp(`(${name}=")....`), '$1AAAA')
    const response = await send(bob, forged)
    assert.deepEqual([response.status, challengesIn(response)[0]?.get('stale')], [401, undefined])
  })

test('a 200 proves that the server knows the password too: rspauth (RFC 3261 §22.4, §20.6, RFC 7616 §3.5)', async () => {
  for (const algorithm of ['MD5', 'SHA-256'] as const) {
    const { bob, nonce } = await challenged()
    const response = await send(bob, authorization(nonce, { algorithm }))
    const info = parseAuth(`Digest ${fieldOf(response, 'Authentication-Info')}`)
    const h = (text: string): string => hashOf(algorithm, text)
    const expected = h(`${h('bob:example.com:secret')}:${nonce}:00000001:cn:auth:${h(':sip:example.com')}`)
    assert.deepEqual(
      ['rspauth', 'qop', 'cnonce', 'nc'].map((one) => info.get(one)),
      [expected, 'auth', 'cn', '00000001'],
    )
  }
})

test('nothing is proven to who is refused, and nothing where we are a proxy (RFC 3261 §22.4)', async () => {
  const { domain, bob, nonce } = await challenged()
  const brief = await send(bob, authorization(nonce), 'Expires: 1')
  assert.deepEqual([brief.status, fieldOf(brief, 'Authentication-Info')], [423, undefined])
  const alice = domain.phone('alice', '192.0.2.3')
  const stored = await alice.message('sip:bob@example.com', 'x')
  assert.deepEqual([stored.status, fieldOf(stored, 'Authentication-Info')], [202, undefined])
})

test('an account that came with an MD5 digest alone is asked for MD5 where a phone prefers SHA-256 (decision 0096)', async () => {
  const { domain } = await challenged()
  const ha1 = hashOf('MD5', 'dora:example.com:secret')
  await domain.service.accounts.add([
    { address: at('dora@example.com'), digests: [{ hash: 'MD5', form: 'user', ha1 }] },
  ])
  const dora = domain.phone('dora', '192.0.2.5')
  const first = await send(dora)
  const username = 'dora'
  const second = await send(dora, authorization(nonceIn(first), { username, algorithm: 'SHA-256' }))
  const asked = challengesIn(second).map((one) => [one.get('algorithm'), one.get('stale')])
  assert.deepEqual([second.status, asked], [401, [['MD5', 'true']]])
  assert.equal((await send(dora, authorization(nonceIn(second), { username }))).status, 200)
})

test('credentials for several realms: those for ours are looked at (RFC 3261 §22.3)', async () => {
  const { bob, nonce } = await challenged()
  const other = authorization(nonce).replace('realm="example.com"', 'realm="example.net"')
  assert.equal((await send(bob, other, authorization(nonce))).status, 200)
  assert.equal((await send(bob, other)).status, 401)
})
