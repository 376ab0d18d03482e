import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { findCertificates } from './certificates.ts'
import { findClock, findDisk, findOpenFiles, ofRoom } from './machine.ts'

const directory = mkdtempSync(join(tmpdir(), 'verona-doctor-'))
after(() => rmSync(directory, { recursive: true }))
const now = Date.UTC(2026, 5, 1)
const day = 24 * 3600 * 1000

test('a full disk is trouble, little room a notice', () => {
  assert.equal(ofRoom(50, '/').state, 'trouble')
  assert.equal(ofRoom(500, '/').state, 'notice')
  assert.equal(ofRoom(50_000, '/').what, '48 GiB free at /')
})

test('a data directory that others may look into is a notice, one that is not there yet is none', () => {
  const data = join(directory, 'data')
  assert.equal(
    findDisk(join(data, 'deep', 'down'))[0]?.what,
    `${join(data, 'deep', 'down')} will be made at the first start`,
  )
  mkdirSync(data)
  chmodSync(data, 0o755)
  assert.equal(findDisk(data)[0]?.state, 'notice')
  chmodSync(data, 0o700)
  assert.equal(findDisk(data)[0]?.state, 'good')
  const file = join(directory, 'file')
  writeFileSync(file, '', { mode: 0o700 })
  assert.equal(findDisk(file)[0]?.state, 'trouble')
})

test('a clock earlier than the files of the server is trouble', () => {
  const data = join(directory, 'clock')
  mkdirSync(data)
  writeFileSync(join(data, 'verona.sqlite'), '')
  utimesSync(join(data, 'verona.sqlite'), now / 1000, now / 1000)
  assert.equal(findClock(data, now, true).state, 'good')
  assert.equal(findClock(data, now, false).state, 'notice')
  assert.equal(findClock(data, now - day, true).state, 'trouble')
  assert.equal(findClock(join(data, 'none'), now, undefined).state, 'good')
})

test('few open files are a notice', () => {
  assert.equal(
    findOpenFiles('Max open files            1024                 524288               files')[0]?.state,
    'notice',
  )
  assert.equal(
    findOpenFiles('Max open files            65536                524288               files')[0]?.state,
    'good',
  )
  assert.equal(
    findOpenFiles('Max open files            unlimited            unlimited            files')[0]?.state,
    'good',
  )
})

/** [what, domain, days from the making, state, part of what is said] */
const pair = makeCertificate('chat.example', 90)
const made = Date.now()
const certificates: [string, string, number, string, string][] = [
  ['in order', 'chat.example', 1, 'good', 'valid until'],
  ['soon to run out', 'chat.example', 80, 'notice', 'runs out in'],
  ['that ran out', 'chat.example', 91, 'trouble', 'ran out on'],
  ['from the future', 'chat.example', -2, 'trouble', 'valid only from'],
  ['of another name', 'other.example', 1, 'trouble', 'not for other.example'],
]
for (const [what, domain, days, state, said] of certificates) {
  test(`a certificate ${what}: ${state}`, { skip: pair === undefined && 'no openssl here' }, () => {
    const [finding] = findCertificates([{ domain, ...(pair as Pair) }], directory, made + days * day)
    assert.equal(finding?.state, state, finding?.what)
    assert.ok(finding?.what.includes(said), finding?.what)
    assert.equal(finding?.remedy === undefined, state === 'good')
  })
}

test('a key that does not fit, or is not there, or not named', {
  skip: pair === undefined && 'no openssl here',
}, () => {
  const { certificate } = pair as Pair
  const other = (makeCertificate('x.example', 1) as Pair).key
  const whatOf = (key: string | undefined) =>
    findCertificates([{ domain: 'chat.example', certificate, key }], directory, made)[0]?.what
  assert.match(whatOf(other) as string, /is not the key of/)
  assert.match(whatOf(join(directory, 'none.key')) as string, /none\.key is not there/)
  assert.match(whatOf(undefined) as string, /not both named/)
  assert.match(whatOf(certificate) as string, /is not PEM/)
})

test('without a certificate named, the server makes one', () => {
  const [finding] = findCertificates(
    [{ domain: 'x', certificate: undefined, key: undefined }],
    directory,
    now,
  )
  assert.deepEqual([finding?.state, finding?.what], ['good', 'will be made by the server at its start'])
})

interface Pair {
  readonly certificate: string
  readonly key: string
}

/** Undefined where there is no openssl. */
function makeCertificate(name: string, days: number): Pair | undefined {
  const certificate = join(directory, `${name}.crt`)
  const key = join(directory, `${name}.key`)
  const words = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-subj',
    `/CN=${name}`,
  ]
  try {
    const rest = [
      '-addext',
      `subjectAltName=DNS:${name}`,
      '-days',
      `${days}`,
      '-keyout',
      key,
      '-out',
      certificate,
    ]
    execFileSync('openssl', [...words, ...rest], { stdio: 'ignore' })
  } catch {
    return undefined // the tests that need one are skipped by name
  }
  return { certificate, key }
}
