// What outlives a message must not keep the message.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { addressOfSipUri } from './binding.ts'

test('an address that is remembered does not pin the head that it was read from (LIMIT)', () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  const before = process.memoryUsage().heapUsed
  const padding = 'x'.repeat(30_000)
  for (let i = 0; i < 2000; i++) {
    const head = Buffer.from(`From: <sip:somebody-${i}@example.com>\r\nX: ${padding}\r\n`).toString('latin1')
    assert(addressOfSipUri(head.slice(7, head.indexOf('>'))) !== undefined)
  }
  collect()
  // 2000 heads would be 60 MB.
  assert(process.memoryUsage().heapUsed - before < 20_000_000)
})
