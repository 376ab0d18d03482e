import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '#base'
import { Leases } from '../leases.ts'
import { Watcher } from '../testing/devices.ts'
import { at } from '../testing/envelopes.ts'
import {
  type Subscription,
  Subscriptions,
  subscriptionsMax,
  subscriptionsOfWatcherMax,
} from './subscriptions.ts'

const leases = new Leases(new VirtualClock())

function subscription(id: string, watcher: string): Subscription {
  return {
    id,
    watcher: at(watcher),
    presentity: at('juliet@verona.example'),
    agent: new Watcher(watcher),
    lease: leases.grant(60, () => {}),
    state: 'active',
    since: 0,
    event: 'subscribe',
  }
}

test('subscriptions are found by their id and by their watcher, and leave nothing behind', () => {
  const subscriptions = new Subscriptions()
  const [one, two, other] = [
    subscription('1', 'romeo@verona.example'),
    subscription('2', 'romeo@verona.example'),
    subscription('3', 'nurse@verona.example'),
  ] as const
  for (const each of [one, two, other]) assert.ok(subscriptions.add(each))
  assert.deepEqual(subscriptions.of(one.watcher), [one, two])
  assert.equal(subscriptions.remove('1'), one)
  assert.equal(one.lease.active, false)
  assert.equal(subscriptions.remove('1'), undefined)
  assert.deepEqual(subscriptions.of(one.watcher), [two])
  assert.equal(subscriptions.remove('2'), two)
  assert.deepEqual(subscriptions.of(one.watcher), [])
  assert.deepEqual(subscriptions.all(), [other])
})

test('one watcher meets its limit before it fills the presentity’s, and the presentity has one too', () => {
  const subscriptions = new Subscriptions()
  for (let i = 0; i < subscriptionsMax; i++) {
    const watcher = `w${Math.floor(i / subscriptionsOfWatcherMax)}@verona.example`
    assert.ok(subscriptions.add(subscription(`${i}`, watcher)))
  }
  assert.equal(subscriptions.add(subscription('more', 'nurse@verona.example')), false)
  subscriptions.remove('9999')
  assert.equal(subscriptions.add(subscription('more', 'w0@verona.example')), false)
  assert.equal(subscriptions.add(subscription('more', 'nurse@verona.example')), true)
  assert.equal(subscriptions.size, subscriptionsMax)
})
