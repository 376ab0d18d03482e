import assert from 'node:assert/strict'
import { test } from 'node:test'
import { message } from '../testing/envelopes.ts'
import { Lanes, laneLengthMax } from './lanes.ts'

const head = message({ from: 'romeo@verona.example', to: 'juliet@verona.example' }).head
const other = message({ from: 'juliet@verona.example', to: 'romeo@verona.example' }).head

test('a lane is there from its opening until nothing waits (RFC 6120 §10.1)', () => {
  const lanes = new Lanes<number>()
  assert.equal(lanes.behind(head), undefined)
  lanes.open(Lanes.key(head))
  assert.equal(lanes.behind(other), undefined, 'the other direction is another lane')
  lanes.behind(head)?.push(1)
  lanes.open(Lanes.key(head))
  lanes.behind(head)?.push(2)
  assert.equal(lanes.next(Lanes.key(head)), 1)
  assert.equal(lanes.next(Lanes.key(head)), 2)
  assert.ok(lanes.behind(head), 'the last one taken may still be under way')
  assert.equal(lanes.next(Lanes.key(head)), undefined)
  assert.equal(lanes.behind(head), undefined)
})

test('a lane holds no more than its limit', () => {
  const lanes = new Lanes<number>()
  lanes.open(Lanes.key(head))
  for (let i = 0; i < laneLengthMax; i++) assert.equal(lanes.behind(head)?.push(i), true)
  assert.equal(lanes.behind(head)?.push(-1), false)
})

test('no two pairs of parties share a lane', () => {
  const keys = new Set<string>()
  for (const from of ['a@verona.example', 'verona.example', 'ab@verona.example'])
    for (const to of ['b@verona.example', 'a@verona.example', 'verona.example'])
      keys.add(Lanes.key(message({ from, to }).head))
  assert.equal(keys.size, 9)
})
