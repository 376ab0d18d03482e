// Relays of other domains that have proven nothing, or say what is not theirs to say (RFC 3340 §4.4.2, §4.5.2).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Resolver } from '#net'
import { type Fixture, fixture } from '../testing/fixture.ts'
import { data, Hand } from '../testing/hand.ts'
import { Mesh } from './mesh.ts'

async function stranger(): Promise<{ world: Fixture; hand: Hand; mesh: Mesh }> {
  const world = await fixture()
  const mesh = new Mesh({
    relay: world.relay,
    tls: { secureContext: () => assert.fail('not in memory') },
    others: {
      resolver: { addresses: async () => ['192.0.2.1'] } as unknown as Resolver,
      routeTo: () => ({ servers: ['nowhere.example'], tls: 'verified' }),
    },
    dial: () => Promise.reject(new Error('no road')),
  })
  world.relay.mesh = mesh
  const edge = { serve: (connection: Parameters<Mesh['accept']>[0]) => mesh.accept(connection) }
  return { world, mesh, hand: new Hand({ ...world, edge: edge as Fixture['edge'] }) }
}

const rows: readonly (readonly [string, string, string])[] = [
  ['binds without a certificate', "<bind relay='rubble.com' transID='1' />", '537'],
  ['binds as a domain of ours', "<bind relay='example.com' transID='1' />", '537'],
  ['attaches', "<attach endpoint='fred@example.com' transID='1' />", '537'],
  ['sends without a binding', data('betty@rubble.com', 'fred@example.com', '<a />'), '537'],
  ['speaks as one of our people', data('barney@example.com', 'fred@example.com', '<a />'), '537'],
  ['reports as our service', data('apex=report@example.com', 'fred@example.com', '<a />'), '537'],
  ['terminates what is not', "<terminate transID='7' />", '550'],
  ['sends a reply', '<ok />', '501'],
]

for (const [what, document, code] of rows) {
  test(`a stranger that ${what}: ${code}`, async () => {
    const { hand } = await stranger()
    await hand.open(1)
    assert.match(await hand.say(document, 1), new RegExp(`^<error code='${code}'`))
  })
}

test('a bind that rides in the start is refused inside its reply', async () => {
  const { hand } = await stranger()
  assert.match(await hand.open(1, "<bind relay='rubble.com' transID='1' />"), /code='537'/)
})

test('a relay that cannot be reached is told of in the status, and what was to go there is to be offered again', async () => {
  const { mesh, world } = await stranger()
  const outcomes: unknown[] = []
  mesh.pass({ body: new Uint8Array(0) }, 'example.com', 'rubble.com', (outcome) => outcomes.push(outcome))
  for (let turn = 0; outcomes.length === 0 && turn < 50; turn++)
    await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(outcomes, [{ kind: 'refused', condition: 'connection-failed' }])
  assert.match(mesh.status()[0]?.lastError ?? '', /192.0.2.1:912: no road/)
  assert.ok(world.relay.mesh)
})
