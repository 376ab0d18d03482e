import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TokenBucket, VirtualClock } from '#base'
import { Turns } from './turns.ts'

function lineOf(clock: VirtualClock, perSecond: number, faults: unknown[] = []): Turns {
  const bucket = new TokenBucket(clock, perSecond)
  const wait = (): number => {
    const milliseconds = bucket.wait()
    if (milliseconds === 0) bucket.take()
    return milliseconds
  }
  return new Turns(clock, wait, (cause) => faults.push(cause))
}

test('a line is served in its order, and no second sees more than its share', () => {
  const clock = new VirtualClock()
  const line = lineOf(clock, 10)
  const gone: number[] = []
  for (let n = 0; n < 35; n++) line.next(() => gone.push(n))
  assert.equal(gone.length, 10, 'a burst is there at once')
  const each: number[] = []
  for (let second = 0; second < 3; second++) {
    const before = gone.length
    clock.advance(1000)
    each.push(gone.length - before)
  }
  assert.deepEqual(each, [10, 10, 5])
  assert.deepEqual(
    gone,
    Array.from({ length: 35 }, (_, n) => n),
  )
  assert.ok(line.isEmpty)
})

test('who does not want his turn any more takes nobody’s, and one that fails no other’s', () => {
  const clock = new VirtualClock()
  const faults: unknown[] = []
  const line = lineOf(clock, 1, faults)
  const gone: string[] = []
  line.next(() => gone.push('first'))
  const second = line.next(() => gone.push('second'))
  line.next(() => {
    gone.push('third')
    throw new Error('no')
  })
  line.next(() => gone.push('fourth'))
  second.cancel()
  clock.advance(1000)
  assert.deepEqual(gone, ['first', 'third'])
  clock.advance(1000)
  assert.deepEqual(gone, ['first', 'third', 'fourth'])
  assert.equal(faults.length, 1)
})

test('a line that is released waits for nobody', () => {
  const clock = new VirtualClock()
  const line = lineOf(clock, 1)
  const gone: number[] = []
  for (let n = 0; n < 5; n++) line.next(() => gone.push(n))
  line.release()
  assert.deepEqual(gone, [0, 1, 2, 3, 4])
  clock.advance(10_000)
  assert.equal(gone.length, 5)
})
