// What waits for other domains.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8 } from '#base'
import type { StoredUnit } from '#core'
import type { Head } from '#model'
import {
  allOctets,
  append,
  dequeue,
  enqueue,
  headOf,
  is,
  name,
  record,
  rowOf,
  secretsOf,
  sorted,
} from './samples.ts'
import type { UnderTest } from './under-test.ts'

const [alice, far] = [name('alice@example.org'), name('far@example.net')]

function unit(id: string, raw: Uint8Array = utf8(id)): StoredUnit {
  return { head: headOf(alice, far, raw, { id }), raw }
}

export function queueCases(under: UnderTest): void {
  const idsOf = async (domain: string, after = 0, limit = 100): Promise<string[]> =>
    (await under.store.queued(domain, after, limit)).map(({ head }) => head.id)

  test('what waits for a domain comes back whole, in the order of the calls, a page at a time', async () => {
    const calls = ['a', 'b', 'c'].map((id, n) => enqueue(under.store, 'one.example', unit(id), 3000 - n))
    await Promise.all(calls)
    const units = await under.store.queued('one.example', 0, 2)
    assert.deepEqual(
      units.map(({ head, at, raw }) => [head.id, at, raw]),
      [
        ['a', 3000, new Uint8Array(utf8('a'))],
        ['b', 2999, new Uint8Array(utf8('b'))],
      ],
    )
    assert.deepEqual(units[0]?.head, unit('a').head)
    assert.deepEqual(await idsOf('one.example', units[1]?.sequence), ['c'])
    assert.deepEqual(await idsOf('nothing.example'), [])
  })

  test('octets and names of every kind are kept exactly', async () => {
    await enqueue(under.store, 'octets.example', unit('ä "\u0000', allOctets), 1)
    const [found] = await under.store.queued('octets.example', 0, 1)
    assert.deepEqual([found?.raw, found?.head.id], [new Uint8Array(allOctets), 'ä "\u0000'])
  })

  test('who puts a unit there is told its number', async () => {
    const told = await Promise.all(['1', '2'].map((id) => enqueue(under.store, 'told.example', unit(id), 1)))
    const units = await under.store.queued('told.example', 0, 10)
    assert.deepEqual(
      told,
      units.map(({ sequence }) => sequence),
    )
  })

  test('a read among writes sees those before it', async () => {
    const first = enqueue(under.store, 'among.example', unit('1'), 1)
    const seen = idsOf('among.example')
    const second = enqueue(under.store, 'among.example', unit('2'), 2)
    await Promise.all([first, second])
    assert.deepEqual(await seen, ['1'])
  })

  test('units are taken out by their numbers, of their own domain alone, once or twice', async () => {
    for (const id of ['a', 'b', 'c', 'd']) await enqueue(under.store, 'out.example', unit(id), 1)
    await enqueue(under.store, 'other.example', unit('o'), 1)
    const [a, , c] = (await under.store.queued('out.example', 0, 10)).map(({ sequence }) => sequence)
    const [o] = (await under.store.queued('other.example', 0, 10)).map(({ sequence }) => sequence)
    await dequeue(under.store, 'out.example', [a, c, o, 1_000_000_000] as number[])
    await dequeue(under.store, 'out.example', [a] as number[])
    await dequeue(under.store, 'out.example', [])
    assert.deepEqual([await idsOf('out.example'), await idsOf('other.example')], [['b', 'd'], ['o']])
  })

  test('a number is never given twice, though the queue was empty between', async () => {
    await enqueue(under.store, 'numbers.example', unit('a'), 1)
    const [a] = await under.store.queued('numbers.example', 0, 1)
    await dequeue(under.store, 'numbers.example', [a?.sequence ?? 0])
    await enqueue(under.store, 'numbers.example', unit('b'), 1)
    assert.deepEqual(await idsOf('numbers.example', a?.sequence), ['b'])
  })

  test('every domain for which something waits is listed, with how much and since when', async () => {
    const own = await under.open()
    assert.deepEqual(await own.queuedDomains(), [])
    await enqueue(own, 'x.example', unit('1'), 20)
    await enqueue(own, 'x.example', unit('two'), 10)
    await enqueue(own, 'y.example', unit('3'), 30)
    assert.deepEqual(
      sorted(await own.queuedDomains()),
      sorted([
        { domain: 'x.example', count: 2, oldest: 10, octets: 4 },
        { domain: 'y.example', count: 1, oldest: 30, octets: 1 },
      ]),
    )
    const [one] = await own.queued('y.example', 0, 1)
    await dequeue(own, 'y.example', [one?.sequence ?? 0])
    assert.deepEqual(
      (await own.queuedDomains()).map(({ domain }) => domain),
      ['x.example'],
    )
    await own.close()
    await assert.rejects(own.queued('x.example', 0, 1), is('internal-fault'))
    await assert.rejects(enqueue(own, 'x.example', unit('4'), 1), is('internal-fault'))
    await assert.rejects(dequeue(own, 'x.example', [1]), is('internal-fault'))
  })

  test('what was appended and queued last is known by its heads, as far back as is asked', async () => {
    const own = await under.open()
    await own.addAccounts([{ record: record('bob@verona.example'), secrets: secretsOf('x') }])
    const bob = name('bob@verona.example')
    const put = (id: string, at: number, mark?: string): Promise<void> =>
      append(
        own,
        rowOf(far, bob, { at, forSender: false, head: { id, ...(mark !== undefined && { mark }) } }),
      )
    await put('old', 1000)
    await put('one', 9000, 'm1')
    await put('two', 9001)
    await enqueue(own, 'y.example', unit('older'), 1000)
    await enqueue(own, 'y.example', { ...unit('three'), head: { ...unit('three').head, mark: 'm3' } }, 10_000)
    const known = (heads: readonly Head[]): string[] => heads.map(({ id, mark }) => `${id} ${mark}`).sort()
    const recent = ['one m1', 'three m3', 'two undefined']
    assert.deepEqual(known(await own.recentHeads(1000, 10)), recent)
    assert.equal((await own.recentHeads(20_000, 10)).length, 5)
    assert.deepEqual(known(await own.recentHeads(20_000, 1)), ['three m3', 'two undefined'])
    await own.close()
    await assert.rejects(own.recentHeads(1, 1), is('internal-fault'))
    const empty = await under.open()
    assert.deepEqual(await empty.recentHeads(1000, 10), [])
    await empty.close()
  })

  test('an account that is removed takes nothing out of the queues: what was taken on is carried', async () => {
    const owner = await under.account()
    const raw = utf8('x')
    await enqueue(
      under.store,
      'carried.example',
      { head: headOf(owner, name('far@carried.example'), raw), raw },
      1,
    )
    await under.store.removeAccount(owner)
    assert.equal((await under.store.queued('carried.example', 0, 1)).length, 1)
  })
}
