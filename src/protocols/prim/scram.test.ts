// LOGIN with SCRAM: octets of SASL as bodies, the server's last word in the 200 (docs/specs/prim.md §4.3; RFC 5802, RFC 7677).
import assert from 'node:assert/strict'
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { afterEach, test } from 'node:test'
import { fixture, settled } from './testing/fixture.ts'
import { dropHands, Hand } from './testing/hand.ts'

afterEach(dropHands)

const From = 'im:bob@example.com'
const mechanism = 'SCRAM-SHA-256'

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

/** The client's last message, and the signature that the server must show. */
function proofOf(password: string, bare: string, challenge: string): { last: string; signature: string } {
  const said = Object.fromEntries(challenge.split(',').map((part) => [part[0], part.slice(2)]))
  const salted = pbkdf2Sync(password, Buffer.from(said.s ?? '', 'base64'), Number(said.i), 32, 'sha256')
  const clientKey = hmac(salted, 'Client Key')
  const without = `c=biws,r=${said.r}`
  const signed = `${bare},${challenge},${without}`
  const signature = hmac(createHash('sha256').update(clientKey).digest(), signed)
  const proof = Buffer.from(clientKey.map((octet, at) => octet ^ (signature[at] as number)))
  return {
    last: `${without},p=${proof.toString('base64')}`,
    signature: `v=${hmac(hmac(salted, 'Server Key'), signed).toString('base64')}`,
  }
}

async function login(
  hand: Hand,
  password: string,
): Promise<{ status: number; body: string; signature: string }> {
  const step = (state: string, body = '') =>
    hand.ask('LOGIN PRIM-IM', { From, 'Auth-State': state, 'SASL-Mech': mechanism }, body)
  assert.equal((await step('init')).status, 100)
  const bare = 'n=bob,r=abcdefgh'
  const challenge = await step('continue', `n,,${bare}`)
  assert.equal(challenge.status, 100)
  const { last, signature } = proofOf(password, bare, challenge.body)
  const { status, body } = await step('continue', last)
  return { status, body, signature }
}

test('SCRAM proves both sides to each other, also without TLS', async () => {
  const f = await fixture({ plainWithoutTls: false })
  const hand = new Hand(f)
  const { status, body, signature } = await login(hand, 'secret')
  assert.deepEqual([status, body], [200, signature])
  assert.equal((await hand.ask('LISTEN PRIM-IM', { From })).status, 200)
  // §5.2: without TLS, and no password crossed it.
  const text = { To: From, 'Message-ID': 'm', 'Content-Type': 'text/plain' }
  hand.send('SEND PRIM-IM', { From, ...text }, 'note to self')
  assert.equal((await hand.next()).fields.AStrength, 'medium')
})

test('a wrong pass phrase is 406, with nothing of why', async () => {
  const hand = new Hand(await fixture())
  const { status, body } = await login(hand, 'wrong')
  assert.deepEqual([status, body], [406, ''])
  await settled()
  assert.ok(hand.closed !== undefined)
})
