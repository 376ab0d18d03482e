import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Device, stateOf, Watcher } from '../testing/devices.ts'
import { at, presence } from '../testing/envelopes.ts'
import { createWorld, outcomeOf, resident, settled, signIn, wordOf } from '../testing/world.ts'

const romeo = 'romeo@verona.example'
const juliet = 'juliet@verona.example'

test('a removed account is gone for its devices, its watchers and its contacts', async () => {
  const world = await createWorld({ accounts: [romeo, juliet] })
  const { contacts, presence: service, accounts, messages } = world.service
  for (const [one, other] of [
    [romeo, juliet],
    [juliet, romeo],
  ] as const) {
    await outcomeOf((told) => contacts.ask(at(one), at(other), undefined, told))
    await outcomeOf((told) => contacts.approve(at(other), at(one), undefined, told))
  }
  const phone = new Device(juliet)
  await signIn(world, phone)
  await outcomeOf((told) =>
    service.publish(
      {
        presentity: at(juliet),
        by: at(juliet),
        tuple: 'phone',
        source: presence(juliet, 'here'),
        seconds: 60,
      },
      told,
    ),
  )
  const session = new Watcher(romeo)
  service.watchContacts(await resident(world, romeo), session)
  const leased = new Watcher(romeo)
  await outcomeOf((told) =>
    service.subscribe(
      { id: 's1', watcher: at(romeo), presentity: at(juliet), seconds: 60, agent: leased },
      told,
    ),
  )
  session.take()
  leased.take()
  assert.equal(wordOf(await accounts.remove(at(juliet))), 'done')
  await settled()
  assert.equal(phone.signedOut, true)
  assert.deepEqual(session.take(), [`${juliet} full: removed phone`])
  assert.ok(leased.take().includes('terminated s1 noresource'))
  const left = (await resident(world, romeo)).contacts.get(juliet)
  assert.equal(left === undefined ? '' : stateOf(left), 'none')
  assert.equal(world.service.leases.size.active, 0)
  assert.equal(wordOf(await accounts.remove(at(juliet))), 'target-unknown')
  assert.equal(await outcomeOf((told) => contacts.put(at(juliet), at(romeo), '', [], told)), 'target-unknown')
  messages.attach(new Device(juliet), (attached) =>
    assert.equal('kind' in attached && wordOf(attached), 'target-unknown'),
  )
  await settled()
  assert.deepEqual(world.faults, [])
})

test('an account that cannot be loaded is not taken for one that is not there', async () => {
  const world = await createWorld({
    accounts: [juliet],
    store: (store) => ({
      ...store,
      accountState: () => Promise.reject(new Error('the disk is away')),
    }),
  })
  await assert.rejects(world.service.accounts.remove(at(juliet)), { condition: 'internal-fault' })
})
