import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KeyHash, KeyTable } from './key-table.ts'

test('a table holds what came and did not leave, oldest first, as a Map does', () => {
  const table = new KeyTable<number>(new KeyHash())
  const model = new Map<string, number>()
  let state = 1
  for (let i = 0; i < 20_000; i++) {
    state = (Math.imul(state, 48_271) >>> 0) % 0x7fffffff
    const key = `key ${state % 700}`
    const known = model.get(key)
    assert.equal(table.get(key), known)
    if (known === undefined) {
      table.add(key, i)
      model.set(key, i)
    } else {
      // Only who holds the place may leave it.
      table.remove(key, -1)
      assert.equal(table.get(key), known)
      table.remove(key, known)
      model.delete(key)
    }
    assert.equal(table.size, model.size)
  }
  assert.deepEqual(table.all(), [...model.values()])
  assert.deepEqual(table.all(3), [...model.values()].slice(0, 3))
})
