// The history: order, queries, expiry.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allOctets, append, fresh, is, markDelivered, name, record, rowOf, secretsOf } from './samples.ts'
import type { UnderTest } from './under-test.ts'

export function historyCases(under: UnderTest): void {
  test('a message is kept once with its octets and head, and seen by each owner from its side', async () => {
    const [from, to] = [await under.account(), await under.account()]
    const row = rowOf(from, to, {
      raw: allOctets,
      head: {
        protocol: 'sip',
        kind: 'report',
        fromAgent: 'urn:uuid:1;gr',
        toAgent: '名前',
        id: 'a"b\\c',
        hops: 0,
        size: 12,
        whenAbsent: 'drop',
        whenAgentGone: 'refuse',
        storable: false,
        copyable: false,
      },
    })
    await append(under.store, row)
    const [received] = await under.store.history(to, { limit: 10 })
    const [sent] = await under.store.history(from, { limit: 10 })
    const { entries: _entries, ...unit } = row
    const sequence = received?.sequence ?? 0
    assert(sequence > 0)
    assert.deepEqual(received, { ...unit, sequence, peer: from, direction: 'received' })
    assert.deepEqual(sent, { ...unit, sequence: sent?.sequence, peer: to, direction: 'sent' })
  })

  test('an owner sees its messages in the order of the calls, though they bear one time or go back in time', async () => {
    const [from, to] = [await under.account(), await under.account()]
    const rows = Array.from({ length: 300 }, (_, i) => rowOf(from, to, { at: 5000 - (i % 3) }))
    await Promise.all(rows.map((row) => append(under.store, row)))
    const items = await under.store.history(to, { limit: 1000 })
    assert.deepEqual(
      items.map(({ id }) => id),
      rows.map(({ id }) => id),
    )
    for (let i = 1; i < items.length; i++) {
      assert((items[i]?.sequence ?? 0) > (items[i - 1]?.sequence ?? 0))
    }
  })

  test('a query combines peer, time and bounds, forwards and backwards, up to its limit', async () => {
    const [owner, bob, carol] = [await under.account(), await under.account(), await under.account()]
    const ids: string[] = []
    for (let i = 0; i < 20; i++) {
      const peer = i % 2 === 0 ? bob : carol
      const row = i % 3 === 0 ? rowOf(owner, peer, { at: 1000 + i }) : rowOf(peer, owner, { at: 1000 + i })
      await append(under.store, row)
      ids.push(row.id)
    }
    const even = ids.filter((_, i) => i % 2 === 0)
    assert.deepEqual(await under.idsOf(owner), ids)
    assert.deepEqual(await under.idsOf(owner, { with: bob }), even)
    assert.deepEqual(await under.idsOf(owner, { with: name('nobody@example.net') }), [])
    assert.deepEqual(await under.idsOf(owner, { start: 1005, end: 1008 }), ids.slice(5, 9), 'both inclusive')
    assert.deepEqual(await under.idsOf(owner, { start: 1021 }), [])
    assert.deepEqual(await under.idsOf(owner, { afterId: ids[4] as string }), ids.slice(5), 'exclusive')
    assert.deepEqual(await under.idsOf(owner, { beforeId: ids[4] as string }), ids.slice(0, 4), 'exclusive')
    assert.deepEqual(
      await under.idsOf(owner, { afterId: ids[4] as string, beforeId: ids[9] as string, limit: 3 }),
      ids.slice(5, 8),
    )
    assert.deepEqual(
      await under.idsOf(owner, { backwards: true, limit: 3 }),
      ids.slice(-3),
      'still ascending',
    )
    assert.deepEqual(
      await under.idsOf(owner, { backwards: true, beforeId: ids[10] as string, limit: 4 }),
      ids.slice(6, 10),
    )
    assert.deepEqual(
      await under.idsOf(owner, { backwards: true, afterId: ids[15] as string, limit: 100 }),
      ids.slice(16),
    )
    assert.deepEqual(
      await under.idsOf(owner, { with: bob, start: 1002, end: 1016, afterId: ids[3] as string, limit: 2 }),
      [ids[4], ids[6]],
    )
    assert.deepEqual(await under.idsOf(owner, { with: bob, end: 1016, backwards: true, limit: 2 }), [
      ids[14],
      ids[16],
    ])
    assert.deepEqual(await under.idsOf(owner, { afterId: ids[19] as string }), [])
  })

  test('a bound that the owner does not have is refused, though another has it (XEP-0313 §4.3.1)', async () => {
    const [one, two, three] = [await under.account(), await under.account(), await under.account()]
    const row = rowOf(two, three)
    await append(under.store, row)
    for (const id of ['no-such-id', row.id]) {
      await assert.rejects(under.store.history(one, { afterId: id, limit: 1 }), is('not-found'))
      await assert.rejects(under.store.history(one, { beforeId: id, limit: 1 }), is('not-found'))
    }
  })

  test('a limit beyond 1000 answers 1000', async () => {
    const [from, to] = [await under.account(), await under.account()]
    const rows = Array.from({ length: 1005 }, () => rowOf(from, to, { forSender: false }))
    await Promise.all(rows.map((row) => append(under.store, row)))
    assert.equal((await under.store.history(to, { limit: 5000 })).length, 1000)
    assert.equal((await under.store.history(to, { limit: 0 })).length, 1)
  })

  test('a row appended again with the same id is held once', async () => {
    const [from, to] = [await under.account(), await under.account()]
    const row = rowOf(from, to, { undelivered: true })
    await append(under.store, row)
    await append(under.store, row)
    assert.deepEqual(await under.idsOf(to), [row.id])
    assert.deepEqual(await under.idsOf(from), [row.id])
    assert.equal((await under.store.accountState(to))?.undelivered, 1)
  })

  test('who writes to itself holds the message once, as received', async () => {
    const owner = await under.account()
    const row = rowOf(owner, owner, { undelivered: true })
    await append(under.store, row)
    const items = await under.store.history(owner, { limit: 10 })
    assert.deepEqual(
      items.map(({ id, direction }) => [id, direction]),
      [[row.id, 'received']],
    )
    assert.equal((await under.store.undelivered(owner, 0, 10)).length, 1)
  })

  test('owners in two domains of ours each have the message', async () => {
    const [from, to] = [fresh('a', 'one.example'), fresh('b', 'two.example')]
    await under.store.addAccounts(
      [from, to].map(({ key }) => ({ record: record(key), secrets: secretsOf('x') })),
    )
    const row = rowOf(from, to, { undelivered: true, archived: false })
    await append(under.store, row)
    assert.deepEqual(await under.idsOf(from), [row.id])
    await markDelivered(under.store, to, [row.id])
    assert.deepEqual(await under.store.undelivered(to, 0, 10), [])
    assert.deepEqual(await under.idsOf(from), [row.id])
  })

  test('a sender that is gone meanwhile does not keep its recipient from the message', async () => {
    const to = await under.account()
    const row = rowOf(fresh('gone'), to)
    await append(under.store, row)
    assert.deepEqual(await under.idsOf(to), [row.id])
  })

  test('expireHistory forgets what is archived, delivered and older, and tells how many entries', async () => {
    const [from, to] = [await under.account(), await under.account()]
    const old = rowOf(from, to, { at: 10 })
    const oldUndelivered = rowOf(from, to, { at: 20, undelivered: true })
    const held = rowOf(from, to, { at: 30, undelivered: true, archived: false, forSender: false })
    const edge = rowOf(from, to, { at: 40 })
    for (const row of [edge, old, oldUndelivered, held]) await append(under.store, row)
    assert.equal(await under.store.expireHistory(40), 3, 'old of both, and what the sender kept')
    assert.deepEqual(await under.idsOf(to), [edge.id, oldUndelivered.id])
    assert.deepEqual(await under.idsOf(from), [edge.id])
    assert.equal((await under.store.undelivered(to, 0, 10)).length, 2)
    await markDelivered(under.store, to, [oldUndelivered.id, held.id])
    assert.equal(await under.store.expireHistory(40), 1)
    assert.equal(await under.store.expireHistory(40), 0)
    assert.equal(await under.store.expireHistory(41), 2)
    assert.deepEqual(await under.idsOf(to), [])
  })

  test('expireHistory forgets thousands at once', async () => {
    const [from, to] = [await under.account(), await under.account()]
    const rows = Array.from({ length: 2500 }, (_, i) => rowOf(from, to, { at: 1 + (i % 7) }))
    await Promise.all(rows.map((row) => append(under.store, row)))
    assert.equal(await under.store.expireHistory(8), 5000)
    assert.deepEqual(await under.idsOf(to), [])
  })
}
