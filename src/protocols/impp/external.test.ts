// Logins by a person's certificate (RFC 4422 appendix A; docs/specs/impp-1.0.md §6.3; decision 0057).
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { BackOff, PersonCertificates, Sasl, StoreAuthenticator, serverKeyOf } from '#auth'
import { SystemClock } from '#base'
import { clientTlsContext, ensureCertificates, readAuthorities, TlsContexts } from '#net'
import type { SessionEnvironment } from './session-environment.ts'
import { secured } from './testing/secured.ts'

const directory = mkdtempSync(join(tmpdir(), 'verona-persons-'))
after(() => rmSync(directory, { recursive: true }))
const isMissing = spawnSync('openssl', ['version']).error !== undefined
const skip = isMissing ? 'openssl is not installed' : false
const clock = new SystemClock()
const own = await ensureCertificates(join(directory, 'server'), ['example.com'], clock)
const tls = new TlsContexts({ certificates: [{ certificate: own.certificateFile, key: own.keyFile }] })
const path = (name: string): string => join(directory, name)

function openssl(...words: string[]): void {
  const run = spawnSync('openssl', words, { cwd: directory })
  assert.equal(run.status, 0, String(run.stderr))
}

function authority(name: string): void {
  const subject = ['-subj', `/CN=${name}`, '-addext', 'basicConstraints=critical,CA:TRUE']
  openssl(
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    `${name}.key`,
    '-out',
    `${name}.pem`,
    ...subject,
  )
}

/** A certificate of `issuer` with these lines of extensions; answers its files' name. */
function person(name: string, issuer: string, ...extensions: string[]): string {
  openssl(
    'req',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    `${name}.key`,
    '-out',
    `${name}.csr`,
    '-subj',
    `/CN=${name}`,
  )
  writeFileSync(path(`${name}.ext`), extensions.join('\n'))
  const issued = ['-CA', `${issuer}.pem`, '-CAkey', `${issuer}.key`, '-CAcreateserial', '-days', '2']
  openssl('x509', '-req', '-in', `${name}.csr`, '-out', `${name}.pem`, ...issued, '-extfile', `${name}.ext`)
  return name
}

const mail = (address: string): string => `subjectAltName=email:${address}`

if (!isMissing) {
  authority('house')
  authority('stranger')
  // Issued by the house, and an authority for persons itself.
  person('porter', 'house', 'basicConstraints=critical,CA:TRUE,pathlen:0', 'keyUsage=keyCertSign')
}

/** What a server that takes certificates of the house offers to, and says of, a client with that one. */
async function login(
  t: { after(run: () => unknown): void },
  name: string | undefined,
  authzid = '=',
  named = 'house',
) {
  const authorities = readAuthorities(path(`${named}.pem`))
  const taking = async (environment: SessionEnvironment): Promise<SessionEnvironment> => {
    const authenticator = new StoreAuthenticator(environment.service.store)
    const persons = new PersonCertificates(authorities, () => clock.now())
    const serverKey = await serverKeyOf(environment.service.store)
    const sasl = new Sasl({
      authenticator,
      backOff: new BackOff(clock),
      serverKey,
      iterations: 4096,
      persons,
    })
    return { ...environment, logins: { ...environment.logins, sasl } }
  }
  const certificates =
    name === undefined ? undefined : [{ certificate: path(`${name}.pem`), key: path(`${name}.key`) }]
  const trust = [own.authorityFile]
  const client = certificates ? new TlsContexts({ certificates, trust }) : clientTlsContext(trust)
  const { ask, hello } = await secured(t, tls, client, taking)
  const offered = hello.headers.get('mechanisms')?.split(' ').includes('EXTERNAL') ?? false
  const answer = await ask('AUTH', { Mechanism: 'EXTERNAL', Data: authzid })
  return { offered, said: answer.headers.get('to') ?? answer.headers.get('reason') }
}

const juliet = 'impp://example.com/juliet'
const base64 = (text: string): string => Buffer.from(text).toString('base64')
/** [what, extensions, issuer, authorization identity, offered, who it is or why not] */
const cases: [string, string[], string, string, boolean, string][] = [
  ['an e-mail address of ours', [mail('juliet@example.com')], 'house', '=', true, juliet],
  ['a URI of ours', ['subjectAltName=URI:im:juliet@example.com'], 'house', '=', true, juliet],
  [
    'a certificate for clients',
    [mail('juliet@example.com'), 'extendedKeyUsage=clientAuth'],
    'house',
    '=',
    true,
    juliet,
  ],
  [
    'a name that it says itself',
    [mail('juliet@example.com')],
    'house',
    base64('juliet@example.com'),
    true,
    juliet,
  ],
  [
    'one of two names',
    ['subjectAltName=email:romeo@example.com,email:juliet@example.com'],
    'house',
    base64('juliet'),
    true,
    juliet,
  ],
  [
    'two names and none said',
    ['subjectAltName=email:romeo@example.com,email:juliet@example.com'],
    'house',
    '=',
    true,
    'authentication-failed',
  ],
  [
    'a name of somebody else',
    [mail('juliet@example.com')],
    'house',
    base64('romeo@example.com'),
    true,
    'authentication-failed',
  ],
  ['a person without an account', [mail('nobody@example.com')], 'house', '=', true, 'authentication-failed'],
  ['another authority', [mail('juliet@example.com')], 'stranger', '=', false, 'not-acceptable'],
  ['another domain', [mail('juliet@elsewhere.example')], 'house', '=', false, 'not-acceptable'],
  [
    'a certificate for servers',
    [mail('juliet@example.com'), 'extendedKeyUsage=serverAuth'],
    'house',
    '=',
    false,
    'not-acceptable',
  ],
  [
    'an authority',
    [mail('juliet@example.com'), 'basicConstraints=CA:TRUE'],
    'house',
    '=',
    false,
    'not-acceptable',
  ],
  ['no name at all', ['subjectAltName=DNS:example.com'], 'house', '=', false, 'not-acceptable'],
]
for (const [n, [what, extensions, issuer, authzid, offered, said]] of cases.entries()) {
  test(`${what}: ${said}`, { skip }, async (t) => {
    const name = person(`p${n}`, issuer, ...extensions)
    assert.deepEqual(await login(t, name, authzid), { offered, said })
  })
}

/** [authority that the operator names, issuer, offered] */
const through: [string, string, boolean][] = [
  ['porter', 'porter', true],
  ['house', 'porter', false],
  ['porter', 'house', false],
]
for (const [named, issuer, offered] of through) {
  const title = `issued by ${issuer} where ${named} is named: ${offered ? 'taken' : 'not taken'}`
  test(`an intermediate authority is one that is named itself: ${title}`, { skip }, async (t) => {
    const name = person(`i-${named}-${issuer}`, issuer, mail('juliet@example.com'))
    const { offered: isOffered, said } = await login(t, name, '=', named)
    assert.deepEqual([isOffered, said], [offered, offered ? juliet : 'not-acceptable'])
  })
}

test('who shows no certificate is offered the other mechanisms', { skip }, async (t) => {
  assert.deepEqual(await login(t, undefined), { offered: false, said: 'not-acceptable' })
})

test('a certificate counts while it is in force', { skip }, () => {
  const certificate = new X509Certificate(
    readFileSync(path(`${person('timed', 'house', mail('juliet@example.com'))}.pem`)),
  )
  const at = (now: number) =>
    new PersonCertificates(readAuthorities(path('house.pem')), () => now).personsOf(certificate)
  const [from, to] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)]
  assert.deepEqual(
    [from - 1000, from, to, to + 1000].map((now) => at(now).length),
    [0, 1, 1, 0],
  )
})

test('a file without a certificate is told by its name', () => {
  writeFileSync(path('empty.pem'), '')
  assert.throws(
    () => readAuthorities(path('empty.pem')),
    /empty\.pem cannot be used: there is no certificate/,
  )
  assert.throws(() => readAuthorities(path('missing.pem')), /missing\.pem cannot be used/)
})
