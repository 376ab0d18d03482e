import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Outcome } from '#model'
import { Watcher } from '../testing/devices.ts'
import { at, message } from '../testing/envelopes.ts'
import { juliet, nurse, romeo, stage } from '../testing/presence-stage.ts'
import { createWorld, outcomeOf, send, settled } from '../testing/world.ts'

const temporarily = { location: 'im:juliet@mantua.example', permanent: false }
const permanently = { location: 'sip:juliet@mantua.example', permanent: true }

test('who has moved: a message is refused with the place, for a while or for good, until they are back (IMPP §18.8)', async () => {
  const world = await createWorld({ accounts: [romeo, juliet] })
  const accounts = world.service.accounts
  const sent = (from: string, to: string): Promise<Outcome> =>
    send(world, message({ from, to, text: 'Are you there?' }))
  assert.deepEqual(await accounts.setForward(at(juliet), temporarily), { kind: 'done' })
  assert.deepEqual(await sent(romeo, juliet), {
    kind: 'refused',
    condition: 'temporarily-forwarded',
    location: temporarily.location,
  })
  await accounts.setForward(at(juliet), permanently)
  assert.deepEqual(await sent(romeo, juliet), {
    kind: 'refused',
    condition: 'permanently-forwarded',
    location: permanently.location,
  })
  assert.equal((await sent(juliet, juliet)).kind, 'stored', 'one writes to oneself where one is')
  assert.deepEqual(await accounts.forward(at(juliet)), permanently)
  await accounts.setForward(at(juliet), undefined)
  assert.equal((await sent(romeo, juliet)).kind, 'stored')
})

test('who has moved is neither watched nor asked here, but by themselves; who is blocked learns no place', async () => {
  const world = await stage()
  const { service } = world
  await service.accounts.setForward(at(juliet), permanently)
  assert.equal(await world.subscribe(new Watcher(romeo), juliet, 's'), 'permanently-forwarded')
  assert.equal(await world.subscribe(new Watcher(juliet), juliet, 't'), 'active')
  assert.equal(await world.fetch(romeo, juliet), 'permanently-forwarded')
  assert.equal(
    await outcomeOf((told) => service.contacts.ask(at(romeo), at(juliet), undefined, told)),
    'permanently-forwarded',
  )
  await world.rule(juliet, nurse, 'block')
  assert.equal(await world.fetch(nurse, juliet), 'permission-denied')
})

test('a subscription that was there goes on to the end of its lease, and is not renewed (IMPP §18.8, §14)', async () => {
  const world = await stage()
  await world.befriend(romeo, juliet)
  const watcher = new Watcher(romeo)
  assert.equal(await world.subscribe(watcher, juliet, 's', 60), 'active')
  watcher.take()
  await world.service.accounts.setForward(at(juliet), permanently)
  await settled()
  assert.deepEqual(watcher.take(), [], 'moving says nothing of presence')
  await world.publish(juliet, 'desk', 'packing')
  assert.equal(watcher.take().length, 1)
  assert.equal(await world.subscribe(watcher, juliet, 's', 60), 'permanently-forwarded')
  await world.publish(juliet, 'desk', 'still packing')
  assert.equal(watcher.take().length, 1)
  world.clock.advance(61_000)
  await world.publish(juliet, 'desk', 'gone')
  assert.deepEqual(watcher.take(), ['terminated s timeout'])
  await world.service.accounts.setForward(at(juliet), undefined)
  assert.equal(await world.subscribe(watcher, juliet, 's', 60), 'active')
})

/** [location, answer] */
const locations: [string, string][] = [
  ['impp://mantua.example/juliet', 'done'],
  ['xmpp:juliet@mantua.example/balcony', 'done'],
  ['juliet@mantua.example', 'address-malformed'],
  ['mailto:juliet@mantua.example', 'address-malformed'],
  ['im:mantua.example', 'address-malformed'],
  ['im:juliet@mantua.example> evil', 'address-malformed'],
  ['im:juliet@mantua.example\r\nX: y', 'address-malformed'],
  [`im:${'j'.repeat(1020)}@mantua.example`, 'address-malformed'],
  ['sip:juliet@verona.example', 'loop-detected'],
]
for (const [location, answer] of locations) {
  test(`moving to ${JSON.stringify(location.slice(0, 60))}: ${answer}`, async () => {
    const world = await createWorld({ accounts: [juliet] })
    const outcome = await world.service.accounts.setForward(at(juliet), { location, permanent: true })
    assert.equal(outcome.kind === 'done' ? 'done' : outcome.condition, answer)
  })
}

test('nobody moves an account that is not there', async () => {
  const world = await createWorld({ accounts: [juliet] })
  const outcome = await world.service.accounts.setForward(at(romeo), temporarily)
  assert.deepEqual(outcome, { kind: 'refused', condition: 'target-unknown' })
  assert.equal(await world.service.accounts.forward(at(romeo)), 'unknown')
})
