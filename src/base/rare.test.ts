import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RareMap, RareSet } from './rare.ts'

test('a rare set is a set', () => {
  const set = new RareSet<string>()
  assert.deepEqual([set.size, set.has('a'), set.delete('a'), [...set]], [0, false, false, []])
  set.add('a')
  set.add('b')
  set.add('a')
  assert.deepEqual([set.size, set.has('a'), [...set]], [2, true, ['a', 'b']])
  assert.deepEqual([set.delete('a'), set.delete('b'), set.size, [...set]], [true, true, 0, []])
  set.add('c')
  set.clear()
  assert.deepEqual([set.size, set.has('c')], [0, false])
})

test('what a rare set loses while it is walked is not met again', () => {
  const set = new RareSet<number>()
  for (const item of [1, 2, 3]) set.add(item)
  const met: number[] = []
  for (const item of set) {
    met.push(item)
    set.delete(2)
  }
  assert.deepEqual(met, [1, 3])
})

test('a rare map is a map', () => {
  const map = new RareMap<string, number>()
  assert.deepEqual(
    [map.size, map.get('a'), map.has('a'), map.delete('a'), [...map.values()]],
    [0, undefined, false, false, []],
  )
  map.set('a', 1)
  map.set('a', 2)
  map.set('b', 3)
  assert.deepEqual([map.size, map.get('a'), map.has('b'), [...map.values()]], [2, 2, true, [2, 3]])
  assert.deepEqual([map.delete('a'), map.delete('b'), map.size], [true, true, 0])
})
