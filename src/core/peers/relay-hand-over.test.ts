// What waits for other domains: in which order it goes, when it is tried, and how it ends.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { delivered, type Outcome, refused } from '#model'
import { Device } from '../testing/devices.ts'
import { failingStore } from '../testing/failing-store.ts'
import { welcome } from '../testing/peers.ts'
import { after, nurse, queuedIds, relayStage, reportsOf, romeo, word } from '../testing/relay-stage.ts'
import { settled, signIn } from '../testing/world.ts'

const day = 24 * 3600 * 1000

test('what waits is handed over in order once the domain is there, those that come meanwhile behind it', async () => {
  const world = await relayStage()
  world.link.up = false
  for (const id of ['1', '2', '3']) assert.equal(await word(world, id), 'stored')
  world.link.up = true
  assert.equal(await word(world, '4'), 'stored', 'it waits behind those before it')
  await after(world, 5_000)
  assert.deepEqual(world.link.takenIds, ['1', '2', '3', '4'])
  assert.deepEqual(await queuedIds(world), [])
  assert.equal(await word(world, '5'), 'delivered')
})

test('handing over goes pair by pair in order, at most sixteen pairs side by side', async () => {
  const world = await relayStage()
  world.link.up = false
  for (let pair = 0; pair < 20; pair++) {
    for (const n of [1, 2]) await word(world, `${pair}-${n}`, { to: `p${pair}@capulet.example` })
  }
  world.link.up = true
  const answers: (() => void)[] = []
  world.link.onSend = (_, tell) => answers.push(() => tell(delivered))
  const before = world.link.offered.length
  await after(world, 5_000)
  assert.equal(world.link.offered.length - before, 16)
  while (answers.length > 0) {
    answers.shift()?.()
    await settled()
  }
  assert.equal(world.link.taken.length, 40)
  for (let pair = 0; pair < 20; pair++) {
    const own = world.link.takenIds.filter((id) => id.startsWith(`${pair}-`))
    assert.deepEqual(own, [`${pair}-1`, `${pair}-2`])
  }
})

test('more than a page of the queue is handed over, and what came while it was', async () => {
  const world = await relayStage()
  world.link.up = false
  for (let n = 0; n < 250; n++) await word(world, `${n}`)
  world.link.up = true
  let during: Promise<string> | undefined
  world.link.onSend = (_, tell) => {
    during ??= word(world, 'during')
    tell(delivered)
  }
  await after(world, 5_000)
  for (let turn = 0; turn < 200 && world.link.taken.length < 251; turn++) await after(world, 10)
  assert.equal(await during, 'stored')
  assert.deepEqual(world.link.takenIds, [...Array.from({ length: 250 }, (_, n) => `${n}`), 'during'])
})

test('back-off doubles from the first wait to the most, with a random half; any success begins it anew', async () => {
  const world = await relayStage({
    policy: { relay: { retryFirst: 1_000, retryMax: 8_000 } },
  })
  world.link.up = false
  await word(world, 'm1')
  // The world's chance is a half: three quarters of each wait.
  for (const wait of [750, 1500, 3000, 6000, 6000]) {
    assert.equal(world.clock.nextDue(), world.clock.now() + wait)
    const tries = world.link.offered.length
    await after(world, wait)
    assert.equal(world.link.offered.length, tries + 1)
  }
  await word(world, 'm2', { to: nurse })
  world.link.up = true
  world.link.onSend = ({ head }, tell) => tell(head.id === 'm1' ? delivered : refused('connection-failed'))
  await after(world, 6000)
  assert.deepEqual(await queuedIds(world), ['m2'])
  assert.equal(world.clock.nextDue(), world.clock.now() + 750)
})

test('what waits too long is offered once more and then reported to its sender as failed', async () => {
  const world = await relayStage({ policy: { relay: { expiry: 2 * day } } })
  const device = new Device(romeo)
  await signIn(world, device)
  world.link.up = false
  world.link.whenDown = 'remote-timeout'
  await word(world, 'old')
  await after(world, day)
  await word(world, 'younger')
  const reports = (): unknown[] => reportsOf(device)
  const tries = world.link.offered.length
  for (let hours = 0; hours < 25; hours++) await after(world, 3600 * 1000)
  assert.ok(world.link.offered.length > tries)
  assert.deepEqual(reports(), [{ about: 'old', event: 'failed', condition: 'remote-timeout' }])
  assert.deepEqual(await queuedIds(world), ['younger'])
  for (let hours = 0; hours < 25; hours++) await after(world, 3600 * 1000)
  assert.equal(reports().length, 2)
  assert.deepEqual(await world.service.relay.status(), [])
  assert.equal(world.clock.nextDue(), undefined, 'nothing waits, nothing is tried')
})

test('an expired report is reported to nobody', async () => {
  const world = await relayStage({ policy: { relay: { expiry: day } } })
  const device = new Device(romeo)
  await signIn(world, device)
  world.link.up = false
  await word(world, 'receipt', { kind: 'report' })
  for (let hours = 0; hours < 25; hours++) await after(world, 3600 * 1000)
  assert.deepEqual([reportsOf(device), await queuedIds(world)], [[], []])
})

test('a refusal while handing over is reported with its condition, and those behind it go on', async () => {
  const world = await relayStage()
  const device = new Device(romeo)
  await signIn(world, device)
  world.link.up = false
  for (const id of ['1', '2', '3']) await word(world, id)
  world.link.up = true
  world.link.onSend = ({ head }, tell) => tell(head.id === '2' ? refused('mailbox-full') : delivered)
  await after(world, 5_000)
  assert.deepEqual(world.link.takenIds, ['1', '3'])
  assert.deepEqual(reportsOf(device), [{ about: '2', event: 'failed', condition: 'mailbox-full' }])
})

test('after a restart what waits is tried again, soon, and later messages are behind it', async () => {
  const before = await relayStage()
  before.link.up = false
  for (const id of ['1', '2']) await word(before, id)
  await before.service.relay.stop()
  const world = await relayStage({ accounts: [], store: () => before.store })
  await world.service.relay.load()
  world.service.relay.start()
  assert.equal(await word(world, '3'), 'stored')
  await after(world, 5_000)
  assert.deepEqual(world.link.takenIds, ['1', '2', '3'])
})

test('a server that stops stores what its links give back, and tries no more', async () => {
  const world = await relayStage()
  let giveBack: ((outcome: Outcome) => void) | undefined
  world.link.onSend = (_, tell) => {
    giveBack = tell
  }
  const outcome = word(world, 'm1')
  await settled()
  const stopped = world.service.relay.stop()
  giveBack?.(refused('connection-failed'))
  await stopped
  assert.equal(await outcome, 'stored')
  assert.equal(world.clock.nextDue(), undefined)
})

test('a stop waits for a hand-over that is under way, but not for ever', async () => {
  const world = await relayStage()
  world.link.up = false
  await word(world, 'm1')
  world.link.up = true
  world.link.onSend = () => {}
  await after(world, 5_000)
  let stopped = false
  void world.service.relay.stop().then(() => {
    stopped = true
  })
  await settled()
  assert.equal(stopped, false)
  await after(world, 5_000)
  assert.equal(stopped, true)
  assert.deepEqual(await queuedIds(world), ['m1'])
})

test('a disk that takes nothing: the sender is refused and the domain has no queue', async () => {
  const failing = failingStore('enqueue')
  const world = await relayStage({ store: failing.through })
  world.link.up = false
  failing.fault = new Error('disk full')
  assert.equal(await word(world, 'm1'), 'internal-fault')
  assert.deepEqual([await world.service.relay.status(), world.clock.nextDue()], [[], undefined])
  failing.fault = undefined
  assert.equal(await word(world, 'm2'), 'stored')
})

test('what was handed over and could not be taken out of the queue is not offered again', async () => {
  const failing = failingStore('dequeue')
  const world = await relayStage({ store: failing.through })
  world.link.up = false
  for (const id of ['1', '2']) await word(world, id)
  world.link.up = true
  failing.fault = new Error('disk full')
  await after(world, 5_000)
  assert.deepEqual(
    [world.link.takenIds, await queuedIds(world)],
    [
      ['1', '2'],
      ['1', '2'],
    ],
  )
  failing.fault = undefined
  await after(world, 300_000)
  assert.deepEqual([world.link.takenIds, await queuedIds(world)], [['1', '2'], []])
})

test('what no protocol here can revive stays until it expires, and those behind it go on', async () => {
  const world = await relayStage({ policy: { relay: { expiry: day } } })
  const device = new Device(romeo)
  await signIn(world, device)
  world.link.up = false
  await word(world, 'odd', { protocol: 'gone' })
  await word(world, 'm1')
  world.link.up = true
  await after(world, 5_000)
  assert.deepEqual([world.link.takenIds, await queuedIds(world)], [['m1'], ['odd']])
  for (let hours = 0; hours < 25; hours++) await after(world, 3600 * 1000)
  assert.deepEqual(await queuedIds(world), [])
  assert.deepEqual(reportsOf(device), [{ about: 'odd', event: 'failed', condition: 'remote-timeout' }])
})

test('a retry is made at once when it is asked for; a drop reports all that waits', async () => {
  const world = await relayStage()
  const device = new Device(romeo)
  await signIn(world, device)
  const { relay } = world.service
  assert.deepEqual([relay.retry('capulet.example'), await relay.drop('capulet.example')], [false, 0])
  world.link.up = false
  for (const id of ['1', '2']) await word(world, id)
  const [status] = await relay.status()
  const [now, nextTry] = [world.clock.now(), world.clock.nextDue()]
  const expected = {
    domain: 'capulet.example',
    length: 2,
    oldest: now,
    nextTry,
    condition: 'connection-failed',
  }
  assert.deepEqual(status, expected)
  assert.equal(await relay.drop('capulet.example'), 2)
  await settled()
  assert.deepEqual(
    reportsOf(device),
    ['1', '2'].map((about) => ({ about, event: 'failed', condition: 'connection-failed' })),
  )
  assert.deepEqual(await relay.status(), [])
  await word(world, '3')
  world.link.up = true
  assert.equal(relay.retry('capulet.example'), true)
  await settled()
  assert.deepEqual(world.link.takenIds, ['3'])
})

test('a domain that is heard of while a hand-over to it fails is tried again at once, and once', async () => {
  const world = await relayStage()
  world.link.up = false
  for (const id of ['1', '2']) await word(world, id)
  world.link.up = true
  world.link.offered.length = 0
  world.link.onSend = (_, tell) => {
    world.service.relay.retry('capulet.example')
    world.link.onSend = (_, tellAgain) => tellAgain(refused('connection-failed'))
    tell(refused('connection-failed'))
  }
  await after(world, 5_000)
  assert.equal(world.link.offered.length, 2)
  world.link.onSend = (_, tell) => tell(delivered)
  await after(world, 10_000)
  assert.deepEqual([world.link.takenIds, await queuedIds(world)], [['1', '2'], []])
})

test('a drop while messages are handed over ends the hand-over first', async () => {
  const world = await relayStage()
  world.link.up = false
  for (const id of ['1', '2', '3']) await word(world, id)
  world.link.up = true
  let answer: (() => void) | undefined
  world.link.onSend = (_, tell) => {
    answer = () => tell(delivered)
  }
  await after(world, 5_000)
  const dropped = world.service.relay.drop('capulet.example')
  await settled()
  answer?.()
  assert.equal(await dropped, 2)
  assert.deepEqual([world.link.takenIds, await queuedIds(world)], [['1'], []])
})

test('a domain that policy forbids since: what waits for it is reported', async () => {
  const before = await relayStage()
  before.link.up = false
  await word(before, 'm1')
  await before.service.relay.stop()
  const world = await relayStage({
    accounts: [],
    store: () => before.store,
    peerTable: { strangers: { ...welcome, allowed: false } },
  })
  const device = new Device(romeo)
  await signIn(world, device)
  await world.service.relay.load()
  world.service.relay.start()
  await after(world, 5_000)
  assert.deepEqual(reportsOf(device), [{ about: 'm1', event: 'failed', condition: 'permission-denied' }])
  assert.deepEqual(await queuedIds(world), [])
})
