import assert from 'node:assert/strict'
import { test } from 'node:test'
import { plainReason } from './index.ts'

/** [what the system says, what a person reads] */
const rows: [string, string][] = [
  ['connect ECONNREFUSED 127.0.0.1:5269', 'connection refused (ECONNREFUSED)'],
  ['connect EHOSTUNREACH 192.0.2.1:5061 - Local (10.0.0.2:0)', 'no route leads there (EHOSTUNREACH)'],
  ['read ECONNRESET', 'the connection was cut (ECONNRESET)'],
  ['connect EWHATEVER 192.0.2.1:1', 'connect EWHATEVER 192.0.2.1:1'],
  ['the certificate has expired', 'the certificate has expired'],
]
for (const [said, read] of rows) test(`${said}: ${read}`, () => assert.equal(plainReason(said), read))
