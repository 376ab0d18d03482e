// SCRAM with channel binding for clients, over real TLS (RFC 5802 §6, RFC 9266, RFC 5929; docs/specs/impp-1.0.md §6.3).
import assert from 'node:assert/strict'
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type Bytes, SystemClock, utf8 } from '#base'
import { clientTlsContext, ensureCertificates, TlsContexts } from '#net'
import type { ImppResponse } from './codec/index.ts'
import { type Ask, secured } from './testing/secured.ts'

const directory = mkdtempSync(join(tmpdir(), 'verona-binding-'))
after(() => rmSync(directory, { recursive: true }))
const own = await ensureCertificates(directory, ['example.com'], new SystemClock())
const trusting = clientTlsContext([own.authorityFile])
const tls = new TlsContexts({ certificates: [{ certificate: own.certificateFile, key: own.keyFile }] })

/** Logs in by SCRAM-SHA-256-PLUS with that binding; the last response. */
async function login(ask: Ask, type: string, binding: Bytes): Promise<ImppResponse> {
  const base64 = (octets: Uint8Array | string): string => Buffer.from(octets as string).toString('base64')
  const bare = 'n=juliet,r=nonce'
  const first = await ask('AUTH', { Mechanism: 'SCRAM-SHA-256-PLUS', Data: base64(`p=${type},,${bare}`) })
  if (!first.ok) return first
  const challenge = Buffer.from(first.headers.get('data') ?? '', 'base64').toString()
  const [, nonce, salt, iterations] = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(challenge) ?? []
  const header = base64(Buffer.concat([Buffer.from(`p=${type},,`), binding]))
  const final = `c=${header},r=${nonce}`
  const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
  const salted = pbkdf2Sync('secret', Buffer.from(salt as string, 'base64'), Number(iterations), 32, 'sha256')
  const clientKey = hmac(salted, 'Client Key')
  const signature = hmac(createHash('sha256').update(clientKey).digest(), `${bare},${challenge},${final}`)
  const proof = base64(clientKey.map((octet, at) => octet ^ (signature[at] as number)))
  return ask('AUTH', { 'Auth-State': 'continue', Data: base64(`${final},p=${proof}`) })
}

test('under TLS the mechanisms with channel binding are offered, strongest first', async (t) => {
  const { hello } = await secured(t, tls, trusting)
  const offered = hello.headers.get('mechanisms')?.split(' ') ?? []
  assert.deepEqual(offered.slice(0, 4), [
    'SCRAM-SHA-512-PLUS',
    'SCRAM-SHA-256-PLUS',
    'SCRAM-SHA-1-PLUS',
    'SCRAM-SHA-512',
  ])
})

for (const type of ['tls-exporter', 'tls-server-end-point'] as const) {
  test(`a login is bound to its channel by ${type}`, async (t) => {
    const { ask, connection } = await secured(t, tls, trusting)
    const info = connection.tls
    const binding = type === 'tls-exporter' ? info?.tlsExporter() : info?.tlsServerEndPoint()
    assert.ok(binding !== undefined)
    const done = await login(ask, type, binding)
    assert.equal(done.headers.get('auth-state'), 'done')
    assert.equal(done.headers.get('to'), 'impp://example.com/juliet')
  })
}

/** [what is presented, type, data] */
const wrong: [string, string, Bytes][] = [
  ['of another channel', 'tls-exporter', new Uint8Array(32)],
  ['of a type that is not offered', 'tls-unique', new Uint8Array(12)],
  ['that is empty', 'tls-exporter', utf8('')],
]
for (const [what, type, binding] of wrong) {
  test(`a binding ${what} fails the login`, async (t) => {
    const { ask } = await secured(t, tls, trusting)
    const refused = await login(ask, type, binding)
    assert.equal(refused.headers.get('reason'), 'authentication-failed')
  })
}
