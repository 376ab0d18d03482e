import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import fc from 'fast-check'
import { SystemClock, VirtualClock } from './clock.ts'

const runs = process.env.VERONA_SOAK ? 10_000 : 200
const day = 86_400_000

test('timers fire in the order of their time, then of their setting', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(50), { maxLength: 60 }),
      fc.array(fc.nat(30), { maxLength: 10 }),
      (delays, steps) => {
        const clock = new VirtualClock(0)
        const fired: [number, number][] = []
        for (const [order, delay] of delays.entries())
          clock.schedule(delay, () => {
            assert.equal(clock.now(), delay)
            fired.push([delay, order])
          })
        for (const step of [...steps, 50]) clock.advance(step)
        const expected = delays.map((delay, order): [number, number] => [delay, order])
        expected.sort((a, b) => a[0] - b[0] || a[1] - b[1])
        assert.deepEqual(fired, expected)
        assert.equal(clock.pending, 0)
      },
    ),
    { numRuns: runs, verbose: 1 },
  )
})

test('a timer set by a timer fires in the same advance when its time comes', () => {
  const clock = new VirtualClock(0)
  const fired: number[] = []
  const again = (): void => {
    fired.push(clock.now())
    if (fired.length < 5) clock.schedule(10, again)
  }
  clock.schedule(10, again)
  clock.advance(35)
  assert.deepEqual(fired, [10, 20, 30])
  assert.equal(clock.nextDue(), 40)
})

test('a timer that advances the clock itself never makes time step back', () => {
  const clock = new VirtualClock(0)
  const seen: number[] = []
  clock.schedule(10, () => {
    clock.advance(100)
    seen.push(clock.now())
  })
  clock.schedule(50, () => seen.push(clock.now()))
  clock.advance(20)
  assert.deepEqual(seen, [50, 110])
  assert.equal(clock.now(), 110)
  clock.advance(0)
  assert.equal(clock.now(), 110)
})

test('a cancelled timer is forgotten at once, fires never, and may be cancelled again', () => {
  const clock = new VirtualClock(0)
  const fired: string[] = []
  const first = clock.schedule(10, () => fired.push('first'))
  const second = clock.schedule(10, () => {
    fired.push('second')
    third.cancel()
  })
  const third = clock.schedule(10, () => fired.push('third'))
  first.cancel()
  first.cancel()
  assert.equal(clock.pending, 2)
  clock.advance(10)
  second.cancel()
  assert.deepEqual(fired, ['second'])
  assert.equal(clock.pending, 0)
  assert.equal(clock.nextDue(), undefined)
})

test('a delay longer than a 32-bit timer is waited for whole', () => {
  mock.timers.enable({ apis: ['setTimeout'] })
  let now = 0
  const performanceNow = mock.method(performance, 'now', () => now)
  try {
    let fired = 0
    const timer = new SystemClock().schedule(60 * day, () => fired++)
    const cancelled = new SystemClock().schedule(40 * day, () => assert.fail('cancelled'))
    for (let days = 1; days <= 60; days++) {
      assert.equal(fired, 0, `after ${days - 1} days`)
      if (days === 30) cancelled.cancel()
      now = days * day
      mock.timers.tick(day)
    }
    mock.timers.tick(day)
    assert.equal(fired, 1)
    timer.cancel()
  } finally {
    performanceNow.mock.restore()
    mock.timers.reset()
  }
})

test('the machine’s clock fires once, not before its time, and keeps no process alive', async () => {
  const clock = new SystemClock()
  const start = clock.monotonic()
  const keptAlive = setTimeout(() => {}, 5000)
  await new Promise<void>((resolve) => {
    clock.schedule(5, () => {
      assert.ok(clock.monotonic() - start >= 4)
      resolve()
    })
  })
  clearTimeout(keptAlive)
  assert.ok(Math.abs(clock.now() - Date.now()) < 1000)
})
