// The pace of what goes to one other domain: its share, what waited for it, and a queue that ends though people go on writing.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { delivered } from '#model'
import { type PeerPolicy, type PeerShare, relayDefaults } from '../index.ts'
import { welcome } from '../testing/peers.ts'
import {
  after,
  juliet,
  queuedIds,
  type RelayStage,
  relayStage,
  romeo,
  toJuliet,
  word,
} from '../testing/relay-stage.ts'
import { settled } from '../testing/world.ts'

const far = 'capulet.example'

/** Times at which the other domain took something. */
function timesOf(world: RelayStage): number[] {
  const times: number[] = []
  world.link.onSend = (_, tell) => {
    times.push(world.clock.monotonic())
    tell(delivered)
  }
  return times
}

/** The most that came within any second. */
function busiestSecond(times: readonly number[]): number {
  let most = 0
  for (let first = 0, last = 0; last < times.length; last++) {
    while ((times[last] as number) - (times[first] as number) >= 1000) first++
    most = Math.max(most, last - first + 1)
  }
  return most
}

function limitedTo(to: PeerShare): ReadonlyMap<string, PeerPolicy> {
  return new Map([[far, { ...welcome, shares: { to } }]])
}

const tenASecond = limitedTo({ perSecondMax: 10, octetsPerSecondMax: undefined })

test('to a domain with a share: what is more waits in its queue, is stored, and goes in order as the share allows', async () => {
  const world = await relayStage({ peerTable: { domains: tenASecond } })
  const times = timesOf(world)
  const words: string[] = []
  for (let n = 0; n < 40; n++) words.push(await word(world, `${n}`))
  assert.deepEqual(words.slice(0, 11), [...Array<string>(10).fill('delivered'), 'stored'])
  for (let turn = 0; turn < 60 && times.length < 40; turn++) await after(world, 100)
  assert.deepEqual(
    world.link.takenIds,
    Array.from({ length: 40 }, (_, n) => `${n}`),
  )
  assert.ok(busiestSecond(times) <= 20, `${busiestSecond(times)} in a second: a burst, and a second’s share`)
  assert.ok((times.at(-1) as number) - (times[0] as number) >= 2900)
  assert.deepEqual(await queuedIds(world), [])
  assert.equal(await word(world, 'last'), 'stored')
  await after(world, 1000)
  await after(world, 1000)
  assert.equal(await word(world, 'direct'), 'delivered', 'once the share allows, nothing waits')
})

test('octets have a share too', async () => {
  const world = await relayStage({
    peerTable: { domains: limitedTo({ perSecondMax: undefined, octetsPerSecondMax: 100 }) },
  })
  const times = timesOf(world)
  assert.equal(await word(world, 'long', { text: 'a'.repeat(1000) }), 'delivered')
  assert.equal(await word(world, 'short'), 'stored')
  for (let turn = 0; turn < 12; turn++) await after(world, 1000)
  assert.equal(times.length, 2)
  assert.ok((times[1] as number) - (times[0] as number) >= 9000)
})

test('what may not wait is refused as too much at a time, and the operator sees both', async () => {
  const world = await relayStage({
    peerTable: { domains: limitedTo({ perSecondMax: 1, octetsPerSecondMax: undefined }) },
  })
  assert.equal(await word(world, '1'), 'delivered')
  assert.equal(await word(world, 'hint', { whenAbsent: 'drop' }), 'rate-exceeded')
  assert.equal(await word(world, '2'), 'stored')
  assert.deepEqual(world.service.shares.countsOf(far), { slowed: 0, refused: 1, delayed: 0, queued: 1 })
})

test('after an hour away a domain gets what waited at a pace, and what is written meanwhile beside it', async () => {
  const world = await relayStage({ policy: { relay: { handOverPerSecondMax: 50, retryMax: 10_000 } } })
  world.link.keepsOrder = true
  world.link.up = false
  for (let n = 0; n < 400; n++) await word(world, `${n}`)
  for (let minute = 0; minute < 60; minute++) await after(world, 60_000)
  world.link.up = true
  const times = timesOf(world)
  let written = 400
  for (let tick = 0; tick < 3000 && world.link.taken.length < written; tick++) {
    // Ten a second go on.
    if (tick % 10 === 0 && times.length > 0) {
      world.service.messages.send(toJuliet(`${written++}`), () => {})
    }
    await after(world, 10)
  }
  assert.deepEqual(
    world.link.takenIds,
    Array.from({ length: written }, (_, n) => `${n}`),
  )
  assert.ok(busiestSecond(times) <= 2 * 50 + 10, `${busiestSecond(times)} in a second`)
})

test('under a steady load a queue ends: then nothing is stored any more', async () => {
  const world = await relayStage()
  world.link.keepsOrder = true
  world.link.up = false
  for (let n = 0; n < 20; n++) await word(world, `${n}`)
  world.link.up = true
  world.link.onSend = (_, tell) => void world.clock.schedule(40, () => tell(delivered))
  let written = 20
  for (let tick = 0; tick < 1000; tick++) {
    // Always something under way: a message each 10 ms, each of which takes 40.
    world.service.messages.send(toJuliet(`${written++}`), () => {})
    await after(world, 10)
  }
  assert.deepEqual(await queuedIds(world), [])
  const last = word(world, 'last')
  for (let tick = 0; tick < 20; tick++) await after(world, 10)
  assert.equal(await last, 'delivered')
  assert.deepEqual(world.link.takenIds, [...Array.from({ length: written }, (_, n) => `${n}`), 'last'])
})

test('LIMIT: what a queue that ends holds in memory; more is stored', async () => {
  const world = await relayStage({ policy: { relay: { senderLengthMax: 10_000 } } })
  world.link.up = false
  await word(world, 'first')
  world.link.up = true
  let release = (): void => {}
  world.link.onSend = (_, tell) => {
    release = () => tell(delivered)
  }
  await after(world, 5000)
  const outcomes: string[] = []
  for (let n = 0; n < 1001; n++)
    world.service.messages.send(toJuliet(`${n}`, { to: `juliet${n}@capulet.example` }), (outcome) =>
      outcomes.push(outcome.kind),
    )
  await settled()
  assert.equal((await world.store.queued(far, 0, 10_000)).length, 1002)
  world.link.onSend = (_, tell) => tell(delivered)
  release()
  for (let turn = 0; turn < 100 && world.link.taken.length < 1002; turn++) await after(world, 100)
  assert.equal(new Set(world.link.takenIds).size, 1002)
  assert.deepEqual(new Set(outcomes), new Set(['stored']))
})

test('what a queue that ends holds in memory is stored when the server stops, though nobody has answered', async () => {
  const world = await relayStage()
  world.link.up = false
  await word(world, 'first')
  world.link.up = true
  world.link.onSend = () => {}
  await after(world, 5000)
  world.service.messages.send(toJuliet('held', { to: `nurse@${far}` }), () => {})
  await settled()
  assert.deepEqual(await queuedIds(world), ['first'])
  const stopped = world.service.relay.stop()
  await after(world, 5000)
  await stopped
  await settled()
  assert.deepEqual(await queuedIds(world), ['first', 'held'])
})

test('domains that were waited for at a start are tried one after another, however many', async () => {
  const world = await relayStage()
  for (let n = 0; n < 1000; n++) {
    const { head, raw } = toJuliet(`${n}`, { from: romeo, to: juliet }).keep()
    await new Promise<void>((resolve) =>
      world.store.enqueue(`d${n}.example`, { head, raw }, world.clock.now(), () => resolve()),
    )
  }
  await world.service.relay.load()
  world.service.relay.start()
  const tried: number[] = []
  for (let second = 0; second < 20; second++) {
    const before = world.protocol.asked.length
    await after(world, 1000)
    tried.push(world.protocol.asked.length - before)
  }
  assert.ok(Math.max(...tried.slice(1)) <= 150, `${tried}`)
  assert.ok(relayDefaults.retryFirst < 20_000)
})
