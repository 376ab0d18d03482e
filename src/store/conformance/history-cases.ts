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
    const archived = true
    assert.deepEqual(received, { ...unit, sequence, peer: from, direction: 'received', archived })
    assert.deepEqual(sent, { ...unit, sequence: sent?.sequence, peer: to, direction: 'sent', archived })
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
    const page = { pageAfterId: ids[4] as string, pageBeforeId: ids[8] as string }
    assert.deepEqual(await under.idsOf(owner, page), ids.slice(5, 8))
    assert.deepEqual(
      await under.idsOf(owner, { ...page, afterId: ids[6] as string }),
      [ids[7]],
      'the narrower',
    )
    assert.deepEqual(await under.idsOf(owner, { ...page, beforeId: ids[2] as string }), [])
    assert.equal(await under.store.countHistory(owner, { with: bob, ...page }, 1000), 10, 'all that match')
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

  test('a query for one device of a peer finds what that device sent and was named in (XEP-0313 §4.1.1)', async () => {
    const [owner, bob] = [await under.account(), await under.account()]
    const fromPhone = rowOf(bob, owner)
    const toPhone = rowOf(owner, bob, { head: { toAgent: 'phone/ä' } })
    const toAll = rowOf(owner, bob)
    for (const row of [fromPhone, toPhone, toAll]) await append(under.store, row)
    const both = { with: bob, withAgent: 'phone/ä' }
    assert.deepEqual(await under.idsOf(owner, both), [fromPhone.id, toPhone.id])
    assert.deepEqual(await under.idsOf(owner, { ...both, withAgent: 'else' }), [])
    assert.equal(await under.store.countHistory(owner, both, 10), 2)
  })

  test('named entries are found in the order of the archive, and all must be there (XEP-0313 §4.1.3)', async () => {
    const [owner, bob, carol] = [await under.account(), await under.account(), await under.account()]
    const rows = [rowOf(bob, owner), rowOf(carol, owner), rowOf(owner, bob)]
    const held = rowOf(bob, owner, { undelivered: true, archived: false, forSender: false })
    const strange = rowOf(bob, carol)
    for (const row of [...rows, held, strange]) await append(under.store, row)
    const [first, second, third] = rows.map(({ id }) => id) as [string, string, string]
    assert.deepEqual(await under.idsOf(owner, { ids: [third, first, third] }), [first, third])
    assert.deepEqual(await under.idsOf(owner, { ids: [third, second, first], with: bob }), [first, third])
    assert.deepEqual(await under.idsOf(owner, { ids: [first, second, third], limit: 2 }), [first, second])
    const last = { ids: [first, second, third], limit: 2, backwards: true }
    assert.deepEqual(await under.idsOf(owner, last), [second, third])
    assert.deepEqual(await under.idsOf(owner, { ids: [first, third], afterId: first }), [third])
    assert.deepEqual(await under.idsOf(owner, { ids: [] }), [])
    for (const id of ['no-such-id', held.id, strange.id]) {
      await assert.rejects(under.store.history(owner, { ids: [first, id], limit: 9 }), is('not-found'))
    }
    const beyond = { ids: [first], beforeId: 'no-such-id', limit: 9 }
    await assert.rejects(under.store.history(owner, beyond), is('not-found'))
  })

  test('entries that match are counted, up to a number and no further', async () => {
    const [owner, bob, carol] = [await under.account(), await under.account(), await under.account()]
    const ids: string[] = []
    for (let i = 0; i < 20; i++) {
      const row = rowOf(i % 2 === 0 ? bob : carol, owner, { at: 1000 + i })
      await append(under.store, row)
      ids.push(row.id)
    }
    const { store } = under
    assert.equal(await store.countHistory(owner, {}, 1000), 20)
    assert.equal(await store.countHistory(owner, {}, 7), 7)
    assert.equal(await store.countHistory(owner, { with: bob, start: 1002, end: 1008 }, 1000), 4)
    assert.equal(await store.countHistory(owner, { afterId: ids[4] as string }, 1000), 15)
    await assert.rejects(store.countHistory(owner, { beforeId: 'no-such-id' }, 9), is('not-found'))
    assert.equal(await store.countHistory(fresh(), {}, 9), 0)
  })

  test('bounds in time hold over years, whatever the history is long', async () => {
    const [owner, bob] = [await under.account(), await under.account()]
    const [base, day] = [1_700_000_000_000, 86_400_000]
    const at = (days: number): number => base + days * day
    const rows = Array.from({ length: 400 }, (_, i) => rowOf(bob, owner, { at: at(i) }))
    await Promise.all(rows.map((row) => append(under.store, row)))
    const between = (from: number, to: number): string[] => rows.slice(from, to).map(({ id }) => id)
    assert.deepEqual(await under.idsOf(owner, { start: at(100), end: at(103) }), between(100, 104))
    assert.deepEqual(await under.idsOf(owner, { start: at(390) + 1 }), between(391, 400))
    assert.deepEqual(await under.idsOf(owner, { end: at(200), backwards: true, limit: 2 }), between(199, 201))
    assert.deepEqual(await under.idsOf(owner, { start: at(500) }), [])
    assert.deepEqual(await under.idsOf(owner, { end: base - 1 }), [])
    assert.equal(await under.store.countHistory(owner, { start: at(10), end: at(19) }, 99), 10)
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
