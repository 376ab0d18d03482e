import assert from 'node:assert/strict'
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Bytes, text, utf8 } from '#base'
import type { ScramHash, ScramVerifier } from '#core'
import { saltedPassword, scramVerifier } from './scram-keys.ts'
import { readClientFinal, readClientFirst } from './scram-messages.ts'
import {
  type ScramEffect,
  type ScramParameters,
  type ScramState,
  scramStart,
  scramStep,
} from './scram-server.ts'

interface Example {
  readonly section: string
  readonly hash: ScramHash
  readonly salt: string
  readonly serverNonce: string
  readonly first: string
  readonly challenge: string
  readonly final: string
  readonly success: string
}

const examples: Example[] = [
  {
    section: 'RFC 5802 §5',
    hash: 'SHA-1',
    salt: 'QSXCR+Q6sek8bf92',
    serverNonce: '3rfcNHYJY1ZVvWVs7j',
    first: 'n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL',
    challenge: 'r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096',
    final: 'c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=',
    success: 'v=rmF9pqV8S7suAoZWja4dJRkFsKQ=',
  },
  {
    section: 'RFC 7677 §3',
    hash: 'SHA-256',
    salt: 'W22ZaJ0SNY7soEsUEjb6gQ==',
    serverNonce: '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
    first: 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO',
    challenge: 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
    final:
      'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,' +
      'p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
    success: 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
  },
]

for (const example of examples) {
  test(`the exchange of ${example.section} is carried out word for word`, async () => {
    const verifier = await verifierOf(example.hash, 'pencil', example.salt, 4096)
    const parameters = {
      hash: example.hash,
      plus: false,
      bindings: new Map(),
      serverNonce: example.serverNonce,
    }
    const [naming, lookUp] = scramStep(parameters, scramStart, message(example.first))
    assert.deepEqual(lookUp, { kind: 'look-up', name: 'user' })
    const [proving, challenge] = scramStep(parameters, naming, { kind: 'verifier', verifier })
    assert.equal(dataOf(challenge), example.challenge)
    const [ended, proven] = scramStep(parameters, proving, message(example.final))
    assert.equal(proven.kind, 'proven')
    assert.equal(dataOf(proven), example.success)
    assert.equal(ended.kind, 'ended')
    const [, after] = scramStep(parameters, ended, message(example.final))
    assert.equal(after.kind, 'refused')
  })
}

test('every octet of the proof counts, and so does its length', async () => {
  const { state, parameters } = await proving(examples[0] as Example)
  const final = (examples[0] as Example).final
  const proofAt = final.indexOf(',p=') + 3
  const proof = Buffer.from(final.slice(proofAt), 'base64')
  for (let i = 0; i < proof.length; i++) {
    const wrong = Buffer.from(proof)
    wrong[i] = (wrong[i] as number) ^ 1
    const [, effect] = scramStep(
      parameters,
      state,
      message(final.slice(0, proofAt) + wrong.toString('base64')),
    )
    assert.deepEqual(effect, { kind: 'refused', because: 'proof' })
  }
  for (const wrong of [proof.subarray(0, 19), Buffer.concat([proof, Buffer.alloc(1)]), Buffer.alloc(0)]) {
    const [, effect] = scramStep(
      parameters,
      state,
      message(final.slice(0, proofAt) + wrong.toString('base64')),
    )
    assert.deepEqual(effect, { kind: 'refused', because: 'proof' })
  }
})

/** [what, plus, bindings, first, effect kind or reason] (RFC 5802 §6) */
const tlsExporter = new Map<string, Bytes>([['tls-exporter', utf8('exported keying material')]])
const none = new Map<string, Bytes>()
const flags: [string, boolean, Map<string, Bytes>, string, string][] = [
  ['n without -PLUS, no binding offered', false, none, 'n,,n=u,r=x', 'look-up'],
  ['n without -PLUS, binding offered', false, tlsExporter, 'n,,n=u,r=x', 'look-up'],
  ['y where none is offered', false, none, 'y,,n=u,r=x', 'look-up'],
  ['y where one is offered: a downgrade', false, tlsExporter, 'y,,n=u,r=x', 'channel-binding'],
  ['p without -PLUS', false, tlsExporter, 'p=tls-exporter,,n=u,r=x', 'channel-binding'],
  ['p with -PLUS', true, tlsExporter, 'p=tls-exporter,,n=u,r=x', 'look-up'],
  ['p with a type we do not have', true, tlsExporter, 'p=tls-unique,,n=u,r=x', 'channel-binding'],
  ['n with -PLUS', true, tlsExporter, 'n,,n=u,r=x', 'channel-binding'],
  ['y with -PLUS', true, tlsExporter, 'y,,n=u,r=x', 'channel-binding'],
]
for (const [what, plus, bindings, first, expected] of flags) {
  test(`channel binding flag ${what} (RFC 5802 §6)`, () => {
    const parameters: ScramParameters = { hash: 'SHA-256', plus, bindings, serverNonce: 's' }
    const [, effect] = scramStep(parameters, scramStart, message(first))
    assert.equal(effect.kind === 'refused' ? effect.because : effect.kind, expected)
  })
}

for (const hash of ['SHA-1', 'SHA-256', 'SHA-512'] as const) {
  test(`SCRAM-${hash}-PLUS binds to the channel's exported material (RFC 9266), and to no other`, async () => {
    const salt = Buffer.from('0123456789abcdef').toString('base64')
    const verifier = await verifierOf(hash, 'p\u00e4sswort', salt, 4096)
    for (const [material, expected] of [
      ['exported keying material', 'proven'],
      ['of a man in the middle', 'refused'],
    ] as const) {
      const parameters: ScramParameters = { hash, plus: true, bindings: tlsExporter, serverNonce: 'server' }
      const first = 'p=tls-exporter,a=juliet@example.com,n=juliet,r=client'
      const [naming] = scramStep(parameters, scramStart, message(first))
      const [state, challenge] = scramStep(parameters, naming, { kind: 'verifier', verifier })
      const gs2 = Buffer.from('p=tls-exporter,a=juliet@example.com,')
      const binding = Buffer.concat([gs2, Buffer.from(material)]).toString('base64')
      const withoutProof = `c=${binding},r=clientserver`
      const final = clientFinal(
        hash,
        'p\u00e4sswort',
        verifier,
        'n=juliet,r=client',
        dataOf(challenge),
        withoutProof,
      )
      const [, effect] = scramStep(parameters, state, message(final))
      assert.equal(effect.kind, expected)
      if (effect.kind === 'proven') assert.equal(effect.authorization, 'juliet@example.com')
    }
  })
}

const badFirsts = [
  '',
  'n',
  'n,',
  'n,,',
  'x,,n=u,r=a',
  'p,,n=u,r=a',
  'p=,,n=u,r=a',
  'n,b=x,n=u,r=a',
  'n,a=,n=u,r=a',
  'n,,n=,r=a',
  'n,,n=u',
  'n,,n=u,r=',
  'n,,r=a,n=u',
  'n,,m=ext,n=u,r=a',
  'n,,n=u=41,r=a',
  'n,,n=u=2c,r=a',
  'n,,n=u,r=a b',
  'n,,n=u,r=\u00e9',
  'n,,n=u\0,r=a',
  'n,,n=u,r=a,nonsense',
]
for (const first of badFirsts) {
  test(`client-first-message ${JSON.stringify(first)} is refused (RFC 5802 §7)`, () => {
    assert.equal(readClientFirst(utf8(first)), undefined)
  })
}

test('a name is unescaped once, and unknown optional extensions are passed over (RFC 5802 §5.1)', () => {
  assert.equal(readClientFirst(utf8('n,,n=a=2Cb=3D2C,r=x,z=1'))?.name, 'a,b=2C')
  assert.equal(readClientFirst(utf8('n,a=x=2Cy,n=u,r=x'))?.authorization, 'x,y')
})

test('client-final-message with a mandatory extension, another nonce or another c= is refused', async () => {
  const { state, parameters } = await proving(examples[0] as Example)
  const { final } = examples[0] as Example
  for (const wrong of [
    final.replace(',p=', ',m=x,p='),
    final.replace('3rfc', '4rfc'),
    final.replace('c=biws', 'c=eSws'),
    final.replace('c=biws', 'c='),
    final.replace(',p=', ',q='),
    final.slice(0, -1),
  ]) {
    assert.equal(scramStep(parameters, state, message(wrong))[1].kind, 'refused')
  }
})

test('cut or flipped anywhere, a message is read or refused, never thrown upon', () => {
  const numRuns = process.env.VERONA_SOAK ? 10_000 : 300
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(70), fc.nat(255), (noise, at, value) => {
      const bytes = utf8((examples[0] as Example).final)
      bytes[at % bytes.length] = value
      for (const one of [noise, bytes, bytes.subarray(0, at)]) {
        readClientFirst(one)
        readClientFinal(one)
      }
    }),
    { numRuns },
  )
})

async function proving(example: Example): Promise<{ state: ScramState; parameters: ScramParameters }> {
  const verifier = await verifierOf(example.hash, 'pencil', example.salt, 4096)
  const parameters = { hash: example.hash, plus: false, bindings: none, serverNonce: example.serverNonce }
  const [naming] = scramStep(parameters, scramStart, message(example.first))
  const [state] = scramStep(parameters, naming, { kind: 'verifier', verifier })
  return { state, parameters }
}

async function verifierOf(
  hash: ScramHash,
  password: string,
  salt: string,
  iterations: number,
): Promise<ScramVerifier> {
  const octets = Buffer.from(salt, 'base64')
  return scramVerifier(hash, await saltedPassword(hash, password, octets, iterations), octets, iterations)
}

/** A client written from RFC 5802 §3, apart from the code under test. */
function clientFinal(
  hash: ScramHash,
  password: string,
  verifier: ScramVerifier,
  bare: string,
  challenge: string,
  withoutProof: string,
): string {
  const name = hash.replace('-', '').toLowerCase()
  const length = createHash(name).digest().length
  const salted = pbkdf2Sync(password, Buffer.from(verifier.salt, 'base64'), verifier.iterations, length, name)
  const clientKey = createHmac(name, salted).update('Client Key').digest()
  const storedKey = createHash(name).update(clientKey).digest()
  const signature = createHmac(name, storedKey).update(`${bare},${challenge},${withoutProof}`).digest()
  const proof = Buffer.from(clientKey.map((octet, i) => octet ^ (signature[i] as number)))
  return `${withoutProof},p=${proof.toString('base64')}`
}

function message(written: string): { kind: 'message'; bytes: Bytes } {
  return { kind: 'message', bytes: utf8(written) }
}

function dataOf(effect: ScramEffect): string {
  assert.ok(effect.kind === 'challenge' || effect.kind === 'proven')
  return text(effect.data)
}
