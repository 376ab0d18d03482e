// Permanent values of single tuples: there once they are durable, and not before.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PresenceDocument } from '#model'
import type { Store } from './store.ts'
import { at, presence } from './testing/envelopes.ts'
import { failingStore } from './testing/failing-store.ts'
import { juliet, type Stage, stage } from './testing/presence-stage.ts'
import { outcomeOf, settled } from './testing/world.ts'

/** Sets or takes away what a tuple shows while it has no lease. */
function keep({ service }: Stage, tuple: string, note: string | undefined): Promise<string> {
  return outcomeOf((told) => {
    const source = note === undefined ? undefined : presence(juliet, note)
    const seconds = Number.POSITIVE_INFINITY
    const publication = { presentity: at(juliet), by: at(juliet), tuple, source, seconds }
    service.presence.publish({ ...publication, kept: true }, told)
  })
}

async function notes({ fetch }: Stage): Promise<(string | undefined)[]> {
  const { tuples } = (await fetch(juliet, juliet)) as PresenceDocument
  return tuples.map((tuple) => tuple.notes[0]?.text).sort()
}

/** Writes of documents wait until they are let go. */
function slow(store: Store, waiting: (() => void)[]): Store {
  return new Proxy(store, {
    get: (target, name) => {
      const real = Reflect.get(target, name) as (...given: unknown[]) => unknown
      if (name !== 'putDocument') return typeof real === 'function' ? real.bind(target) : real
      return (...given: unknown[]) =>
        new Promise((resolve) => waiting.push(() => resolve(real.apply(target, given))))
    },
  })
}

test('a permanent value of a tuple is read by nobody before it is durable', async () => {
  const waiting: (() => void)[] = []
  const s = await stage({ store: (store) => slow(store, waiting) })
  const first = keep(s, 'desk', 'one')
  const second = keep(s, 'pocket', 'two')
  const gone = keep(s, 'desk', undefined)
  await settled()
  assert.deepEqual([await notes(s), waiting.length], [[], 1])
  waiting.shift()?.()
  assert.equal(await first, 'stored')
  assert.deepEqual(await notes(s), ['one'])
  waiting.shift()?.()
  assert.equal(await second, 'stored')
  assert.deepEqual(await notes(s), ['one', 'two'])
  waiting.shift()?.()
  assert.equal(await gone, 'stored')
  assert.deepEqual(await notes(s), ['two'])
})

test('one that could not be written is refused, and nobody sees it; the next is written', async () => {
  const failing = failingStore('putDocument')
  const s = await stage({ store: failing.through })
  failing.fault = new Error('the disk is full')
  assert.equal(await keep(s, 'desk', 'one'), 'internal-fault')
  assert.deepEqual(await notes(s), [])
  failing.fault = undefined
  assert.equal(await keep(s, 'desk', 'two'), 'stored')
  assert.deepEqual(await notes(s), ['two'])
})
