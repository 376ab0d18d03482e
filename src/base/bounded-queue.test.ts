import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BoundedQueue } from './bounded-queue.ts'

const runs = process.env.VERONA_SOAK ? 10_000 : 200

test('a bounded queue is a list that refuses past its limit', () => {
  const steps = fc.array(fc.oneof(fc.nat(), fc.constant(undefined)), { maxLength: 300 })
  fc.assert(
    fc.property(fc.nat(20), steps, (limit, given) => {
      const queue = new BoundedQueue<number>(limit)
      const model: number[] = []
      for (const item of given) {
        if (item === undefined) assert.equal(queue.shift(), model.shift())
        else {
          assert.equal(queue.push(item), model.length < limit)
          if (model.length < limit) model.push(item)
        }
        assert.equal(queue.length, model.length)
      }
    }),
    { numRuns: runs, verbose: 1 },
  )
})

test('a long queue that never runs empty keeps its order', () => {
  const queue = new BoundedQueue<number>(5000)
  let next = 0
  let expected = 0
  for (let i = 0; i < 3000; i++) queue.push(next++)
  for (let i = 0; i < 50_000; i++) {
    queue.push(next++)
    assert.equal(queue.shift(), expected++)
  }
  assert.equal(queue.length, 3000)
})
