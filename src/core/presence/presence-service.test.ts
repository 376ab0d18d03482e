import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inboxAgentsMax } from '../messages/inboxes.ts'
import { Watcher } from '../testing/devices.ts'
import { at, presence } from '../testing/envelopes.ts'
import { juliet, nurse, romeo, stage } from '../testing/presence-stage.ts'
import { outcomeOf, resident, settled, type World } from '../testing/world.ts'
import { presenceTuplesMax } from './presentities.ts'

test('a change reaches every session that may see it as a delta, an unchanged value nobody (RFC 6121 §4.4)', async () => {
  const { befriend, session, publish } = await stage()
  await befriend(romeo, juliet)
  const own = await session(juliet)
  const friend = await session(romeo)
  const stranger = await session(nurse)
  for (const watcher of [own, friend, stranger]) watcher.take()
  await publish(juliet, 'balcony', 'here')
  await publish(juliet, 'balcony', 'here')
  await publish(juliet, 'balcony', 'away')
  await publish(juliet, 'balcony', undefined)
  const seen = [
    `${juliet}: added balcony=here`,
    `${juliet}: changed balcony=away`,
    `${juliet}: removed balcony`,
  ]
  assert.deepEqual(friend.take(), seen)
  assert.deepEqual(own.take(), seen)
  assert.deepEqual(stranger.take(), [])
})

test('a session learns at its beginning of itself and of all whom it may see, and of no one else (RFC 6121 §4.2.2)', async () => {
  const { befriend, session, publish, service, ...world } = await stage()
  await befriend(romeo, juliet)
  await befriend(nurse, romeo)
  await publish(juliet, 'balcony', 'here')
  await publish(nurse, 'kitchen', 'here')
  await publish(romeo, 'street', 'here')
  const watcher = await session(romeo)
  assert.deepEqual(watcher.take(), [`${romeo} full: added street=here`, `${juliet} full: added balcony=here`])
  service.presence.unwatchContacts(await resident({ service, ...world } as World, romeo), watcher)
  await publish(juliet, 'balcony', 'away')
  assert.deepEqual(watcher.take(), [])
})

test('only the owner publishes (RFC 2779 2.3.4), by any of its names', async () => {
  const { service } = await stage({ aliases: { [juliet]: ['1001@verona.example'] } })
  const publishAs = (by: string): Promise<string> =>
    outcomeOf((told) =>
      service.presence.publish(
        { presentity: at(juliet), by: at(by), tuple: 't', source: presence(by, 'x'), seconds: undefined },
        told,
      ),
    )
  assert.equal(await publishAs(romeo), 'permission-denied')
  assert.equal(await publishAs('1001@verona.example'), 'delivered')
})

test('a leased tuple ends with its lease, and one renewed lives on', async () => {
  const { befriend, session, publish, service, clock } = await stage()
  await befriend(romeo, juliet)
  const friend = await session(romeo)
  await publish(juliet, 'phone', 'here', 60)
  await publish(juliet, 'laptop', 'here')
  friend.take()
  clock.advance(59_000)
  const renew = (tuple: string): Promise<string> =>
    outcomeOf((told) => service.presence.renew({ presentity: at(juliet), tuple }, 60, told))
  assert.equal(await renew('phone'), 'delivered')
  assert.equal(await renew('laptop'), 'not-found')
  assert.equal(await renew('pager'), 'not-found')
  clock.advance(59_000)
  await settled()
  assert.deepEqual(friend.take(), [])
  clock.advance(1000)
  await settled()
  assert.deepEqual(friend.take(), [`${juliet}: removed phone`])
  assert.equal(await renew('phone'), 'not-found')
  assert.deepEqual(service.leases.size, { active: 0, places: 0 })
})

test('a tuple published anew forgets its older lease', async () => {
  const { publish, service, clock, ...world } = await stage()
  await publish(juliet, 'phone', 'here', 10)
  await publish(juliet, 'phone', 'here', 1000)
  assert.equal(service.leases.size.active, 1)
  clock.advance(10_000)
  const account = await resident({ service, clock, ...world } as World, juliet)
  assert.equal(account.presentity.tuples.size, 1)
  await publish(juliet, 'phone', 'here')
  clock.advance(2_000_000)
  assert.equal(account.presentity.tuples.size, 1, 'it lives as long as its session now')
})

test('the permanent value is served while no device speaks, and outlives the memory (IMPP §18.5)', async () => {
  const { befriend, session, publish, service, clock, ...world } = await stage()
  await befriend(romeo, juliet)
  const friend = await session(romeo)
  friend.take()
  await publish(juliet, '', 'call me', Number.POSITIVE_INFINITY)
  await publish(juliet, '', 'call me', Number.POSITIVE_INFINITY)
  await publish(juliet, 'phone', 'here', 60)
  await publish(juliet, '', 'write to me', Number.POSITIVE_INFINITY)
  clock.advance(60_000)
  await settled()
  assert.deepEqual(friend.take(), [
    `${juliet}: added permanent=call me`,
    `${juliet}: removed permanent, added phone=here`,
    `${juliet}: removed phone, added permanent=write to me`,
  ])
  service.directory.forget(await resident({ service, clock, ...world } as World, juliet))
  const again = await session(romeo)
  assert.equal(again.believes.get(juliet)?.get('permanent'), 'write to me')
  await publish(juliet, '', undefined, Number.POSITIVE_INFINITY)
  assert.equal((await world.store.accountState(at(juliet)))?.permanentPresence, undefined)
})

test('a presentity holds no more devices than its limit', async () => {
  const { publish } = await stage()
  for (let i = 0; i < presenceTuplesMax; i++)
    assert.equal(await publish(juliet, `${i}`, 'here', 60), 'delivered')
  assert.equal(await publish(juliet, 'one more', 'here', 60), 'resource-limit')
  assert.ok(presenceTuplesMax >= inboxAgentsMax, 'every device has room')
})

test('a watcher that throws keeps no other from being told', async () => {
  const { befriend, session, publish, subscribe, faults } = await stage()
  await befriend(romeo, juliet)
  const broken = await session(romeo)
  broken.notify = () => {
    throw new Error('broken')
  }
  const sound = new Watcher(romeo)
  await subscribe(sound, juliet, 's1')
  sound.take()
  await publish(juliet, 'balcony', 'here')
  assert.deepEqual(sound.take(), [`${juliet}: added balcony=here`])
  assert.equal(faults.length, 1)
})

test('what a change becomes is made once for all watchers of a class', async () => {
  const { befriend, session, publish } = await stage()
  await befriend(romeo, juliet)
  const one = await session(romeo)
  const two = await session(romeo)
  await publish(juliet, 'balcony', 'here')
  assert.equal(one.last, two.last)
  assert.equal(one.last?.document(), two.last?.document())
  const key = Symbol('rendering')
  let made = 0
  for (const watcher of [one, two]) watcher.last?.once(key, () => ++made)
  assert.equal(made, 1)
})
