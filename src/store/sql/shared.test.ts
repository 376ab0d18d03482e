import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Shared } from './shared.ts'

test('equal texts give one object, and no more are held than the limit', () => {
  const shared = new Shared(2, (text) => ({ text }))
  const [a, b] = [shared.of('a'), shared.of('b')]
  assert.equal(shared.of('a'), a)
  assert.equal(shared.of('b'), b)
  assert.deepEqual(shared.of('c'), { text: 'c' })
  const again = shared.of('a')
  assert.deepEqual(again, a)
  assert.notEqual(again, a)
})
