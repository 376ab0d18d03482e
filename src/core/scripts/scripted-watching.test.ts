import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8 } from '#base'
import type { AccessAction } from '../people/access-rules.ts'
import type { SubscriptionOutcome } from '../presence/subscribing.ts'
import { Device, Watcher } from '../testing/devices.ts'
import { at } from '../testing/envelopes.ts'
import { createWorld, outcomeOf, signIn, type World } from '../testing/world.ts'

const juliet = 'juliet@verona.example'
const romeo = 'romeo@verona.example'

const world = (): Promise<World> =>
  createWorld({ accounts: [juliet, romeo], policy: { confirmSameDomain: false } })

async function script(of: World, owner: string, inside: string, side = 'incoming'): Promise<void> {
  const document = utf8(`<cpl><${side}>${inside}</${side}></cpl>`)
  const outcome = await new Promise<object>((resolve) => of.service.scripts.put(at(owner), document, resolve))
  assert.deepEqual(outcome, { kind: 'stored' })
}

function subscribe(of: World, id = 's'): Promise<SubscriptionOutcome> {
  const request = { id, watcher: at(romeo), presentity: at(juliet), seconds: 600, agent: new Watcher(romeo) }
  return new Promise((resolve) => of.service.presence.subscribe(request, resolve))
}

const fetch = (of: World): Promise<string> =>
  outcomeOf((told) => of.service.presence.fetch(at(romeo), at(juliet), told))
const ask = (of: World): Promise<string> =>
  outcomeOf((told) => of.service.contacts.ask(at(romeo), at(juliet), undefined, told))
const rule = (of: World, action: AccessAction): Promise<string> =>
  outcomeOf((told) =>
    of.service.contacts.setRule(at(juliet), { subject: romeo, action, visibility: 'full' }, told),
  )

test('a script refuses who wants to watch, by lease, once, or for good', async () => {
  const w = await world()
  await script(w, juliet, '<reject status="reject" reason="No"/>')
  assert.deepEqual(await subscribe(w), {
    kind: 'refused',
    condition: 'permission-denied',
    said: { status: 603, reason: 'No' },
  })
  assert.equal(await fetch(w), 'permission-denied')
  assert.equal(await ask(w), 'permission-denied')
})

test('who is sent on is told where, for nobody’s presence takes the place of another’s (decision 0150)', async () => {
  const w = await world()
  await script(w, juliet, '<location url="sip:juliet@far.example"><proxy/></location>')
  const outcome = await subscribe(w)
  assert.ok(outcome.kind === 'refused')
  assert.deepEqual([outcome.condition, outcome.location], ['temporarily-forwarded', 'sip:juliet@far.example'])
  await script(w, juliet, '<location url="sip:juliet@far.example"><redirect permanent="yes"/></location>')
  assert.equal(await fetch(w), 'permanently-forwarded')
  assert.equal(await ask(w), 'permanently-forwarded')
})

test('a proxy to the owner’s own address or devices is as without a script', async () => {
  const w = await world()
  await signIn(w, new Device(juliet))
  await script(w, juliet, '<lookup source="registration"><success><proxy/></success></lookup>')
  assert.equal((await subscribe(w)).kind, 'active')
  await script(w, juliet, `<location url="sip:${juliet}"><proxy/></location>`)
  assert.equal(await fetch(w), 'fetched')
})

test('a script that is put later ends nothing that is there, and is asked by whoever comes then', async () => {
  const w = await world()
  assert.equal((await subscribe(w)).kind, 'active')
  await script(w, juliet, '<reject status="reject"/>')
  assert.equal((await subscribe(w)).kind, 'active')
  assert.equal((await subscribe(w, 'other')).kind, 'refused')
})

test('whom the rules block is answered by them, and a polite block looks like success still (RFC 2779 5.1.15)', async () => {
  const w = await world()
  await script(w, juliet, '<location url="sip:juliet@far.example"><redirect/></location>')
  await rule(w, 'polite-block')
  assert.equal((await subscribe(w)).kind, 'active')
  assert.equal(await fetch(w), 'fetched')
  assert.equal(await ask(w), 'stored')
  await rule(w, 'block')
  assert.equal(await fetch(w), 'permission-denied')
})

test('the watcher’s own script is asked before the other’s (outgoing)', async () => {
  const w = await world()
  await signIn(w, new Device(romeo))
  await script(
    w,
    romeo,
    `<address-switch field="destination"><address is="sip:${juliet}"><reject status="busy"/></address></address-switch>`,
    'outgoing',
  )
  assert.equal((await subscribe(w)).kind, 'refused')
  assert.equal(await ask(w), 'temporarily-unavailable')
})
