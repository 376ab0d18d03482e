// Accounts that came from another server with digests of their passwords alone (DESIGN: one person, one secret store).
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import type { DigestOutcome, SaslChannel } from '#auth'
import { utf8, VirtualClock } from '#base'
import { type Address, addressOf } from '#model'
import { Metrics, silentLog } from '#observe'
import { createMemoryStore } from '#store'
import { type Assembly, assemble } from './assembly.ts'
import { loadConfiguration } from './configuration.ts'

const md5 = (text: string): string => createHash('md5').update(text).digest('hex')
const alice = addressOf('alice', 'localhost') as Address
const channel: SaslChannel = {
  domain: 'localhost',
  remoteAddress: '192.0.2.1',
  plainAllowed: true,
  bindings: new Map(),
}

async function imported(environment: Record<string, string> = {}): Promise<Assembly> {
  const configuration = await loadConfiguration({ environment })
  const store = createMemoryStore()
  const assembly = await assemble({
    configuration,
    clock: new VirtualClock(),
    log: silentLog,
    metrics: new Metrics(),
    store,
  })
  const ha1 = md5('alice:localhost:zanzibar')
  const outcomes = await assembly.service.accounts.add([
    { address: alice, digests: [{ hash: 'MD5', form: 'user', ha1 }] },
  ])
  assert.deepEqual(outcomes, [{ kind: 'done' }])
  return assembly
}

/** A phone's answer to a challenge, as RFC 7616 §3.4.1 has it. */
function answer({ logins }: Assembly, algorithm: 'MD5' | 'SHA-256'): DigestOutcome | Promise<DigestOutcome> {
  const h = (text: string): string =>
    createHash(algorithm === 'MD5' ? 'md5' : 'sha256')
      .update(text)
      .digest('hex')
  const nonce = /nonce="([^"]+)"/.exec(logins.digest.challenges('localhost')[0] ?? '')?.[1] ?? ''
  const [ha1, ha2] = [h('alice:localhost:zanzibar'), h('REGISTER:sip:localhost')]
  return logins.digest.verify({
    authorization:
      `Digest username="alice", realm="localhost", nonce="${nonce}", uri="sip:localhost", algorithm=${algorithm}, ` +
      `qop=auth, nc=00000001, cnonce="c", response="${h(`${ha1}:${nonce}:00000001:c:auth:${ha2}`)}"`,
    method: 'REGISTER',
    realm: 'localhost',
    remoteAddress: '192.0.2.1',
  })
}

test('by SIP it logs in at once; by SHA-256 and SCRAM too, once PLAIN has shown its password', async () => {
  const assembly = await imported()
  const { service, logins } = assembly
  assert.equal((await answer(assembly, 'MD5')).kind, 'verified')
  const asked = await answer(assembly, 'SHA-256')
  assert.deepEqual(asked, { kind: 'challenge', stale: true, algorithms: ['MD5'] })
  const before = await service.store.secrets(alice)
  assert.deepEqual(before?.scram, {})
  const wrong = await logins.sasl.begin('PLAIN', channel)?.step(utf8('\0alice\0wrong'))
  assert.equal(wrong?.kind, 'failure')
  const right = await logins.sasl.begin('PLAIN', channel)?.step(utf8('\0alice\0zanzibar'))
  assert.equal(right?.kind, 'success')
  for (let turn = 0; Object.keys((await service.store.secrets(alice))?.scram ?? {}).length === 0; turn++) {
    assert.ok(turn < 5000, 'it was never completed')
    await new Promise(setImmediate)
  }
  const after = await service.store.secrets(alice)
  assert.deepEqual(Object.keys(after?.scram ?? {}).sort(), ['SHA-1', 'SHA-256', 'SHA-512'])
  assert.equal(after?.ha1['MD5 alice:localhost'], before?.ha1['MD5 alice:localhost'])
  assert.equal((await answer(assembly, 'SHA-256')).kind, 'verified')
})

test('where the setting says so, only PLAIN is offered, so that clients complete their accounts', async () => {
  const { logins } = await imported({ VERONA_AUTH_SCRAM: 'false' })
  assert.deepEqual(logins.sasl.mechanisms(channel), ['PLAIN'])
  assert.equal(logins.sasl.begin('SCRAM-SHA-256', channel), undefined)
})

test('an address of another domain than ours, and a digest that is none, are refused', async () => {
  const { service } = await imported()
  const digests = [{ hash: 'MD5', form: 'user', ha1: md5('x') }] as const
  const elsewhere = addressOf('bob', 'asterisk') as Address
  const bob = addressOf('bob', 'localhost') as Address
  assert.deepEqual(
    await service.accounts.add([
      { address: elsewhere, digests },
      { address: bob, digests: [{ hash: 'MD5', form: 'user', ha1: 'secret' }] },
      { address: alice, digests },
    ]),
    [
      { kind: 'refused', condition: 'domain-unknown' },
      { kind: 'refused', condition: 'malformed' },
      { kind: 'refused', condition: 'conflict' },
    ],
  )
})
