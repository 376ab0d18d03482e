// What becomes of messages that waited, told by the protocol of their sender before they leave the disk (decision 0144).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Outcome, refused } from '#model'
import { accepted } from '../agents.ts'
import { Device, declined, saysNo } from '../testing/devices.ts'
import { at, message, testProtocol } from '../testing/envelopes.ts'
import { after, queuedIds, relayStage, word } from '../testing/relay-stage.ts'
import { createWorld, resident, send, settled, signIn, type World, wordOf } from '../testing/world.ts'

const romeo = 'romeo@verona.example'
const juliet = 'juliet@verona.example'

/** What is told, and who waits for that. */
function listening(world: World): { heard: string[]; told: (() => void)[] } {
  const heard: string[] = []
  const told: (() => void)[] = []
  world.service.late.listen(testProtocol, ({ head }, outcome, since, done) => {
    assert.ok(since <= world.clock.now())
    heard.push(`${head.id} ${wordOf(outcome)}`)
    if (head.id !== 'mute') told.push(done)
    return head.id !== 'mute'
  })
  return { heard, told }
}

async function waiting({ store }: World): Promise<number> {
  return (await store.undelivered(at(juliet), 0, 10)).length
}

for (const [answer, outcome] of [
  [accepted, 'delivered'],
  [saysNo('permission-denied'), 'permission-denied'],
] as const) {
  test(`a message that waited and is ${outcome} leaves when that is told, and is not offered meanwhile`, async () => {
    const world = await createWorld({ accounts: [romeo, juliet] })
    const { heard, told } = listening(world)
    await send(world, message({ from: romeo, to: juliet, id: '1' }))
    const device = new Device(juliet)
    device.onDeliver = (_envelope, _context, tell) => tell(answer)
    const account = await signIn(world, device)
    await settled()
    assert.deepEqual([heard, await waiting(world)], [[`1 ${outcome}`], 1])
    world.service.messages.ready(account)
    await settled()
    assert.equal(device.received.length, 1)
    told.shift()?.()
    await settled()
    assert.equal(await waiting(world), 0)
    assert.equal((await resident(world, juliet)).undelivered, 0)
  })
}

test('nothing is told of what is declined, and where there is no word for it the entry leaves at once', async () => {
  const world = await createWorld({ accounts: [romeo, juliet] })
  const { heard } = listening(world)
  await send(world, message({ from: romeo, to: juliet, id: 'mute' }))
  const device = new Device(juliet)
  device.onDeliver = (_envelope, _context, tell) => tell(declined())
  const account = await signIn(world, device)
  await settled()
  assert.deepEqual(heard, [])
  device.onDeliver = (_envelope, _context, tell) => tell(accepted)
  world.service.messages.ready(account)
  await settled()
  assert.deepEqual([heard, await waiting(world)], [['mute delivered'], 0])
})

for (const [what, outcome] of [
  ['delivered', { kind: 'delivered' }],
  ['target-unknown', refused('target-unknown')],
] as const satisfies readonly (readonly [string, Outcome])[]) {
  test(`what waited for another domain and is ${what} leaves its queue when that is told`, async () => {
    const world = await relayStage()
    const { heard, told } = listening(world)
    world.link.up = false
    await word(world, '1')
    world.link.up = true
    world.link.onSend = (_, tell) => tell(outcome)
    await after(world, 10_000)
    assert.deepEqual([heard, await queuedIds(world)], [[`1 ${what}`], ['1']])
    told.shift()?.()
    await settled()
    assert.deepEqual(await queuedIds(world), [])
  })
}
