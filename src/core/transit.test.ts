import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Device } from './testing/devices.ts'
import { at, message, type Sketch } from './testing/envelopes.ts'
import { createWorld, outcomeOf, signIn } from './testing/world.ts'

const romeo = 'romeo@verona.example'
const juliet = 'juliet@verona.example'

type Row = [name: string, sketch: Partial<Sketch>, outcome: string]

const rows: Row[] = [
  ['to the device named', { toAgent: 'phone' }, 'delivered'],
  ['to a device that is not there', { toAgent: 'tomb' }, 'temporarily-unavailable'],
  ['to no device', { toAgent: '' }, 'temporarily-unavailable'],
  ['to a device of another protocol', { toAgent: 'phone', protocol: 'other' }, 'temporarily-unavailable'],
  ['to nobody', { to: 'nobody@verona.example', toAgent: 'phone' }, 'target-unknown'],
  ['to nowhere', { to: 'tybalt@elsewhere.example', toAgent: 'phone' }, 'domain-unknown'],
  [
    'from one foreign domain to another',
    { from: 'iago@venice.example', to: 'tybalt@elsewhere.example' },
    'permission-denied',
  ],
  ['with no hops left', { toAgent: 'phone', hops: 0 }, 'too-many-hops'],
  ['from one who is blocked', { toAgent: 'phone', from: 'paris@verona.example' }, 'permission-denied'],
]

for (const loaded of [true, false]) {
  for (const [name, sketch, outcome] of rows) {
    test(`transit ${name}, the account ${loaded ? 'in memory' : 'at rest'}`, async () => {
      const world = await createWorld({ accounts: [romeo, juliet] })
      const phone = new Device(juliet, 'phone')
      const account = await signIn(world, phone)
      await outcomeOf((told) =>
        world.service.contacts.setRule(
          at(juliet),
          { subject: 'paris@verona.example', action: 'block', visibility: 'full' },
          told,
        ),
      )
      if (!loaded) world.service.directory.forget(account)
      const envelope = message({ from: romeo, to: juliet, kind: 'transit', text: 'iq', ...sketch })
      const told = outcomeOf((told) => world.service.transit.forward(envelope, told))
      envelope.poison()
      // An account at rest has no device.
      const expected = !loaded && outcome === 'delivered' ? 'temporarily-unavailable' : outcome
      assert.equal(await told, expected)
      assert.deepEqual(phone.texts, expected === 'delivered' ? ['iq'] : [])
    })
  }
}
