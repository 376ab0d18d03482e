// Which addresses a stranger may send us to, a row a range.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isPublicAddress } from './index.ts'

const closed = [
  '127.0.0.1',
  '10.1.2.3',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '169.254.169.254',
  '100.64.0.1',
  '0.0.0.0',
  '224.0.0.1',
  '255.255.255.255',
  '::1',
  '::',
  'fe80::1',
  'fe80::1%eth0',
  'fd00::1',
  'ff02::1',
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
  '64:ff9b::10.0.0.1',
  '2002:7f00:1::',
  'localhost',
  '',
]
for (const address of closed)
  test(`${address || 'nothing'} is no stranger's server`, () => assert.equal(isPublicAddress(address), false))

for (const address of [
  '192.0.2.1',
  '8.8.8.8',
  '172.32.0.1',
  '2001:db8::1',
  '::ffff:8.8.8.8',
  '64:ff9b::8.8.8.8',
])
  test(`${address} may be`, () => assert.equal(isPublicAddress(address), true))
