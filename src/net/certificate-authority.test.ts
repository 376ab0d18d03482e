import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { VirtualClock } from '#base'
import { ensureCertificates } from './index.ts'

const day = 24 * 3600 * 1000

function directory(t: { after(run: () => void): void }): string {
  const path = mkdtempSync(join(tmpdir(), 'verona-tls-'))
  t.after(() => rmSync(path, { recursive: true }))
  return path
}

const load = (file: string) => new X509Certificate(readFileSync(file))

test('the first start makes an authority and a server certificate, with keys that others cannot read', async (t) => {
  const path = join(directory(t), 'tls')
  const clock = new VirtualClock(Date.now())
  const own = await ensureCertificates(path, ['example.com', 'bücher.example'], clock)
  assert.equal(own.made, 'authority')
  const server = load(own.certificateFile)
  assert.equal(
    server.subjectAltName,
    'DNS:example.com, DNS:xn--bcher-kva.example, DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1',
  )
  const authority = load(own.authorityFile)
  assert.ok(authority.ca && !server.ca)
  assert.ok(server.verify(authority.publicKey) && server.checkIssued(authority))
  for (const file of ['ca.key', 'server.key']) {
    assert.equal(statSync(join(path, file)).mode & 0o777, 0o600, file)
  }
})

test('openssl verifies the chain, for the names and as a TLS server and client (RFC 5280 §6)', async (t) => {
  if (spawnSync('openssl', ['version']).error !== undefined) return t.skip('openssl is not installed')
  const own = await ensureCertificates(directory(t), ['example.com'], new VirtualClock(Date.now()))
  for (const more of [
    ['-verify_hostname', 'example.com'],
    ['-verify_ip', '::1'],
    ['-purpose', 'sslserver'],
    ['-purpose', 'sslclient'],
  ]) {
    const run = spawnSync('openssl', [
      'verify',
      '-x509_strict',
      '-CAfile',
      own.authorityFile,
      ...more,
      own.certificateFile,
    ])
    assert.equal(run.status, 0, `${more}: ${run.stderr}`)
  }
  const wrong = spawnSync('openssl', [
    'verify',
    '-CAfile',
    own.authorityFile,
    '-verify_hostname',
    'example.org',
    own.certificateFile,
  ])
  assert.notEqual(wrong.status, 0)
})

test('a second start makes nothing; new domains and a near expiry make a server certificate of the same authority', async (t) => {
  const path = directory(t)
  const clock = new VirtualClock(Date.now())
  const first = await ensureCertificates(path, ['a.example'], clock)
  const authority = readFileSync(first.authorityFile, 'utf8')
  assert.equal((await ensureCertificates(path, ['a.example'], clock)).made, 'nothing')
  const more = await ensureCertificates(path, ['a.example', 'b.example'], clock)
  assert.deepEqual([more.made, more.why], ['server', 'it lacked b.example'])
  assert.match(load(more.certificateFile).subjectAltName ?? '', /DNS:b\.example/)
  clock.advance(366 * day)
  assert.equal((await ensureCertificates(path, ['a.example'], clock)).made, 'nothing')
  clock.advance(2 * day)
  const renewed = await ensureCertificates(path, ['a.example'], clock)
  assert.deepEqual([renewed.made, renewed.why], ['server', 'it was about to expire'])
  assert.equal(readFileSync(first.authorityFile, 'utf8'), authority)
  assert.ok(load(renewed.certificateFile).verify(new X509Certificate(authority).publicKey))
})

test('an authority too old to outlive what it signs is made anew', async (t) => {
  const path = directory(t)
  const clock = new VirtualClock(Date.now())
  await ensureCertificates(path, ['a.example'], clock)
  clock.advance(3400 * day)
  assert.equal((await ensureCertificates(path, ['a.example'], clock)).made, 'authority')
})

test('a start that was killed between key and certificate is mended', async (t) => {
  const path = directory(t)
  const other = directory(t)
  const clock = new VirtualClock(Date.now())
  const own = await ensureCertificates(path, ['a.example'], clock)
  const another = await ensureCertificates(other, ['a.example'], clock)
  writeFileSync(own.keyFile, readFileSync(another.keyFile))
  const mended = await ensureCertificates(path, ['a.example'], clock)
  assert.deepEqual([mended.made, mended.why], ['server', 'there was no server certificate with its key'])
})

test('an operator’s own certificate is used, never replaced, and refused with a wrong key', async (t) => {
  if (spawnSync('openssl', ['version']).error !== undefined) return t.skip('openssl is not installed')
  const path = directory(t)
  const [key, certificate] = [join(path, 'server.key'), join(path, 'server.crt')]
  const made = spawnSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '5'],
    ...['-subj', '/CN=own.example', '-keyout', key, '-out', certificate],
  ])
  assert.equal(made.status, 0, String(made.stderr))
  const before = readFileSync(certificate, 'utf8')
  const clock = new VirtualClock(Date.now())
  assert.equal((await ensureCertificates(path, ['a.example'], clock)).made, 'nothing')
  assert.equal(readFileSync(certificate, 'utf8'), before)
  rmSync(key)
  await assert.rejects(
    ensureCertificates(path, ['a.example'], clock),
    /was not made here, and .* is not its key/,
  )
  writeFileSync(certificate, 'not a certificate')
  await assert.rejects(ensureCertificates(path, ['a.example'], clock), /holds no certificate in PEM/)
})
