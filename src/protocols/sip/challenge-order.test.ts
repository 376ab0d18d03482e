import assert from 'node:assert/strict'
import { test } from 'node:test'
import { challengeOrder } from './challenge-order.ts'

const rows: readonly (readonly [string | undefined, readonly string[]])[] = [
  ['Linphone/5.1.65', ['SHA-256', 'MD5']],
  ['baresip v2.0.0 (x86_64/linux)', ['SHA-256', 'MD5']],
  ['baresip v1.0.0 (x86_64/linux)', ['MD5']],
  ['SIPp/Linux', ['MD5', 'SHA-256']],
  [undefined, ['MD5', 'SHA-256']],
]
for (const [userAgent, expected] of rows) {
  test(`${userAgent ?? 'a phone without User-Agent'} is offered ${expected.join(', then ')} (RFC 8760 §2.4)`, () => {
    assert.deepEqual(challengeOrder(userAgent), expected)
  })
}
