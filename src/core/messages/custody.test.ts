// Custody of messages that are under way (decision 0143): once it is taken a message survives us, comes once, and leaves nothing behind.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { text, utf8 } from '#base'
import { delivered, type Outcome, refused } from '#model'
import { accepted, type DeliveryAnswer, held } from '../agents.ts'
import { Device, declined } from '../testing/devices.ts'
import { at, message, type Sketch } from '../testing/envelopes.ts'
import { failingStore } from '../testing/failing-store.ts'
import { ScriptedPeerProtocol } from '../testing/peers.ts'
import { after, juliet as farJuliet, type RelayStage, relayStage } from '../testing/relay-stage.ts'
import { createWorld, settled, signIn, type World, wordOf } from '../testing/world.ts'
import { Custody } from './custody.ts'

const romeo = 'romeo@verona.example'
const juliet = 'juliet@verona.example'
const accounts = [romeo, juliet]

/** A message of Romeo's and what its sender has heard so far. */
class Sent {
  readonly custody = new Custody()
  /** In the order in which they came: `kept`, and the outcome. */
  readonly heard: string[] = []

  constructor(world: World, id: string, to: string, more: Partial<Sketch> = {}) {
    const envelope = message({ from: romeo, to, id, ...more })
    const onOutcome = (outcome: Outcome): void => void this.heard.push(wordOf(outcome))
    world.service.messages.send(envelope, onOutcome, this.custody)
    envelope.poison()
  }

  async take(): Promise<readonly string[]> {
    this.custody.take(() => this.heard.push('kept'))
    await settled()
    return this.heard
  }

  async told(): Promise<void> {
    this.custody.told()
    await settled()
  }
}

/** A device that thinks. */
class Slow extends Device {
  readonly answers: ((answer: DeliveryAnswer) => void)[] = []

  constructor(owner: string) {
    super(owner, 'slow')
    this.onDeliver = (_envelope, _context, answer) => void this.answers.push(answer)
  }

  async answer(how: DeliveryAnswer): Promise<void> {
    this.answers.shift()?.(how)
    await settled()
  }
}

async function waiting({ store }: World): Promise<string[]> {
  return (await store.undelivered(at(juliet), 0, 100)).map(({ raw }) => text(raw))
}

/** The process is gone; another begins upon its store. */
async function again(world: World): Promise<string[]> {
  const next = await createWorld({ accounts: [], store: () => world.store })
  const device = new Device(juliet, 'later')
  await signIn(next, device)
  await settled()
  return device.texts
}

async function slowly(policy = {}): Promise<{ world: World; slow: Slow }> {
  const world = await createWorld({ accounts, policy })
  const slow = new Slow(juliet)
  await signIn(world, slow)
  return { world, slow }
}

for (const history of [true, false]) {
  test(`a device that thinks: what is kept comes after a crash, once (history ${history})`, async () => {
    const { world } = await slowly({ history })
    const sent = new Sent(world, '1', juliet)
    assert.deepEqual(await waiting(world), [], 'nothing is written before somebody asks')
    assert.deepEqual(await sent.take(), ['kept'])
    assert.deepEqual(await again(world), ['1'])
  })

  test(`what the device takes then is delivered, and gone once its sender was told (history ${history})`, async () => {
    const { world, slow } = await slowly({ history })
    const sent = new Sent(world, '1', juliet)
    await sent.take()
    await slow.answer(accepted)
    assert.deepEqual(sent.heard, ['kept', 'delivered'])
    assert.deepEqual(await waiting(world), ['1'], 'its sender may not have heard of it')
    await sent.told()
    assert.deepEqual(await waiting(world), [])
    const kept = await world.store.history(at(juliet), { limit: 10 })
    assert.equal(kept.length, history ? 1 : 0)
  })
}

const ends: readonly [string, DeliveryAnswer, string, readonly string[]][] = [
  [
    'refuses it for its person',
    { kind: 'refused', outcome: refused('permission-denied') },
    'permission-denied',
    [],
  ],
  ['is lost', declined('connection-failed'), 'stored', ['1']],
]
for (const [what, answer, outcome, left] of ends) {
  test(`a device that ${what}: ${outcome}`, async () => {
    const { world, slow } = await slowly()
    const sent = new Sent(world, '1', juliet)
    await sent.take()
    await slow.answer(answer)
    await sent.told()
    assert.deepEqual(sent.heard, ['kept', outcome])
    assert.deepEqual(await waiting(world), left)
    assert.deepEqual(await again(world), left)
  })
}

test('a device that holds it, and acknowledges it later: gone then', async () => {
  const { world, slow } = await slowly()
  const sent = new Sent(world, '1', juliet)
  await sent.take()
  const [answer] = slow.answers
  answer?.(held)
  await settled()
  await sent.told()
  assert.deepEqual([sent.heard, await waiting(world)], [['kept', 'delivered'], ['1']])
  answer?.(accepted)
  await settled()
  assert.deepEqual(await waiting(world), [])
})

test('while it is under way no hand-over offers it', async () => {
  const { world, slow } = await slowly()
  const sent = new Sent(world, '1', juliet)
  await sent.take()
  const other = new Device(juliet, 'other')
  await signIn(world, other)
  await settled()
  assert.deepEqual(other.texts, [])
  await slow.answer(declined('connection-failed'))
  await sent.told()
  assert.deepEqual(other.texts, ['1'], 'who came meanwhile is offered it')
})

test('an outcome that comes while it is being written waits for that', async () => {
  const { world, slow } = await slowly()
  const sent = new Sent(world, '1', juliet)
  sent.custody.take(() => sent.heard.push('kept'))
  await slow.answer(accepted)
  assert.deepEqual(sent.heard, ['kept', 'delivered'])
  await sent.told()
  assert.deepEqual(await waiting(world), [])
})

test('one that waits behind another of the same two is kept where it waits, and comes in its order', async () => {
  const { world, slow } = await slowly()
  Object.assign(slow, { keepsOrder: false })
  const [first, second] = [new Sent(world, '1', juliet), new Sent(world, '2', juliet)]
  assert.deepEqual([await first.take(), await second.take()], [['kept'], ['kept']])
  assert.equal(slow.answers.length, 1)
  await slow.answer(accepted)
  await first.told()
  await slow.answer(accepted)
  await second.told()
  assert.deepEqual([second.heard, slow.texts, await waiting(world)], [['kept', 'delivered'], ['1', '2'], []])
})

test('one that waits while others are handed over is kept, and follows them', async () => {
  const world = await createWorld({ accounts })
  new Sent(world, '1', juliet)
  await settled()
  const slow = new Slow(juliet)
  await signIn(world, slow)
  await settled()
  const sent = new Sent(world, '2', juliet)
  assert.deepEqual(await sent.take(), ['kept'])
  await slow.answer(accepted)
  await slow.answer(accepted)
  await sent.told()
  assert.deepEqual([slow.texts, await waiting(world)], [['1', '2'], []])
})

test('what nobody is to store, and what finds no room, is not kept: its outcome is waited for', async () => {
  const { world, slow } = await slowly({ undeliveredMax: 1 })
  const now = new Sent(world, 'now', juliet, { whenAbsent: 'refuse', storable: false })
  const first = new Sent(world, '1', juliet)
  const second = new Sent(world, '2', juliet)
  assert.deepEqual([await now.take(), await first.take(), await second.take()], [[], ['kept'], []])
  for (let n = 0; n < 3; n++) await slow.answer(accepted)
  assert.deepEqual([now.heard, second.heard], [['delivered'], ['delivered']])
})

test('a disk that fails takes no custody, and loses nothing', async () => {
  const failing = failingStore('append')
  const world = await createWorld({ accounts, store: (store) => failing.through(store) })
  const slow = new Slow(juliet)
  await signIn(world, slow)
  const sent = new Sent(world, '1', juliet)
  failing.fault = new Error('full')
  assert.deepEqual(await sent.take(), [])
  failing.fault = undefined
  await slow.answer(declined('connection-failed'))
  assert.deepEqual([sent.heard, await waiting(world)], [['stored'], ['1']])
})

test('what a script of the recipient gives his device is in the history once, and waits after a crash (RFC 3880)', async () => {
  const { world, slow } = await slowly()
  const script =
    '<cpl><incoming><lookup source="registration"><success><proxy/></success></lookup></incoming></cpl>'
  await new Promise((resolve) => world.service.scripts.put(at(juliet), utf8(script), resolve))
  const sent = new Sent(world, '1', juliet)
  assert.deepEqual([await sent.take(), await waiting(world)], [['kept'], ['1']])
  await slow.answer(accepted)
  await sent.told()
  assert.deepEqual([sent.heard, slow.texts, await waiting(world)], [['kept', 'delivered'], ['1'], []])
  assert.equal((await world.store.history(at(juliet), { limit: 10 })).length, 1)
})

/** What waits for the other domain, whether its messages are under way or not. */
async function queued({ store }: World): Promise<string[]> {
  return (await store.queued('capulet.example', 0, 100)).map(({ head }) => head.id)
}

async function thinking(): Promise<{ world: RelayStage; answers: ((outcome: Outcome) => void)[] }> {
  const world = await relayStage()
  const answers: ((outcome: Outcome) => void)[] = []
  world.link.onSend = (_, tell) => void answers.push(tell)
  return { world, answers }
}

/** What the other domain is given by the process that begins upon that store. */
async function givenAgain({ store }: World): Promise<string[]> {
  const protocol = new ScriptedPeerProtocol(['capulet.example'])
  const next = await relayStage({ accounts: [], store: () => store, peers: [protocol] })
  await next.service.relay.load()
  next.service.relay.start()
  await after(next, 10_000)
  return protocol.linkTo('capulet.example').takenIds
}

test('a domain that thinks: what is kept is given to it after a crash', async () => {
  const { world } = await thinking()
  const sent = new Sent(world, '1', farJuliet)
  assert.deepEqual(await queued(world), [])
  assert.deepEqual(await sent.take(), ['kept'])
  assert.deepEqual(await givenAgain(world), ['1'])
})

for (const outcome of [delivered, refused('target-unknown')]) {
  test(`a domain that answers then (${wordOf(outcome)}): gone once its sender was told`, async () => {
    const { world, answers } = await thinking()
    const sent = new Sent(world, '1', farJuliet)
    await sent.take()
    answers.shift()?.(outcome)
    await settled()
    assert.deepEqual([sent.heard, await queued(world)], [['kept', wordOf(outcome)], ['1']])
    await sent.told()
    assert.deepEqual(await queued(world), [])
  })
}

test('a domain that is lost then: it waits as what it is, in its order, and goes once', async () => {
  const { world, answers } = await thinking()
  const [first, second] = [new Sent(world, '1', farJuliet), new Sent(world, '2', farJuliet)]
  await first.take()
  assert.deepEqual(await second.take(), ['kept'], 'also behind the first')
  world.link.up = false
  answers.shift()?.(refused('connection-failed'))
  await settled()
  for (const each of [first, second]) await each.told()
  assert.deepEqual(
    [first.heard, second.heard],
    [
      ['kept', 'stored'],
      ['kept', 'stored'],
    ],
  )
  assert.deepEqual(await queued(world), ['1', '2'])
  new Sent(world, '3', farJuliet)
  await settled()
  world.link.up = true
  world.link.onSend = (_, tell) => tell(delivered)
  await after(world, 10_000)
  assert.deepEqual([world.link.takenIds, await queued(world)], [['1', '2', '3'], []])
})

test('by a link that keeps the order: what comes back, and what waits in memory behind it, is stored once and in its order', async () => {
  const { world, answers } = await thinking()
  world.link.keepsOrder = true
  const [first, second] = [new Sent(world, '1', farJuliet), new Sent(world, '2', farJuliet)]
  await first.take()
  await second.take()
  answers[0]?.(refused('connection-failed'))
  await settled()
  const third = new Sent(world, '3', farJuliet)
  assert.deepEqual(await third.take(), ['kept'], 'it waits until the second is settled')
  answers[1]?.(refused('connection-failed'))
  await settled()
  for (const each of [first, second, third]) await each.told()
  assert.deepEqual(
    [first.heard, second.heard, third.heard],
    [
      ['kept', 'stored'],
      ['kept', 'stored'],
      ['kept', 'stored'],
    ],
  )
  assert.deepEqual(await queued(world), ['1', '2', '3'])
  world.link.onSend = (_, tell) => tell(delivered)
  await after(world, 10_000)
  assert.deepEqual([world.link.takenIds, await queued(world)], [['1', '2', '3'], []])
  assert.deepEqual(await world.service.relay.status(), [])
  new Sent(world, '4', farJuliet)
  await settled()
  assert.equal(world.link.takenIds.at(-1), '4', 'nothing waits any more')
})

test('while it is under way the hand-over of its domain passes over it, and none gives it up', async () => {
  const { world, answers } = await thinking()
  const sent = new Sent(world, '1', farJuliet, { from: 'mercutio@verona.example' })
  await sent.take()
  world.link.up = false
  new Sent(world, '2', farJuliet)
  await settled()
  world.link.up = true
  world.link.onSend = (_, tell) => tell(delivered)
  await after(world, 10_000)
  assert.deepEqual([world.link.takenIds, await queued(world)], [['2'], ['1']])
  assert.equal(await world.service.relay.drop('capulet.example'), 0)
  answers.shift()?.(delivered)
  await sent.told()
  assert.deepEqual([sent.heard, await queued(world)], [['kept', 'delivered'], []])
})

test('LIMIT: more of one sender than may wait is not kept', async () => {
  const protocol = new ScriptedPeerProtocol(['capulet.example'])
  const world = await relayStage({ peers: [protocol], policy: { relay: { senderLengthMax: 1 } } })
  protocol.linkTo('capulet.example').onSend = () => {}
  const [first, second] = [new Sent(world, '1', farJuliet), new Sent(world, '2', 'nurse@capulet.example')]
  assert.deepEqual([await first.take(), await second.take()], [['kept'], []])
})
