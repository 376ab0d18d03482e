// With each session of its asker, a request that was not answered is said again while it is one (RFC 6121 §3.1.2), and a belief that is
// not true is corrected (RFC 6121 §4.3.2).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stateOf, Watcher } from '../testing/devices.ts'
import { at } from '../testing/envelopes.ts'
import { createWorld, outcomeOf, resident, settled, type World } from '../testing/world.ts'

const romeo = 'romeo@verona.example'
const nurse = 'nurse@verona.example'

/** Romeo has asked the nurse, who has to be loaded before she hears anything more. */
async function asked(): Promise<World> {
  const world = await createWorld({ accounts: [romeo, nurse] })
  const { contacts, directory } = world.service
  await outcomeOf((told) => contacts.ask(at(romeo), at(nurse), undefined, told))
  assert.equal(await state(world, nurse, romeo), 'pendingIn unlisted')
  directory.forget(await resident(world, nurse))
  return world
}

async function state(world: World, owner: string, contact: string): Promise<string> {
  await settled()
  const held = (await resident(world, owner)).contacts.get(contact)
  return held === undefined ? 'unknown' : stateOf(held)
}

test('a reminder that finds its request refused is none', async () => {
  const world = await asked()
  const { contacts, presence } = world.service
  const account = await resident(world, romeo)
  contacts.refuse(at(nurse), at(romeo), undefined, () => {})
  presence.watchContacts(account, new Watcher(romeo))
  assert.equal(await state(world, nurse, romeo), 'unknown')
  assert.equal(await state(world, romeo, nurse), 'none')
})

test('a reminder that finds its request taken back is none', async () => {
  const world = await asked()
  const { contacts, presence } = world.service
  const account = await resident(world, romeo)
  contacts.remove(at(romeo), at(nurse), () => {})
  presence.watchContacts(account, new Watcher(romeo))
  assert.equal(await state(world, nurse, romeo), 'unknown')
  assert.equal(await state(world, romeo, nurse), 'unknown')
})

test('a request that is taken back while its presentity is loaded is none', async () => {
  const world = await createWorld({ accounts: [romeo, nurse] })
  const { contacts, directory } = world.service
  await resident(world, nurse)
  contacts.ask(at(romeo), at(nurse), undefined, () => {})
  directory.forget(await resident(world, nurse))
  contacts.giveUp(at(romeo), at(nurse), undefined, () => {})
  assert.equal(await state(world, nurse, romeo), 'unknown')
  assert.equal(await state(world, romeo, nurse), 'none')
})

test('who asked behind a polite block waits once that is gone, and is let in when its request is granted', async () => {
  const world = await createWorld({ accounts: [romeo, nurse] })
  const { contacts, presence } = world.service
  const rule = (action: 'polite-block' | 'confirm'): Promise<string> =>
    outcomeOf((told) => contacts.setRule(at(nurse), { subject: romeo, action, visibility: 'full' }, told))
  await rule('polite-block')
  await outcomeOf((told) => contacts.ask(at(romeo), at(nurse), undefined, told))
  assert.equal(await state(world, romeo, nurse), 'to', 'so it is told (RFC 2779 5.1.15)')
  await rule('confirm')
  await outcomeOf((told) => contacts.ask(at(romeo), at(nurse), undefined, told))
  assert.equal(await state(world, nurse, romeo), 'pendingIn unlisted')
  presence.watchContacts(await resident(world, romeo), new Watcher(romeo))
  assert.equal(await state(world, romeo, nurse), 'pendingOut')
  await outcomeOf((told) => contacts.approve(at(nurse), at(romeo), undefined, told))
  assert.equal(await state(world, romeo, nurse), 'to')
  assert.equal(await state(world, nurse, romeo), 'from')
})
