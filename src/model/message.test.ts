// What senders call themselves, as it may be shown.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { senderNameOf } from './message.ts'

const rows: [string | undefined, string | undefined][] = [
  ['Romeo Montague 🌹', 'Romeo Montague 🌹'],
  ['  Romeo\r\n\tMontague ', 'Romeo Montague'],
  ['Ro\u0000meo\u2028Montague', 'Ro meo Montague'],
  [' \n', undefined],
  ['', undefined],
  [undefined, undefined],
  ['🌹'.repeat(300), '🌹'.repeat(200)],
]
for (const [written, shown] of rows)
  test(`${JSON.stringify(written)?.slice(0, 40)} is shown as ${JSON.stringify(shown)?.slice(0, 40)}`, () => {
    assert.equal(senderNameOf(written), shown)
  })
