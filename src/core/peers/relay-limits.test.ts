// How much may wait for other domains.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { after, mercutio, queuedIds, relayStage, toJuliet, word } from '../testing/relay-stage.ts'
import { namedWay } from './peers.ts'

test('LIMIT: queues of a domain and of all together; past them the sender is refused', async () => {
  const world = await relayStage({ policy: { relay: { queueLengthMax: 2, queuesLengthMax: 3 } } })
  world.link.up = false
  const far = world.protocol.linkTo('montague.example')
  world.protocol.reached.set('montague.example', namedWay)
  far.up = false
  const words = []
  for (const id of ['1', '2', '3']) words.push(await word(world, id))
  for (const id of ['4', '5']) words.push(await word(world, id, { to: 'benvolio@montague.example' }))
  assert.deepEqual(words, ['stored', 'stored', 'resource-limit', 'stored', 'resource-limit'])
  world.link.up = true
  await after(world, 5_000)
  assert.deepEqual(await queuedIds(world), [])
  assert.equal(await word(world, '6', { to: 'benvolio@montague.example' }), 'stored')
})

test('LIMIT: octets of a domain, of all together and of one sender; past them the sender is refused', async () => {
  const size = toJuliet('1').raw.length
  const rows: [object, string[]][] = [
    [{ queueOctetsMax: 2 * size }, ['stored', 'stored', 'resource-limit', 'resource-limit']],
    [{ queuesOctetsMax: 3 * size }, ['stored', 'stored', 'stored', 'resource-limit']],
    [{ senderOctetsMax: 2 * size }, ['stored', 'stored', 'resource-limit', 'stored']],
  ]
  for (const [relay, expected] of rows) {
    const world = await relayStage({ policy: { relay } })
    world.link.up = false
    const words = []
    for (const id of ['1', '2', '3']) words.push(await word(world, id))
    words.push(await word(world, '4', { from: mercutio }))
    assert.deepEqual(words, expected)
    world.link.up = true
    await after(world, 5_000)
    world.link.up = false
    assert.equal(await word(world, '5'), 'stored', 'what was handed on is not counted')
    // What waits since before a restart is.
    await world.service.relay.stop()
    const later = await relayStage({ accounts: [], store: () => world.store, policy: { relay } })
    await later.service.relay.load()
    assert.equal((await later.store.queuedDomains())[0]?.octets, size)
  }
})

test('LIMIT: what one sender has waiting for all domains; others are not refused, nor is it later', async () => {
  const world = await relayStage({ policy: { relay: { senderLengthMax: 2 } } })
  world.link.up = false
  const far = world.protocol.linkTo('montague.example')
  world.protocol.reached.set('montague.example', namedWay)
  far.up = false
  const words = [await word(world, '1'), await word(world, '2', { to: 'benvolio@montague.example' })]
  words.push(await word(world, '3'), await word(world, '4', { from: mercutio }))
  assert.deepEqual(words, ['stored', 'stored', 'resource-limit', 'stored'])
  world.link.up = true
  await after(world, 5_000)
  world.link.up = false
  assert.equal(await word(world, '5'), 'stored')
})
