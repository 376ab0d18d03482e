// What is kept of transactions that only wait for retransmissions, and for how long.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '#base'
import type { Flow } from '../flow.ts'
import { CompletedTransactions } from './completed-transactions.ts'
import { KeyHash } from './key-table.ts'

function bench(): { clock: VirtualClock; completed: CompletedTransactions; sent: string[]; flow: Flow } {
  const clock = new VirtualClock()
  const sent: string[] = []
  const flow: Flow = {
    transport: 'UDP',
    reliable: false,
    open: true,
    known: true,
    remote: { address: '192.0.2.1', port: 5060 },
    sentBy: '192.0.2.254:5060',
    send: (octets) => sent.push(Buffer.from(octets).toString('latin1')) > 0,
  }
  return { clock, completed: new CompletedTransactions(clock, 32_000, new KeyHash()), sent, flow }
}

test('each of many retransmissions gets its own response again, until Timer J (RFC 3261 §17.2.2)', () => {
  const { clock, completed, sent, flow } = bench()
  for (let i = 0; i < 3000; i++) {
    completed.add(`key ${i}`, `merge ${i}`, flow, Buffer.from(`response ${i}`))
    clock.advance(1)
  }
  for (let i = 0; i < 3000; i++) assert(completed.repeated(`key ${i}`) && completed.hasMerge(`merge ${i}`))
  assert.deepEqual([sent[0], sent[1777], sent.length], ['response 0', 'response 1777', 3000])
  assert(!completed.repeated('key 3000') && !completed.hasMerge('key 1'))
  clock.advance(32_000 - 2000)
  // Those of the first second are over, but for what a late look leaves.
  assert(!completed.repeated('key 800') && completed.repeated('key 1001'))
  clock.advance(2100)
  assert.deepEqual([completed.size, clock.pending], [0, 0])
})

test('slots and slabs are used again when the ring has gone round', () => {
  const { completed, sent, flow } = bench()
  for (let i = 0; i < 5000; i++) {
    completed.add(`key ${i}`, i % 3 === 0 ? '' : `merge ${i}`, flow, Buffer.alloc(500, 0x41 + (i % 26)))
    if (completed.size > 300) completed.dropOldest()
  }
  assert.equal(completed.size, 300)
  for (let i = 4700; i < 5000; i++) {
    assert(completed.repeated(`key ${i}`))
    assert.equal(sent.at(-1), String.fromCharCode(0x41 + (i % 26)).repeat(500))
    assert.equal(completed.hasMerge(`merge ${i}`), i % 3 !== 0)
  }
  assert(!completed.repeated('key 4699') && !completed.hasMerge('merge 4699') && !completed.hasMerge(''))
})

test('past the octets that are kept the oldest go (LIMIT)', () => {
  const { completed, flow } = bench()
  for (let i = 0; i < 1100; i++) completed.add(`key ${i}`, '', flow, Buffer.alloc(65_000))
  assert(completed.size < 1040 && !completed.repeated('key 0') && completed.repeated('key 1099'))
  completed.stop()
  assert.equal(completed.size, 0)
})
