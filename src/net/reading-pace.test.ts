// Whoever sends more than its share is read at that pace, and whoever keeps within it never waits.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '#base'
import { ReadingPace } from './index.ts'
import { restMsMax } from './reading-pace.ts'

function paced(perSecondMax: number): { clock: VirtualClock; pace: ReadingPace; log: string[] } {
  const clock = new VirtualClock()
  const log: string[] = []
  const connection = { pause: () => log.push('pause'), resume: () => log.push('resume') }
  const pace = new ReadingPace({ connection, clock, perSecondMax, onAgain: () => log.push('again') })
  return { clock, pace, log }
}

test('who keeps within its share never waits, however long it goes on', () => {
  const { clock, pace, log } = paced(10)
  for (let second = 0; second < 1000; second++) {
    for (let k = 0; k < 10; k++) pace.took()
    clock.advance(1000)
  }
  assert.deepEqual(log, [])
})

test('who sends without end is read at its share a second, in small pieces', () => {
  const { clock, pace, log } = paced(100)
  let read = 0
  const readOn = (): void => {
    while (!pace.isResting) {
      pace.took()
      read++
    }
  }
  readOn()
  assert.equal(read, 101, 'a second’s share at once')
  for (let tenths = 0; tenths < 100; tenths++) {
    clock.advance(100)
    readOn()
  }
  assert.ok(read >= 1050 && read <= 1110, `${read} in ten seconds`)
  assert.ok(log.filter((word) => word === 'again').length >= 90, 'no pause is long')
})

test('a slow pace rests as long as it must, and nothing is left behind at the end', () => {
  const { clock, pace, log } = paced(1)
  pace.took()
  pace.took()
  assert.deepEqual(log, ['pause'])
  clock.advance(900)
  assert.deepEqual(log, ['pause'])
  clock.advance(200)
  assert.deepEqual(log, ['pause', 'resume', 'again'])
  pace.took()
  pace.end()
  assert.equal(clock.nextDue(), undefined)
})

test('reading rests as long as is said, beside its own pace, and never so long that it looks dead', () => {
  const { clock, pace, log } = paced(100)
  pace.rest(500)
  pace.rest(300)
  clock.advance(499)
  assert.deepEqual(log, ['pause'])
  clock.advance(1)
  assert.deepEqual(log, ['pause', 'resume', 'again'])
  pace.rest(3_600_000)
  clock.advance(restMsMax)
  assert.equal(pace.isResting, false)
})
