import assert from 'node:assert/strict'
import { test } from 'node:test'
import { text, utf8 } from '#base'
import { ScramClient } from './scram.ts'

/** RFC 7677 §3. */
const serverFirst = utf8(
  'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
)

test('the example of RFC 7677 §3 is computed', async () => {
  const client = new ScramClient('user', 'pencil', 'none', 'rOprNGfwEbeRWgbNEkqO')
  assert.equal(text(client.first()), 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO')
  assert.equal(
    text(await client.final(serverFirst)),
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  )
  assert.equal(client.verify(utf8('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=')), true)
  assert.equal(client.verify(utf8('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5=')), false)
  assert.equal(client.verify(utf8('e=other-error')), false)
})

test('a name with a comma or an equals sign is escaped (RFC 5802 §5.1)', () => {
  assert.equal(text(new ScramClient('a=b,c', 'x', 'none', 'n').first()), 'n,,n=a=3Db=2Cc,r=n')
})

test('a server that does not keep to RFC 5802 is not answered', async () => {
  const salt = 's=W22ZaJ0SNY7soEsUEjb6gQ=='
  for (const wrong of [
    `r=other,${salt},i=4096`,
    `r=nonce,${salt},i=4096`,
    `r=nonceX,${salt},i=1`,
    `r=nonceX,${salt},i=9999999`,
    `r=nonceX,${salt}`,
    'r=nonceX,s=*,i=4096',
    '',
  ]) {
    await assert.rejects(new ScramClient('user', 'pencil', 'none', 'nonce').final(utf8(wrong)), Error, wrong)
  }
})

test('what binds the channel is in the proof, and a server that offers no binding is told that we could (§6)', async () => {
  const binding = { type: 'tls-exporter', data: new Uint8Array([1, 2, 3]) } as const
  const bound = new ScramClient('user', 'pencil', binding, 'rOprNGfwEbeRWgbNEkqO')
  assert.equal(bound.mechanism, 'SCRAM-SHA-256-PLUS')
  assert.equal(text(bound.first()), 'p=tls-exporter,,n=user,r=rOprNGfwEbeRWgbNEkqO')
  const final = text(await bound.final(serverFirst))
  assert.equal(atob(final.slice(2, final.indexOf(','))), 'p=tls-exporter,,\u0001\u0002\u0003')
  assert.equal(text(new ScramClient('user', 'x', 'unasked', 'n').first()), 'y,,n=user,r=n')
})
