import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PresenceDocument } from '#model'
import { Watcher } from '../testing/devices.ts'
import { at } from '../testing/envelopes.ts'
import { juliet, nurse, romeo, stage } from '../testing/presence-stage.ts'
import { outcomeOf, resident, settled, type World } from '../testing/world.ts'

test('polite blocking looks like success and an absence, for subscriptions, sessions and fetches (RFC 2779 5.1.15)', async () => {
  const { subscribe, rule, publish, fetch, session, befriend } = await stage()
  await rule(juliet, romeo, 'polite-block')
  await befriend(nurse, juliet)
  await publish(juliet, 'balcony', 'here')
  const blocked = new Watcher(romeo)
  const allowed = new Watcher(nurse)
  assert.equal(await subscribe(blocked, juliet, 's1'), await subscribe(allowed, juliet, 's2'))
  assert.deepEqual(blocked.take(), [`${juliet} full: `])
  await publish(juliet, 'balcony', 'away')
  await publish(juliet, 'balcony', undefined)
  assert.deepEqual(blocked.take(), [])
  await publish(juliet, 'balcony', 'back')
  assert.deepEqual(await fetch(romeo, juliet), {
    entity: `pres:${juliet}`,
    tuples: [],
    notes: [],
    extensions: [],
  })
  const watching = await session(romeo)
  assert.equal(watching.log.join().includes('balcony'), false)
})

test('basic visibility shows open and closed alone (RFC 2779 2.3.3)', async () => {
  const { rule, publish, fetch, subscribe } = await stage()
  await rule(juliet, romeo, 'allow', 'basic')
  await publish(juliet, 'balcony', 'sighing')
  const watcher = new Watcher(romeo)
  await subscribe(watcher, juliet, 's1')
  const basic = {
    entity: `pres:${juliet}`,
    tuples: [{ id: 'balcony', basic: 'open', notes: [], statusExtensions: [], extensions: [] }],
    notes: [],
    extensions: [],
  }
  assert.deepEqual(watcher.last?.document(), basic)
  assert.equal(watcher.last?.visibility, 'basic')
  assert.deepEqual(await fetch(romeo, juliet), basic)
})

test('a fetch shows what the watcher may see now, and asks nobody', async () => {
  const { publish, fetch, befriend, rule, service, ...world } = await stage()
  await publish(juliet, 'balcony', 'here')
  assert.equal(await fetch(romeo, juliet), 'permission-denied')
  assert.equal((await resident({ service, ...world } as World, juliet)).contacts.size, 0)
  await befriend(romeo, juliet)
  assert.equal(((await fetch(romeo, juliet)) as PresenceDocument).tuples[0]?.notes[0]?.text, 'here')
  await rule(juliet, romeo, 'block')
  assert.equal(await fetch(romeo, juliet), 'permission-denied')
  assert.equal(await fetch(romeo, 'nobody@verona.example'), 'target-unknown')
  assert.equal(await fetch(romeo, 'tybalt@elsewhere.example'), 'domain-unknown')
})

test('a rule takes effect at once: block, let in again, show less, block politely', async () => {
  const { befriend, subscribe, session, publish, rule, service } = await stage()
  await befriend(romeo, juliet)
  await befriend(nurse, juliet)
  await publish(juliet, 'balcony', 'here')
  const watching = await session(romeo)
  const other = await session(nurse)
  const watcher = new Watcher(romeo)
  await subscribe(watcher, juliet, 's1')
  const take = (): [string[], string[]] => [watching.take(), watcher.take()]
  take()
  other.take()
  await rule(juliet, romeo, 'allow', 'basic')
  assert.deepEqual(take(), [
    [`${juliet} full basic: added balcony=here`],
    [`${juliet} full basic: added balcony=here`],
  ])
  await rule(juliet, romeo, 'polite-block')
  assert.deepEqual(take(), [[`${juliet} full: removed balcony`], [`${juliet} full: `]])
  await publish(juliet, 'garden', 'here')
  await rule(juliet, 'mantua.example', 'block')
  assert.deepEqual(take(), [[], []], 'a rule about others tells nothing')
  await outcomeOf((told) => service.contacts.removeRule(at(juliet), romeo, told))
  assert.deepEqual(take(), [
    [`${juliet} full: added balcony=here, added garden=here`],
    [`${juliet} full: added balcony=here, added garden=here`],
  ])
  await rule(juliet, romeo, 'block')
  assert.deepEqual(take(), [[`${juliet} full: removed balcony, removed garden`], ['terminated s1 rejected']])
  assert.deepEqual(other.take(), [`${juliet}: added garden=here`])
})

test('what a rule allowed ends with the rule, and may be asked for (RFC 6665 §4.1.3)', async () => {
  const { subscribe, rule, service } = await stage()
  await rule(juliet, romeo, 'allow')
  const watcher = new Watcher(romeo)
  assert.equal(await subscribe(watcher, juliet, 's1'), 'active')
  watcher.take()
  await outcomeOf((told) => service.contacts.removeRule(at(juliet), romeo, told))
  assert.deepEqual(watcher.take(), ['terminated s1 deactivated'])
  assert.equal(await subscribe(watcher, juliet, 's2'), 'pending')
  await rule(juliet, 'verona.example', 'allow')
  assert.deepEqual(watcher.take().slice(0, 1), ['activated s2'])
})

test('an authorization withdrawn tells the sessions that all is gone, before the word (RFC 6121 §3.2.2)', async () => {
  const { befriend, session, publish, service } = await stage()
  await befriend(romeo, juliet)
  await publish(juliet, 'balcony', 'here')
  const watching = await session(romeo)
  watching.take()
  const account = await new Promise<string[]>((resolve) =>
    service.directory.find(at(romeo), (found) => {
      if (typeof found === 'string') return
      service.contacts.attach(found, {
        contactChanged: () => {},
        authorizationEvent: (event) => watching.log.push(event),
      })
      resolve(watching.log)
    }),
  )
  await outcomeOf((told) => service.contacts.remove(at(juliet), at(romeo), told))
  await settled()
  assert.deepEqual(account, [`${juliet} full: removed balcony`, 'unsubscribed'])
})

test('a session whose contact is gone or forgot it learns so by its probe (RFC 6121 §4.3.2)', async () => {
  const { befriend, session, service, store, ...world } = await stage()
  await befriend(romeo, juliet)
  await befriend(romeo, nurse)
  const all = { service, store, ...world } as World
  service.directory.forget(await resident(all, juliet))
  await store.removeAccount(at(juliet))
  ;(await resident(all, nurse)).contacts.delete(romeo)
  await session(romeo)
  const contacts = (await resident(all, romeo)).contacts
  assert.equal(contacts.get(juliet)?.authorization.to, false)
  assert.equal(contacts.get(nurse)?.authorization.to, false)
})

test('whom a person blocks its own devices see go, and come back (XEP-0191 §3.3)', async () => {
  const { rule, publish, session, befriend, service } = await stage()
  await befriend(romeo, juliet)
  await publish(juliet, 'balcony', 'here')
  const watching = await session(romeo)
  assert.notDeepEqual(watching.take(), [])
  await rule(romeo, juliet, 'block')
  assert.deepEqual(watching.take(), [`${juliet} full: removed balcony`])
  await publish(juliet, 'balcony', 'away')
  await publish(juliet, 'balcony', 'back')
  assert.deepEqual(watching.take(), [])
  service.contacts.removeRule(at(romeo), juliet, () => {})
  await settled()
  assert.deepEqual(watching.take(), [`${juliet} full: added balcony=back`])
})
