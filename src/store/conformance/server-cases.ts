// Leased subscriptions, settings, the end.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8 } from '#base'
import {
  allOctets,
  append,
  fresh,
  is,
  name,
  record,
  rowOf,
  secretsOf,
  sorted,
  subscriptionOf,
} from './samples.ts'
import type { UnderTest } from './under-test.ts'

export function serverCases(under: UnderTest): void {
  test('subscriptions are put, renewed, listed by protocol and removed', async () => {
    const [watcher, presentity] = [name('far@example.net'), await under.account()]
    const one = subscriptionOf('s1', 'sip-x', watcher, presentity)
    const two = subscriptionOf('s2', 'sip-x', watcher, presentity)
    const three = subscriptionOf('s3', 'impp-x', watcher, presentity)
    for (const each of [one, two, three]) await under.store.putSubscription(each)
    const renewed = { ...one, expires: 2_000_000_000_000, state: utf8('renewed') }
    await under.store.putSubscription(renewed)
    assert.deepEqual(sorted(await under.store.subscriptions('sip-x')), sorted([renewed, two]))
    await under.store.removeSubscription('s1')
    await under.store.removeSubscription('not there')
    assert.deepEqual(await under.store.subscriptions('sip-x'), [two])
    assert.deepEqual(await under.store.subscriptions('impp-x'), [three])
    assert.deepEqual(await under.store.subscriptions('none'), [])
  })

  test('a setting of the server is kept and replaced; an empty one is not an absent one', async () => {
    assert.equal(await under.store.setting('nonce-key'), undefined)
    await under.store.putSetting('nonce-key', allOctets)
    assert.deepEqual(await under.store.setting('nonce-key'), new Uint8Array(allOctets))
    await under.store.putSetting('nonce-key', new Uint8Array(0))
    assert.deepEqual(await under.store.setting('nonce-key'), new Uint8Array(0))
  })

  test('after close every call is refused and everything asked before has been answered', async () => {
    const own = await under.open()
    const owner = fresh()
    const added = own.addAccounts([{ record: record(owner.key), secrets: secretsOf('x') }])
    const appended = append(own, rowOf(name('far@example.net'), owner, { forSender: false }))
    await own.close()
    assert.deepEqual(await added, [true])
    await appended
    await assert.rejects(own.account(owner), is('internal-fault'))
    await assert.rejects(append(own, rowOf(owner, owner)), is('internal-fault'))
    await own.close()
  })
}
