import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Watcher } from '../testing/devices.ts'
import { at } from '../testing/envelopes.ts'
import { juliet, nurse, romeo, stage } from '../testing/presence-stage.ts'
import { outcomeOf, resident, settled, type World } from '../testing/world.ts'
import { subscriptionsOfWatcherMax } from './subscriptions.ts'

test('a subscription waits for the owner, opens at the word, ends at another (RFC 3859 §3.3, RFC 8048)', async () => {
  const { subscribe, publish, service } = await stage()
  const watcher = new Watcher(romeo)
  await publish(juliet, 'balcony', 'here')
  assert.equal(await subscribe(watcher, juliet, 's1'), 'pending')
  assert.equal(await subscribe(watcher, juliet, 's2'), 'pending')
  assert.deepEqual(watcher.take(), [], 'nothing is shown while it waits')
  await outcomeOf((told) => service.contacts.approve(at(juliet), at(romeo), undefined, told))
  await settled()
  assert.deepEqual(watcher.take(), [
    'activated s1',
    `${juliet} full: added balcony=here`,
    'activated s2',
    `${juliet} full: added balcony=here`,
  ])
  await outcomeOf((told) => service.contacts.refuse(at(juliet), at(romeo), undefined, told))
  await settled()
  assert.deepEqual(watcher.take(), ['terminated s1 rejected', 'terminated s2 rejected'])
  await publish(juliet, 'balcony', 'away')
  assert.deepEqual(watcher.take(), [])
  assert.equal(service.leases.size.active, 0)
})

test('who was approved before asking sees at once, by a fetch too (RFC 6121 §3.4; IMPP §18.1, §18.3)', async () => {
  const { subscribe, fetch, publish, service } = await stage()
  const watcher = new Watcher(romeo)
  await publish(juliet, 'balcony', 'here')
  assert.equal(await fetch(romeo, juliet), 'permission-denied')
  await outcomeOf((told) => service.contacts.approve(at(juliet), at(romeo), undefined, told))
  await settled()
  assert.equal(typeof (await fetch(romeo, juliet)), 'object')
  assert.equal(await subscribe(watcher, juliet, 's1'), 'active')
  assert.deepEqual(watcher.take(), [`${juliet} full: added balcony=here`], 'told once, not of an activation')
  const world = { service } as World
  assert.equal((await resident(world, romeo)).contacts.get(at(juliet).key)?.authorization.to, true)
  await outcomeOf((told) => service.contacts.refuse(at(juliet), at(romeo), undefined, told))
  await settled()
  assert.deepEqual(watcher.take(), ['terminated s1 rejected'])
  assert.equal(await fetch(romeo, juliet), 'permission-denied')
})

test('a refused request ends its pending subscriptions and names no device (RFC 6121 §3.2.2)', async () => {
  const { subscribe, publish, session, service } = await stage()
  await publish(juliet, 'secret place', 'here')
  const watching = await session(romeo)
  watching.take()
  const watcher = new Watcher(romeo)
  await subscribe(watcher, juliet, 's1')
  await outcomeOf((told) => service.contacts.refuse(at(juliet), at(romeo), undefined, told))
  await settled()
  assert.deepEqual(watcher.take(), ['terminated s1 rejected'])
  assert.deepEqual(watching.take(), [])
})

test('a watcher let in by the deployment alone is put out by the owner, without a contact', async () => {
  const { subscribe, service } = await stage({ policy: { confirmSameDomain: false } })
  const watcher = new Watcher(romeo)
  assert.equal(await subscribe(watcher, juliet, 's1'), 'active')
  watcher.take()
  await outcomeOf((told) => service.contacts.refuse(at(juliet), at(romeo), undefined, told))
  assert.deepEqual(watcher.take(), ['terminated s1 rejected'])
})

test('the end of a lease ends the subscription and no authorization', async () => {
  const { subscribe, befriend, service, clock, ...world } = await stage()
  await befriend(romeo, juliet)
  const watcher = new Watcher(romeo)
  assert.equal(await subscribe(watcher, juliet, 's1', 60), 'active')
  clock.advance(30_000)
  assert.equal(await subscribe(watcher, juliet, 's1', 60), 'active')
  watcher.take()
  clock.advance(59_000)
  assert.deepEqual(watcher.take(), [])
  clock.advance(1000)
  assert.deepEqual(watcher.take(), ['terminated s1 timeout'])
  const account = await resident({ service, clock, ...world } as World, juliet)
  assert.equal(account.contacts.get(romeo)?.authorization.from, true)
})

test('a subscription is its watcher’s own: another neither renews nor ends it', async () => {
  const { subscribe, befriend, service } = await stage()
  await befriend(romeo, juliet)
  await subscribe(new Watcher(romeo), juliet, 's1')
  assert.equal(await subscribe(new Watcher(nurse), juliet, 's1'), 'permission-denied')
  const end = (watcher: string): Promise<string> =>
    outcomeOf((told) => service.presence.unsubscribe(at(juliet), 's1', at(watcher), told))
  assert.equal(await end(nurse), 'subscription-unknown')
  assert.equal(await end(romeo), 'delivered')
  assert.equal(await end(romeo), 'subscription-unknown')
  assert.equal(service.leases.size.active, 0)
})

test('who renews by another connection is told there from then on', async () => {
  const { subscribe, befriend, publish } = await stage()
  await befriend(romeo, juliet)
  const before = new Watcher(romeo)
  const after = new Watcher(romeo)
  await subscribe(before, juliet, 's1')
  await subscribe(after, juliet, 's1')
  before.take()
  after.take()
  await publish(juliet, 'balcony', 'here')
  assert.deepEqual(before.take(), [])
  assert.deepEqual(after.take(), [`${juliet}: added balcony=here`])
})

test('a watcher holds no more subscriptions to one presentity than the limit', async () => {
  const { subscribe, befriend, service } = await stage()
  await befriend(romeo, juliet)
  const watcher = new Watcher(romeo)
  for (let i = 0; i < subscriptionsOfWatcherMax; i++) await subscribe(watcher, juliet, `s${i}`)
  assert.equal(await subscribe(watcher, juliet, 'one more'), 'resource-limit')
  assert.equal(service.leases.size.active, subscriptionsOfWatcherMax)
})
