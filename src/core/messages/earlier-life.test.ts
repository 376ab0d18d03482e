// What was taken before a kill is known when it comes again (decision 0146).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '#base'
import type { Head } from '#model'
import { createMemoryStore } from '#store'
import type { Store } from '../store.ts'
import { at } from '../testing/envelopes.ts'
import { EarlierLife } from './earlier-life.ts'

const from = at('alice@far.example')
const to = at('bob@verona.example')

function headOf(mark: string | undefined, more: Partial<Head> = {}): Head {
  return {
    protocol: 'prim',
    kind: 'message',
    from,
    fromAgent: '',
    to,
    toAgent: '',
    id: 'm',
    hops: 9,
    size: 0,
    whenAbsent: 'store',
    whenAgentGone: 'inbox',
    storable: true,
    copyable: true,
    ...(mark !== undefined && { mark }),
    ...more,
  }
}

function storeWith(heads: readonly Head[]): Store {
  return Object.assign(createMemoryStore(), { recentHeads: async () => [...heads] })
}

test('a message is known by its protocol, the two parties and its mark, whatever else it says', async () => {
  const life = new EarlierLife(new VirtualClock(), storeWith([headOf('a'), headOf(undefined)]))
  assert.ok(!life.hasTaken(headOf('a')), 'not before it is loaded')
  await life.load()
  assert.ok(life.hasTaken(headOf('a', { id: 'another', hops: 3, fromAgent: 'phone' })))
  for (const other of [
    headOf('b'),
    headOf(undefined),
    headOf('a', { protocol: 'impp' }),
    headOf('a', { from: to }),
    headOf('a', { to: from }),
  ])
    assert.ok(!life.hasTaken(other))
})

test('an hour after the start nothing is known any more', async () => {
  const clock = new VirtualClock()
  const life = new EarlierLife(clock, storeWith([headOf('a')]))
  await life.load()
  clock.advance(3_599_000)
  assert.ok(life.hasTaken(headOf('a')))
  clock.advance(2000)
  assert.ok(!life.hasTaken(headOf('a')))
})
