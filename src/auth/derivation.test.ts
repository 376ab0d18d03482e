import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import type { ImportedDigest } from '#core'
import { type Address, parseAddress } from '#model'
import { Derivation, preparePassword } from './derivation.ts'
import { ha1Of, withoutMd5 } from './digest-hash.ts'
import { isPasswordOf, saltedPassword } from './scram-keys.ts'

const alice = parseAddress('alice@example.com') as Address
const extension = parseAddress('1001@pbx.example.com') as Address

test('Hi() is PBKDF2 with the vectors of RFC 6070 §2 and of RFC 7914 §11', async () => {
  const salt = Buffer.from('salt')
  assert.equal(
    hex(await saltedPassword('SHA-1', 'password', salt, 1)),
    '0c60c80f961f0e71f3a9b524af6012062fe037a6',
  )
  assert.equal(
    hex(await saltedPassword('SHA-1', 'password', salt, 4096)),
    '4b007901b765489abead49d926f721d065a429c1',
  )
  assert.equal(
    hex(await saltedPassword('SHA-256', 'passwd', salt, 1)),
    '55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc',
  )
})

test('HA1 is that of RFC 7616 §3.9.1 and of RFC 2617 §3.5', () => {
  assert.equal(
    ha1Of('MD5', 'Mufasa', 'testrealm@host.com', 'Circle Of Life'),
    '939e7578ed9e3c518a452acee763bce9',
  )
  assert.equal(
    ha1Of('SHA-256', 'Mufasa', 'http-auth@example.org', 'Circle of Life'),
    createHash('sha256').update('Mufasa:http-auth@example.org:Circle of Life').digest('hex'),
  )
})

test('one password gives three verifiers and a digest for each alias, form and hash, and no clear text', async () => {
  const derived = await new Derivation().derive([alice, extension], 'correct horse')
  assert.ok('secrets' in derived)
  const { secrets } = derived
  assert.deepEqual(Object.keys(secrets.scram).sort(), ['SHA-1', 'SHA-256', 'SHA-512'])
  for (const hash of ['SHA-1', 'SHA-256', 'SHA-512'] as const) {
    const verifier = secrets.scram[hash]
    assert.ok(verifier)
    assert.equal(verifier.iterations, 10_000)
    assert.equal(Buffer.from(verifier.salt, 'base64').length, 16)
    assert.equal(await isPasswordOf(hash, verifier, 'correct horse'), true)
    assert.equal(await isPasswordOf(hash, verifier, 'Correct horse'), false)
  }
  assert.deepEqual(Object.keys(secrets.ha1).sort(), [
    'MD5 1001:pbx.example.com',
    'MD5 1001@pbx.example.com:pbx.example.com',
    'MD5 alice:example.com',
    'MD5 alice@example.com:example.com',
    'SHA-256 1001:pbx.example.com',
    'SHA-256 1001@pbx.example.com:pbx.example.com',
    'SHA-256 alice:example.com',
    'SHA-256 alice@example.com:example.com',
  ])
  assert.equal(secrets.ha1['MD5 alice:example.com'], ha1Of('MD5', 'alice', 'example.com', 'correct horse'))
  const written = JSON.stringify(secrets)
  assert.ok(!written.includes('correct horse'))
  assert.deepEqual(JSON.parse(written), secrets)
  assert.ok(Object.keys(withoutMd5(secrets).ha1).every((key) => key.startsWith('SHA-256 ')))
})

test('salts differ between hashes and between accounts', async () => {
  const salts = new Set<string>()
  for (let i = 0; i < 3; i++) {
    const derived = await new Derivation({ iterations: 4096 }).derive([alice], 'x')
    assert.ok('secrets' in derived)
    for (const verifier of Object.values(derived.secrets.scram)) salts.add(verifier.salt)
  }
  assert.equal(salts.size, 9)
})

test('iterations below the 4096 of RFC 7677 §4 are raised to it', async () => {
  const derived = await new Derivation({ iterations: 1 }).derive([alice], 'x')
  assert.ok('secrets' in derived)
  assert.equal(derived.secrets.scram['SHA-256']?.iterations, 4096)
})

/** [what, password, prepared or undefined] (RFC 8265 §4, decision 0010) */
const passwords: [string, string, string | undefined][] = [
  ['ASCII', 'pencil', 'pencil'],
  ['spaces', ' a b ', ' a b '],
  ['a no-break space becomes a space', 'a\u00a0b', 'a b'],
  ['a decomposed letter is composed', 'e\u0301', '\u00e9'],
  ['an emoji', '\u{1f60a}', '\u{1f60a}'],
  ['empty', '', undefined],
  ['a tab', 'a\tb', undefined],
  ['a ligature, which SASLprep would take apart', '\ufb01sh', undefined],
  ['fullwidth letters, which SASLprep would narrow', '\uff41\uff42', undefined],
  ['a joiner that OpaqueString allows and SASLprep drops', '\u0915\u094d\u200d\u0937', undefined],
]
for (const [what, password, prepared] of passwords) {
  test(`a password with ${what}`, async () => {
    assert.equal(preparePassword(password), prepared)
    const derived = await new Derivation({ iterations: 4096, scram: ['SHA-1'] }).derive([alice], password)
    assert.deepEqual(
      'refused' in derived ? derived : undefined,
      prepared === undefined ? { refused: 'not-acceptable' } : undefined,
    )
  })
}

test('secrets that lack an alias or a hash are incomplete', async () => {
  const full = new Derivation({ iterations: 4096 })
  const derived = await full.derive([alice], 'x')
  assert.ok('secrets' in derived)
  assert.equal(full.isComplete([alice], derived.secrets), true)
  assert.equal(full.isComplete([alice, extension], derived.secrets), false)
  assert.equal(full.isComplete([alice], { ...derived.secrets, scram: {} }), false)
  assert.equal(
    new Derivation({ digests: ['SHA-256'] }).isComplete([alice], withoutMd5(derived.secrets)),
    true,
  )
})

/** [what, digests, keys of HA1 or the refusal] */
const adoptions: [string, ImportedDigest[], string[] | string][] = [
  ['MD5 of the user', [{ hash: 'MD5', form: 'user', ha1: 'A'.repeat(32) }], ['MD5 alice:example.com']],
  [
    'both forms and both hashes',
    [
      { hash: 'MD5', form: 'user@domain', ha1: 'b'.repeat(32) },
      { hash: 'SHA-256', form: 'user', ha1: 'c'.repeat(64) },
    ],
    ['MD5 alice@example.com:example.com', 'SHA-256 alice:example.com'],
  ],
  ['one of the wrong length', [{ hash: 'SHA-256', form: 'user', ha1: 'a'.repeat(32) }], 'malformed'],
  ['one that is no number', [{ hash: 'MD5', form: 'user', ha1: 'x'.repeat(32) }], 'malformed'],
  ['none', [], 'not-acceptable'],
]
for (const [what, digests, expected] of adoptions)
  test(`digests of another server are taken as they are: ${what}`, () => {
    const adopted = new Derivation().adopt(alice, digests)
    assert.deepEqual('secrets' in adopted ? Object.keys(adopted.secrets.ha1) : adopted.refused, expected)
    if (!('secrets' in adopted)) return
    assert.deepEqual(adopted.secrets.scram, {})
    assert.equal(
      adopted.secrets.ha1['MD5 alice:example.com'] ?? '',
      what.startsWith('MD5') ? 'a'.repeat(32) : '',
    )
    assert.equal(new Derivation().isComplete([alice], adopted.secrets), false)
  })

test('digests of MD5 are not taken where none are kept (decision 0012)', () => {
  const adopted = new Derivation({ digests: ['SHA-256'] }).adopt(alice, [
    { hash: 'MD5', form: 'user', ha1: 'a'.repeat(32) },
  ])
  assert.deepEqual(adopted, { refused: 'not-acceptable' })
})

test('deriving leaves the main thread free', async () => {
  let turns = 0
  let deriving = true
  const turn = (): void => {
    turns++
    if (deriving) setImmediate(turn)
  }
  setImmediate(turn)
  // Long enough for the loop to turn on a machine that has other things to do.
  await new Derivation({ iterations: 100_000 }).derive([alice], 'x')
  deriving = false
  assert.ok(turns > 1, `the loop turned ${turns} times meanwhile`)
})

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
