import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PresenceDocument } from '#model'
import type { VisibilityClass } from './access-rules.ts'
import { inboxAgentsMax } from './inboxes.ts'
import { presenceTuplesMax } from './presentities.ts'
import { subscriptionsOfWatcherMax } from './subscriptions.ts'
import { Watcher } from './testing/devices.ts'
import { at, presence } from './testing/envelopes.ts'
import { createWorld, outcomeOf, resident, settled, type World, type WorldOptions } from './testing/world.ts'

const romeo = 'romeo@verona.example'
const juliet = 'juliet@verona.example'
const nurse = 'nurse@verona.example'

interface Stage extends World {
  publish(owner: string, tuple: string, note: string | undefined, seconds?: number): Promise<string>
  subscribe(watcher: Watcher, presentity: string, id: string, seconds?: number): Promise<string>
  fetch(watcher: string, presentity: string): Promise<PresenceDocument | string>
  /** `watcher` asks and `presentity` approves. */
  befriend(watcher: string, presentity: string): Promise<void>
  rule(
    owner: string,
    subject: string,
    action: 'allow' | 'block' | 'polite-block' | 'confirm',
    visibility?: VisibilityClass,
  ): Promise<void>
  /** A session of its owner that sees all its contacts. */
  session(owner: string): Promise<Watcher>
}

async function stage(options: Partial<WorldOptions> = {}): Promise<Stage> {
  const world = await createWorld({ accounts: [romeo, juliet, nurse], ...options })
  const { presence: service, contacts } = world.service
  const turn = async (operation: Parameters<typeof outcomeOf>[0]): Promise<string> => {
    const word = await outcomeOf(operation)
    await settled()
    return word
  }
  return {
    ...world,
    publish: (owner, tuple, note, seconds) =>
      turn((told) => {
        const source = note === undefined ? undefined : presence(owner, note)
        service.publish({ presentity: at(owner), by: at(owner), tuple, source, seconds }, told)
        source?.poison()
      }),
    subscribe: (watcher, presentity, id, seconds = 60) =>
      turn((told) =>
        service.subscribe(
          { id, watcher: watcher.watcher, presentity: at(presentity), seconds, agent: watcher },
          told,
        ),
      ),
    fetch: (watcher, presentity) =>
      new Promise((resolve) =>
        service.fetch(at(watcher), at(presentity), (fetched) =>
          resolve(fetched.kind === 'fetched' ? fetched.notification.document() : fetched.condition),
        ),
      ),
    befriend: async (watcher, presentity) => {
      await turn((told) => contacts.ask(at(watcher), at(presentity), undefined, told))
      await turn((told) => contacts.approve(at(presentity), at(watcher), undefined, told))
    },
    rule: async (owner, subject, action, visibility = 'full') => {
      await turn((told) => contacts.setRule(at(owner), { subject, action, visibility }, told))
    },
    session: async (owner) => {
      const watcher = new Watcher(owner)
      service.watchContacts(await resident(world, owner), watcher)
      await settled()
      return watcher
    },
  }
}

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
    outcomeOf((told) => service.presence.renew(at(juliet), tuple, 60, told))
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
