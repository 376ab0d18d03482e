// Marks of delivery, and the order of calls.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTick } from 'node:timers/promises'
import { append, fresh, is, markDelivered, name, record, rowOf, secretsOf } from './samples.ts'
import type { UnderTest } from './under-test.ts'

export function deliveryCases(under: UnderTest): void {
  test('undelivered entries come oldest first, after a sequence, up to a limit; each is marked alone', async () => {
    const [from, to] = [await under.account(), await under.account()]
    const rows = Array.from({ length: 10 }, () => rowOf(from, to, { undelivered: true }))
    for (const row of rows) await append(under.store, row)
    await append(under.store, rowOf(from, to))
    assert.equal((await under.store.accountState(to))?.undelivered, 10)
    assert.equal((await under.store.accountState(from))?.undelivered, 0)
    const first = await under.store.undelivered(to, 0, 4)
    assert.deepEqual(
      first.map(({ id }) => id),
      rows.slice(0, 4).map(({ id }) => id),
    )
    assert.deepEqual(first[0]?.raw, rows[0]?.raw)
    const rest = await under.store.undelivered(to, first[3]?.sequence ?? 0, 100)
    assert.deepEqual(
      rest.map(({ id }) => id),
      rows.slice(4).map(({ id }) => id),
    )
    // A phone declines the first and takes the others: what is taken is not always the oldest.
    await markDelivered(under.store, to, [rows[1]?.id ?? '', rows[7]?.id ?? '', 'unknown'])
    await markDelivered(under.store, to, [rows[1]?.id ?? ''])
    await markDelivered(under.store, from, [rows[0]?.id ?? ''])
    await markDelivered(under.store, to, [])
    assert.deepEqual(
      (await under.store.undelivered(to, 0, 100)).map(({ id }) => id),
      rows.filter((_, i) => i !== 1 && i !== 7).map(({ id }) => id),
    )
    assert.equal((await under.store.accountState(to))?.undelivered, 8)
    assert.equal((await under.idsOf(to)).length, 11, 'the history keeps them all')
  })

  test('what is held only until it is delivered is in no history and vanishes when it is', async () => {
    const [from, to] = [await under.account(), await under.account()]
    const held = rowOf(from, to, { undelivered: true, archived: false, forSender: false })
    await append(under.store, held)
    assert.deepEqual(await under.idsOf(to), [])
    assert.equal((await under.store.undelivered(to, 0, 10)).length, 1)
    await markDelivered(under.store, to, [held.id])
    assert.deepEqual(await under.store.undelivered(to, 0, 10), [])
    assert.equal((await under.store.accountState(to))?.undelivered, 0)
    await assert.rejects(under.store.history(to, { afterId: held.id, limit: 1 }), is('not-found'))
  })

  test('what is only held is no bound of the history (XEP-0313 §4.3.1), in whichever of our domains its owner is', async () => {
    const here = await under.account()
    const there = fresh('user', 'example.net')
    const whole = { record: record(there.key), secrets: secretsOf(there.user) }
    assert.deepEqual(await under.store.addAccounts([whole]), [true])
    for (const owner of [here, there]) {
      const held = rowOf(name('far@else.example'), owner, {
        undelivered: true,
        archived: false,
        forSender: false,
      })
      await append(under.store, held)
      for (const bound of [{ afterId: held.id }, { beforeId: held.id }]) {
        await assert.rejects(under.store.history(owner, { ...bound, limit: 1 }), is('not-found'))
      }
    }
  })

  test('a sequence number is never given twice, though the newest entry vanished', async () => {
    const [from, to] = [await under.account(), await under.account()]
    const held = { undelivered: true, archived: false, forSender: false }
    const first = rowOf(from, to, held)
    await append(under.store, first)
    const [item] = await under.store.undelivered(to, 0, 10)
    await markDelivered(under.store, to, [first.id])
    const second = rowOf(from, to, held)
    await append(under.store, second)
    const next = await under.store.undelivered(to, item?.sequence ?? 0, 10)
    assert.deepEqual(
      next.map(({ id }) => id),
      [second.id],
    )
  })

  test('more ids than one statement could name are marked in one call', async () => {
    const [from, to] = [await under.account(), await under.account()]
    const rows = Array.from({ length: 3000 }, () => rowOf(from, to, { undelivered: true }))
    const appended = Promise.all(rows.map((row) => append(under.store, row)))
    await markDelivered(
      under.store,
      to,
      rows.map(({ id }) => id),
    )
    await appended
    assert.equal((await under.store.accountState(to))?.undelivered, 0)
  })

  test('calls take effect in the order they are made, reads among writes', async () => {
    const [from, to] = [await under.account(), await under.account()]
    const seen: Promise<number>[] = []
    for (let i = 0; i < 200; i++) {
      under.store.append(rowOf(from, to, { undelivered: true }), () => {})
      seen.push(under.store.undelivered(to, 0, 1000).then((items) => items.length))
      if (i % 10 === 0) await nextTick()
    }
    assert.deepEqual(
      await Promise.all(seen),
      Array.from({ length: 200 }, (_, i) => i + 1),
    )
  })

  test('`done` is called once, after the call returned, in the order of the calls', async () => {
    const [from, to] = [await under.account(), await under.account()]
    const order: number[] = []
    const all = new Promise<void>((resolve) => {
      for (let i = 0; i < 50; i++) {
        under.store.append(rowOf(from, to), (fault) => {
          assert.equal(fault, undefined)
          if (order.push(i) === 50) resolve()
        })
      }
    })
    assert.deepEqual(order, [])
    await all
    assert.deepEqual(
      order,
      Array.from({ length: 50 }, (_, i) => i),
    )
  })
}
