// What waits for a slow reader: nothing more is given to a connection that is full, the order holds, and each is told when it is on its way.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8 } from '#base'
import type { StreamOctets } from './octets.ts'
import { Outflow } from './outflow.ts'

/** A connection that is full with so many octets, until it has drained. */
function stage(high: number) {
  const written: string[] = []
  const told: string[] = []
  let held = 0
  const octets = {
    write: (bytes: Uint8Array) => {
      written.push(Buffer.from(bytes).toString())
      held += bytes.length
      return held < high
    },
  } as unknown as StreamOctets
  const outflow = new Outflow(octets)
  return {
    outflow,
    written,
    told,
    put: (text: string) => outflow.put(utf8(text), () => told.push(text)),
    drain: () => {
      held = 0
      outflow.drained()
    },
  }
}

test('what fits is written and told at once', () => {
  const { put, written, told, outflow } = stage(10)
  for (const text of ['a', 'b']) put(text)
  assert.deepEqual([written, told, outflow.isFull, outflow.length], [['a', 'b'], ['a', 'b'], false, 0])
})

test('what a full connection holds is told when it has drained; what waits behind it follows in order, as much as fits', () => {
  const { put, drain, written, told, outflow } = stage(4)
  for (const text of ['aa', 'bb', 'cc', 'dd', 'ee']) put(text)
  assert.deepEqual([written, told], [['aa', 'bb'], ['aa']])
  assert.deepEqual([outflow.isFull, outflow.length, outflow.octets], [true, 4, 6])
  drain()
  assert.deepEqual(
    [written, told],
    [
      ['aa', 'bb', 'cc', 'dd'],
      ['aa', 'bb', 'cc'],
    ],
  )
  drain()
  put('ff')
  drain()
  assert.deepEqual(told, ['aa', 'bb', 'cc', 'dd', 'ee', 'ff'])
  assert.deepEqual([outflow.isFull, outflow.length, outflow.octets], [false, 0, 0])
})

test('what is put while those before are told keeps its place', () => {
  const { put, drain, written, outflow } = stage(2)
  outflow.put(utf8('aa'), () => put('late'))
  put('bb')
  drain()
  drain()
  drain()
  assert.deepEqual(written, ['aa', 'bb', 'late'])
})
