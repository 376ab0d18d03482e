// What goes to one other domain, over channels that a test opens, fills and closes.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Channel, OutgoingEntity, Reply, Session } from '#protocols/beep'
import { type Fixture, fixture, settled } from '../testing/fixture.ts'
import { meshMetrics } from './metrics.ts'
import { MeshPair } from './pair.ts'
import type { Carried } from './sending.ts'

class ScriptedChannel {
  readonly sent: { text: string; reply: (reply: Reply) => void }[] = []
  readonly session: Session
  state: Channel['state'] = 'open'
  isFull = false
  queuedBytes = 0

  constructor(session: Session) {
    this.session = session
  }

  send({ body }: OutgoingEntity, reply: (reply: Reply) => void): 'taken' | 'refused' {
    if (this.isFull || this.state !== 'open') return 'refused'
    this.sent.push({ text: Buffer.from(body).toString(), reply })
    return 'taken'
  }

  get texts(): string[] {
    return this.sent.map(({ text }) => text)
  }

  /** Answers the oldest. */
  ok(): void {
    this.sent.shift()?.reply({ kind: 'RPY' } as Reply)
  }
}

interface Stage {
  readonly world: Fixture
  readonly pair: MeshPair
  /** Of each session that was opened. */
  readonly opened: ScriptedChannel[][]
  readonly carried: string[]
  say(text: string, lane?: string): void
}

async function stage(channels = 2): Promise<Stage> {
  const world = await fixture()
  const opened: ScriptedChannel[][] = []
  const carried: string[] = []
  const pair: MeshPair = new MeshPair({
    relay: world.relay,
    metrics: meshMetrics(world.service.metrics),
    ours: 'example.com',
    theirs: 'example.net',
    open: async () => {
      const session = {
        closing: false,
        terminate: () => pair.ended(session, 'terminated'),
        release: () => {},
      } as unknown as Session
      const open = Array.from({ length: channels }, () => new ScriptedChannel(session))
      opened.push(open)
      for (const channel of open) pair.joined(channel as unknown as Channel)
      return { session, since: 0, identity: '' }
    },
  })
  const say = (text: string, lane = ''): void =>
    pair.request({ entity: { body: Buffer.from(text) }, lane }, (word: Carried) =>
      carried.push(`${text} ${word}`),
    )
  return { world, pair, opened, carried, say }
}

test('those of one pair of people go by one channel, others by the one with the least to answer', async () => {
  const { opened, carried, say } = await stage()
  for (const text of ['a1', 'a2']) say(text, 'a')
  for (const text of ['b1', 'c1']) say(text, text)
  await settled()
  const [one, two] = opened[0] as [ScriptedChannel, ScriptedChannel]
  assert.deepEqual(
    [one.texts, two.texts],
    [
      ['a1', 'a2'],
      ['b1', 'c1'],
    ],
  )
  for (const channel of [one, one, two, two]) channel.ok()
  assert.deepEqual(carried, ['a1 ok', 'a2 ok', 'b1 ok', 'c1 ok'])
})

test('a channel that is full keeps its lane waiting until it drains, and no other', async () => {
  const { pair, opened, carried, say } = await stage()
  say('a1', 'a')
  await settled()
  const [one, two] = opened[0] as [ScriptedChannel, ScriptedChannel]
  one.isFull = true
  one.queuedBytes = 100
  for (const text of ['a2', 'a3']) say(text, 'a')
  say('b1', 'b')
  assert.deepEqual([one.texts, two.texts], [['a1'], ['b1']])
  one.isFull = false
  pair.drained()
  assert.deepEqual(one.texts, ['a1', 'a2', 'a3'])
  assert.deepEqual(carried, [])
})

test('what a channel took with it goes by another, before what came later', async () => {
  const { pair, opened, say } = await stage()
  for (const text of ['a1', 'a2']) say(text, 'a')
  await settled()
  const [one, two] = opened[0] as [ScriptedChannel, ScriptedChannel]
  one.state = 'closed'
  pair.left(one as unknown as Channel)
  say('a3', 'a')
  assert.deepEqual(two.texts, ['a1', 'a2', 'a3'])
})

test('a relay that closes all channels of a session gets another session', async () => {
  const { pair, opened, carried, say } = await stage()
  say('a1', 'a')
  await settled()
  for (const channel of opened[0] as ScriptedChannel[]) {
    channel.state = 'closed'
    pair.left(channel as unknown as Channel)
  }
  await settled()
  assert.equal(opened.length, 2)
  assert.deepEqual(opened[1]?.[0]?.texts, ['a1'])
  opened[1]?.[0]?.ok()
  assert.deepEqual(carried, ['a1 ok'])
})

test('what is too large for a channel that has nothing to do is refused, and what is behind it goes', async () => {
  const { opened, carried, say } = await stage(1)
  say('a1', 'a')
  await settled()
  const [only] = opened[0] as [ScriptedChannel]
  only.ok()
  only.isFull = true
  say('large', 'a')
  only.isFull = false
  say('a2', 'a')
  assert.deepEqual([carried, only.texts], [['a1 ok', 'large too-large'], ['a2']])
})

test('sessions that end at once, one after another, are followed by a pause that grows', async () => {
  const { world, pair, opened, say } = await stage()
  say('a1', 'a')
  for (let second = 0; second < 40; second++) {
    await settled()
    const session = opened.at(-1)?.[0]?.session
    if (session !== undefined && pair.line?.session === session) pair.ended(session, 'gone')
    world.clock.advance(1000)
  }
  assert.ok(opened.length >= 5 && opened.length < 12, `${opened.length} sessions in 40 s`)
})
