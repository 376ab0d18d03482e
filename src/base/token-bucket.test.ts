import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from './clock.ts'
import { TokenBucket } from './token-bucket.ts'

test('a burst is there at once, and what follows at its pace', () => {
  const clock = new VirtualClock()
  const bucket = new TokenBucket(clock, 10, 3)
  for (let n = 0; n < 3; n++) {
    assert.equal(bucket.wait(), 0)
    bucket.take()
  }
  assert.equal(bucket.wait(), 100)
  clock.advance(100)
  assert.equal(bucket.wait(), 0)
})

test('what is owed is waited for, and more than the burst is never saved', () => {
  const clock = new VirtualClock()
  const bucket = new TokenBucket(clock, 100)
  bucket.take(350)
  assert.equal(bucket.wait(), 2510)
  clock.advance(3_600_000)
  assert.ok(bucket.isFull)
  assert.equal(bucket.wait(1000), 0, 'all that there can be is enough for what is larger')
  bucket.give(1000)
  bucket.take(100)
  assert.equal(bucket.wait(), 10)
})
