import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '#base'
import { silentLog } from './log.ts'
import { SparingLog, sparingLimits } from './sparing-log.ts'

function told(): { clock: VirtualClock; sparing: SparingLog; lines: string[] } {
  const clock = new VirtualClock()
  const lines: string[] = []
  const log = {
    ...silentLog,
    warn: (message: string, fields: unknown) =>
      void lines.push(`${message} ${JSON.stringify(fields ?? null)}`),
  }
  return { clock, sparing: new SparingLog(log, clock, { toldFrom: 3, trackedMax: 50 }), lines }
}

test('a source is told of once it has done something so often, and once in a while', () => {
  const { clock, sparing, lines } = told()
  for (let k = 0; k < 2; k++) sparing.count('knocked', '192.0.2.1')
  assert.deepEqual(lines, [])
  for (let k = 0; k < 1000; k++) sparing.count('knocked', '192.0.2.1')
  assert.deepEqual(lines, ['knocked {"source":"192.0.2.1","times":3}'])
  for (let k = 0; k < 3; k++) sparing.count('rang', '192.0.2.1')
  assert.equal(lines.length, 2)
  clock.advance(sparingLimits.windowMs + 1)
  for (let k = 0; k < 10; k++) sparing.count('knocked', '192.0.2.1')
  assert.equal(lines.length, 3)
})

test('sources without number make a bounded number of lines', () => {
  const { clock, sparing, lines } = told()
  const flood = (): void => {
    for (let source = 0; source < 10_000; source++)
      for (let k = 0; k < 5; k++) sparing.count('knocked', `2001:db8::${source}`)
  }
  flood()
  assert.equal(lines.length, sparingLimits.linesMax + 1)
  assert.match(lines.at(-1) as string, /^more sources/)
  clock.advance(sparingLimits.windowMs + 1)
  flood()
  assert.equal(lines.length, 2 * (sparingLimits.linesMax + 1))
})
