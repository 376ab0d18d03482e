import assert from 'node:assert/strict'
import { test } from 'node:test'
import { orderedId, randomBelow, randomId } from './ids.ts'

test('an identifier has the length asked for and only URL-safe characters', () => {
  for (const length of [0, 1, 22, 5000]) {
    const id = randomId(length)
    assert.equal(id.length, length)
    assert.match(id, /^[A-Za-z0-9_-]*$/)
  }
  assert.equal(randomId().length, 22)
})

test('no two of a hundred thousand identifiers are equal', () => {
  const seen = new Set<string>()
  for (let i = 0; i < 100_000; i++) seen.add(randomId())
  assert.equal(seen.size, 100_000)
})

/** Chi squared of `counts` against an even spread, in standard deviations of its distribution. */
function unevenness(counts: readonly number[], total: number): number {
  const expected = total / counts.length
  const chiSquared = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
  const freedom = counts.length - 1
  return (chiSquared - freedom) / Math.sqrt(2 * freedom)
}

test('each character of an identifier is as likely as any other', () => {
  const counts = new Map<string, number>()
  const total = 640_000
  for (const character of randomId(total)) counts.set(character, (counts.get(character) ?? 0) + 1)
  assert.equal(counts.size, 64)
  // By chance above 8 less often than once in a million runs; a modulo bias of one in 64 is far above.
  assert.ok(unevenness([...counts.values()], total) < 8)
})

test('a random number is below its bound, and each as likely as any other', () => {
  for (const bound of [1, 2, 3, 10, 2 ** 32]) {
    const drawn = randomBelow(bound)
    assert.ok(Number.isInteger(drawn) && drawn >= 0 && drawn < bound)
  }
  const counts = new Array<number>(10).fill(0)
  for (let i = 0; i < 100_000; i++) {
    const drawn = randomBelow(10)
    counts[drawn] = (counts[drawn] as number) + 1
  }
  assert.ok(unevenness(counts, 100_000) < 8)
})

test('an ordered identifier sorts by its time as text, and keeps 96 random bits', () => {
  const times = [0, 1, 63, 64, 4095, 4096, 1_700_000_000_000, 1_700_000_000_001, 2 ** 48 - 1]
  const ids = times.map(orderedId)
  assert.deepEqual(ids.toSorted(), ids)
  for (const id of ids) assert.match(id, /^[A-Za-z0-9_-]{24}$/)
  const seen = new Set(Array.from({ length: 10_000 }, () => orderedId(5)))
  assert.equal(seen.size, 10_000)
  assert.equal(new Set([...seen].map((id) => id.slice(0, 8))).size, 1)
})
