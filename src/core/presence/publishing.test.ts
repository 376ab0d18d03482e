// Permanent values of single tuples: there once they are durable, and not before.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PresenceDocument } from '#model'
import type { Store } from '../store.ts'
import { at, presence } from '../testing/envelopes.ts'
import { failingStore } from '../testing/failing-store.ts'
import { juliet, type Stage, stage } from '../testing/presence-stage.ts'
import { outcomeOf, resident, settled } from '../testing/world.ts'

/** Sets or takes away what a tuple shows while it has no lease. */
function keep({ service }: Stage, tuple: string, note: string | undefined): Promise<string> {
  return outcomeOf((told) => {
    const source = note === undefined ? undefined : presence(juliet, note)
    const seconds = Number.POSITIVE_INFINITY
    const publication = { presentity: at(juliet), by: at(juliet), tuple, source, seconds }
    service.presence.publish({ ...publication, freeName: true, kept: true }, told)
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

const lease = { freeName: true } as const

test('what is asked of a free name comes behind what was asked before: nobody waits for an answer to ask on', async () => {
  const waiting: (() => void)[] = []
  const s = await stage({ store: (store) => slow(store, waiting) })
  const { presence: service } = s.service
  const desk = { presentity: at(juliet), by: at(juliet), tuple: 'desk', ...lease }
  const words: string[] = []
  const told = (what: string) => (outcome: { kind: string }) => words.push(`${what} ${outcome.kind}`)
  void keep(s, 'desk', 'one').then((word) => words.push(`keep ${word}`))
  service.withdraw(desk, told('withdraw'))
  service.publish({ ...desk, source: presence(juliet, 'leased').keep(), seconds: 60 }, told('publish'))
  service.renew(desk, 90, told('renew'))
  await settled()
  assert.deepEqual([words, await notes(s)], [[], []])
  waiting.shift()?.()
  await settled()
  assert.deepEqual(await notes(s), ['one'])
  waiting.shift()?.()
  await settled()
  assert.deepEqual(words.sort(), ['keep stored', 'publish delivered', 'renew delivered', 'withdraw stored'])
  assert.deepEqual(await notes(s), ['leased'])
  service.withdraw(desk, told('withdraw leased'))
  service.withdraw(desk, told('withdraw nothing'))
  assert.deepEqual(words.slice(4), ['withdraw leased delivered', 'withdraw nothing refused'])
})

test('classes are there once they are durable, and not where they could not be written', async () => {
  const failing = failingStore('putDocument')
  const waiting: (() => void)[] = []
  const s = await stage({ store: (store) => slow(failing.through(store), waiting) })
  const { presence: service } = s.service
  const account = await resident(s, juliet)
  const set = (...classes: `class:${string}`[]): Promise<string> =>
    outcomeOf((told) => service.setClasses(at(juliet), new Set(classes), told))
  const friends = set('class:friends')
  assert.equal(account.presentity.of('class:friends'), undefined)
  assert.ok(service.hasClass(account, 'class:friends'), 'who asks on may count on it')
  const about = {
    presentity: at(juliet),
    by: at(juliet),
    tuple: 'desk',
    ...lease,
    of: 'class:friends',
  } as const
  const published = outcomeOf((told) =>
    service.publish({ ...about, source: presence(juliet, 'x').keep(), seconds: 60 }, told),
  )
  waiting.shift()?.()
  assert.deepEqual([await friends, await published], ['stored', 'delivered'])
  failing.fault = new Error('the disk is full')
  const others = set('class:others')
  waiting.shift()?.()
  assert.equal(await others, 'internal-fault')
  assert.equal(account.presentity.of('class:friends')?.tuples.size, 1, 'what was is still there')
  assert.deepEqual(
    [service.hasClass(account, 'class:others'), service.hasClass(account, 'class:friends')],
    [false, true],
  )
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
