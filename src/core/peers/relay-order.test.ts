// The order of what goes by a link that keeps it: one behind the other, whatever comes back, and when.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { delivered, type Outcome, refused } from '#model'
import { after, queuedIds, relayStage, word } from '../testing/relay-stage.ts'
import { settled } from '../testing/world.ts'

test('by a link that keeps the order a pair’s messages follow each other without waiting for outcomes; none follows one that comes back', async () => {
  const world = await relayStage()
  world.link.keepsOrder = true
  world.link.up = false
  for (const id of ['1', '2', '3', '4']) await word(world, id)
  world.link.up = true
  const answers: ((outcome: Outcome) => void)[] = []
  world.link.onSend = (_, tell) => void answers.push(tell)
  world.link.offered.length = 0
  await after(world, 5_000)
  assert.equal(world.link.offered.length, 4)
  answers[0]?.(delivered)
  answers[1]?.(refused('mailbox-full'))
  for (const answer of answers.slice(2)) answer(refused('connection-failed'))
  await settled()
  assert.deepEqual(await queuedIds(world), ['3', '4'])
  assert.equal(await word(world, '5'), 'stored')
  world.link.onSend = (_, tell) => tell(delivered)
  world.link.taken.length = 0
  await after(world, 5_000)
  assert.deepEqual(world.link.takenIds, ['3', '4', '5'])
})

test('messages that a link refuses while they are handed over stop it at once, though others are under way', async () => {
  const world = await relayStage()
  world.link.keepsOrder = true
  world.link.up = false
  for (const id of ['1', '2', '3']) await word(world, id)
  world.link.up = true
  const answers: (() => void)[] = []
  world.link.onSend = ({ head }, tell) => {
    if (head.id === '2') tell(refused('connection-failed'))
    else answers.push(() => tell(delivered))
  }
  world.link.offered.length = 0
  await after(world, 5_000)
  assert.deepEqual(
    world.link.offered.map(({ head }) => head.id),
    ['1', '2'],
  )
  for (const answer of answers) answer()
  await settled()
  assert.deepEqual(await queuedIds(world), ['2', '3'])
})

test('what a link gives back late is stored before what was sent after it, whatever was stored meanwhile', async () => {
  const world = await relayStage()
  world.link.keepsOrder = true
  const answers = new Map<string, (outcome: Outcome) => void>()
  world.link.onSend = ({ head }, tell) => {
    // As where no more may wait for a stream: refused at once, while those before it still wait.
    if (head.id === '3') tell(refused('connection-failed'))
    else answers.set(head.id, tell)
  }
  const words = ['1', '2', '3', '4', '5'].map((id) => word(world, id))
  await settled()
  assert.deepEqual([...answers.keys()], ['1', '2'])
  assert.deepEqual(await queuedIds(world), [])
  answers.get('1')?.(delivered)
  answers.get('2')?.(refused('connection-failed'))
  assert.deepEqual(await Promise.all(words), ['delivered', 'stored', 'stored', 'stored', 'stored'])
  assert.deepEqual(await queuedIds(world), ['2', '3', '4', '5'])
  world.link.onSend = (_, tell) => tell(delivered)
  world.link.taken.length = 0
  await after(world, 10_000)
  assert.deepEqual(world.link.takenIds, ['2', '3', '4', '5'])
})

test('LIMIT: a megabyte is under way at a time, and one that is larger goes alone', async () => {
  const world = await relayStage({ policy: { relay: { senderOctetsMax: 100_000_000 } } })
  world.link.keepsOrder = true
  world.link.up = false
  const body = 'x'.repeat(400_000)
  for (const id of ['1', '2', '3', '4', '5']) await word(world, id, { text: body })
  await word(world, 'large', { text: 'x'.repeat(1_500_000) })
  world.link.up = true
  const answers: (() => void)[] = []
  let underWayMax = 0
  world.link.onSend = (_, tell) => {
    answers.push(() => tell(delivered))
    underWayMax = Math.max(underWayMax, answers.length)
  }
  await after(world, 5_000)
  assert.equal(answers.length, 2)
  while (answers.length > 0) {
    answers.shift()?.()
    await settled()
  }
  assert.deepEqual([underWayMax, world.link.takenIds], [2, ['1', '2', '3', '4', '5', 'large']])
})
