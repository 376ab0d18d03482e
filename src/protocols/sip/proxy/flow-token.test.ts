// What our Record-Route holds, RFC 5626 §5.2: a flow or a domain, readable by us alone, in its call alone, and after a restart.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FlowTokens, type SideName } from './flow-token.ts'

const sides: readonly SideName[] = [
  { transport: 'UDP', address: '192.0.2.1', port: 5060 },
  { transport: 'WSS', address: '2001:db8::1', port: 40_000 },
  { ours: 'montague.example', theirs: 'capulet.example' },
]

test('a token is read in its call, also by the server that starts anew with the same secret', () => {
  for (const side of sides) {
    const token = new FlowTokens(Buffer.alloc(32, 1)).write(side, 'call-1')
    const again = new FlowTokens(Buffer.alloc(32, 1))
    assert.deepEqual(again.read(token, 'call-1'), side)
    assert.equal(again.read(token, 'call-2'), undefined)
    assert.equal(new FlowTokens(Buffer.alloc(32, 2)).read(token, 'call-1'), undefined)
    const octets = Buffer.from(token, 'base64url')
    for (let at = 0; at < octets.length; at++) {
      const changed = Buffer.from(octets)
      changed[at]! ^= 1
      assert.equal(again.read(changed.toString('base64url'), 'call-1'), undefined, `octet ${at}`)
    }
  }
})
