// Messages to other domains: what their senders are told, and what their senders keep of them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { delivered, type Outcome, refused, relayed } from '#model'
import { openMetricsText } from '#observe'
import { Device } from '../testing/devices.ts'
import { at, message, type Sketch } from '../testing/envelopes.ts'
import { ScriptedPeerProtocol, welcome } from '../testing/peers.ts'
import {
  after,
  juliet,
  mercutio,
  nurse,
  queuedIds,
  relayStage,
  romeo,
  toJuliet,
  word,
} from '../testing/relay-stage.ts'
import { settled, signIn } from '../testing/world.ts'

test("while the domain can be reached, the outcome is the other side's word and nothing is queued", async () => {
  const world = await relayStage()
  const rows: [Outcome, string][] = [
    [delivered, 'delivered'],
    [relayed, 'relayed'],
    [refused('target-unknown'), 'target-unknown'],
    [refused('rate-exceeded'), 'rate-exceeded'],
  ]
  for (const [answer, expected] of rows) {
    world.link.onSend = (_, tell) => tell(answer)
    assert.equal(await word(world, expected), expected)
  }
  assert.deepEqual(await queuedIds(world), [])
})

test('the outcome comes in the tick when the way is known and the link answers in it', async () => {
  const world = await relayStage()
  let outcome: Outcome | undefined
  world.service.messages.send(toJuliet('m1'), (told) => {
    outcome = told
  })
  assert.equal(outcome?.kind, 'delivered')
})

for (const condition of ['connection-failed', 'remote-timeout'] as const) {
  test(`${condition}: what its sender wants kept is stored, all else is refused with it`, async () => {
    const world = await relayStage()
    world.link.up = false
    world.link.whenDown = condition
    const rows: [string, Partial<Sketch>, string][] = [
      ['hint', { whenAbsent: 'drop' }, condition],
      ['now', { whenAbsent: 'refuse' }, condition],
      ['message', {}, 'stored'],
      ['report', { kind: 'report', storable: false }, 'stored'],
      ['not archived', { storable: false }, 'stored'],
      ['hint behind', { whenAbsent: 'drop' }, condition],
    ]
    for (const [id, more, expected] of rows) assert.equal(await word(world, id, more), expected, id)
    assert.deepEqual(await queuedIds(world), ['message', 'report', 'not archived'])
  })
}

test('DNS that is silent is a domain that cannot be reached, one that knows no such domain refuses', async () => {
  const world = await relayStage()
  world.protocol.reached.set('silent.example', 'unanswered')
  assert.equal(await word(world, 'm1', { to: 'juliet@silent.example' }), 'stored')
  assert.equal(await word(world, 'm2', { to: 'juliet@nowhere.example' }), 'domain-unknown')
})

test('a link that dies in mid-send: the message in flight is stored, with its octets, and offered again with the same id', async () => {
  const world = await relayStage()
  let die: ((outcome: Outcome) => void) | undefined
  world.link.onSend = (_, tell) => {
    die = tell
  }
  const first = word(world, 'first', { text: 'wherefore' })
  const second = word(world, 'second')
  await settled()
  assert.equal(world.link.offered.length, 1, 'the second of the pair waits in its lane')
  world.link.up = false
  die?.(refused('connection-failed'))
  assert.deepEqual(await Promise.all([first, second]), ['stored', 'stored'])
  world.link.onSend = (_, tell) => tell(delivered)
  world.link.up = true
  await after(world, 5_000)
  assert.deepEqual(
    world.link.taken.map(({ head, raw }) => [head.id, Buffer.from(raw).toString()]),
    [
      ['first', 'wherefore'],
      ['second', 'second'],
    ],
  )
})

test('a link that dies in mid-send having taken it: the sender has the outcome, and nothing is queued', async () => {
  const world = await relayStage()
  world.link.onSend = (_, tell) => {
    tell(delivered)
    tell(refused('connection-failed'))
  }
  assert.equal(await word(world, 'm1'), 'delivered')
  assert.deepEqual(await queuedIds(world), [])
})

test('a link that throws refuses, and the fault is told', async () => {
  const world = await relayStage()
  world.link.onSend = () => {
    throw new Error('broken')
  }
  assert.equal(await word(world, 'm1'), 'internal-fault')
  assert.equal(world.faults.length, 1)
})

test('messages of one pair go one after another, those of different pairs side by side', async () => {
  const world = await relayStage()
  const answers: (() => void)[] = []
  world.link.onSend = (_, tell) => answers.push(() => tell(delivered))
  const outcomes = [
    word(world, 'a1'),
    word(world, 'a2'),
    word(world, 'b1', { from: mercutio }),
    word(world, 'c1', { to: nurse }),
  ]
  await settled()
  const offered = (): string[] => world.link.offered.map(({ head }) => head.id)
  assert.deepEqual(offered(), ['a1', 'b1', 'c1'])
  for (const answer of answers.splice(0)) answer()
  await settled()
  assert.deepEqual(offered(), ['a1', 'b1', 'c1', 'a2'])
  for (const answer of answers.splice(0)) answer()
  assert.deepEqual(await Promise.all(outcomes), ['delivered', 'delivered', 'delivered', 'delivered'])
})

test("a relayed message is its sender's own: a sent copy and one entry of the history, delivered or stored", async () => {
  const world = await relayStage()
  const [desk, phone] = [new Device(romeo, 'desk'), new Device(romeo, 'phone')]
  await signIn(world, desk)
  await signIn(world, phone)
  await word(world, 'now', { fromAgent: 'desk' })
  world.link.up = false
  await word(world, 'later', { fromAgent: 'desk' })
  await word(world, 'hint', { fromAgent: 'desk', whenAbsent: 'drop' })
  world.link.onSend = (_, tell) => tell(refused('target-unknown'))
  world.link.up = true
  await after(world, 5_000)
  world.link.onSend = (_, tell) => tell(refused('target-unknown'))
  await word(world, 'refused', { fromAgent: 'desk' })
  const history = await world.store.history(at(romeo), { limit: 10 })
  assert.deepEqual(
    history.map(({ head, peer, direction }) => [head.id, peer.key, direction]),
    [
      ['now', juliet, 'sent'],
      ['later', juliet, 'sent'],
    ],
  )
  assert.deepEqual(
    phone.texts.filter((text) => text.startsWith('sent')),
    ['sent now', 'sent later'],
  )
  assert.deepEqual(
    phone.received.slice(0, 2).map(({ context }) => context.archiveId),
    history.map(({ id }) => id),
  )
  assert.deepEqual(
    desk.texts.filter((text) => text.startsWith('sent')),
    [],
  )
})

test('what is not to be kept is in no history, what is not to be copied goes to no other device', async () => {
  const world = await relayStage()
  const phone = new Device(romeo, 'phone')
  await signIn(world, phone)
  await word(world, 'unkept', { storable: false })
  await word(world, 'uncopied', { copyable: false })
  assert.deepEqual(phone.texts, ['sent unkept'])
  const history = await world.store.history(at(romeo), { limit: 10 })
  assert.deepEqual(
    history.map(({ head }) => head.id),
    ['uncopied'],
  )
})

test('with history off nothing is kept of what is relayed', async () => {
  const world = await relayStage({ policy: { history: false } })
  await signIn(world, new Device(romeo))
  assert.equal(await word(world, 'm1'), 'delivered')
  assert.deepEqual(await world.store.history(at(romeo), { limit: 10 }), [])
})

test('a sender that signs out before the answer has its history all the same', async () => {
  const world = await relayStage()
  const device = new Device(romeo)
  const account = await signIn(world, device)
  let answer: (() => void) | undefined
  world.link.onSend = (_, tell) => {
    answer = () => tell(delivered)
  }
  const outcome = word(world, 'm1')
  await settled()
  world.service.messages.detach(account, device)
  assert.equal(account.inUse, true)
  answer?.()
  assert.equal(await outcome, 'delivered')
  assert.equal(account.inUse, false)
  assert.equal((await world.store.history(at(romeo), { limit: 10 })).length, 1)
})

/** [what, more of the message, policy, condition] */
const refusals: [string, Partial<Sketch>, object, string][] = [
  ['a message whose hops are used up (RFC 3860 §4.1.2)', { hops: 0 }, {}, 'too-many-hops'],
  ['a domain that policy forbids', {}, { allowed: false }, 'permission-denied'],
  ['a domain with which no messages are exchanged', {}, { messages: false }, 'permission-denied'],
  ['a message from one foreign domain to another', { from: 'iago@venice.example' }, {}, 'permission-denied'],
]
for (const [what, more, policy, condition] of refusals) {
  test(`${what} is refused: ${condition}`, async () => {
    const world = await relayStage({ peerTable: { strangers: { ...welcome, ...policy } } })
    assert.equal(await word(world, 'm1', more), condition)
    assert.deepEqual([world.link.offered, await queuedIds(world)], [[], []])
  })
}

test('what one of our domains may not do, its people are refused; another of ours may do it', async () => {
  for (const [closed, told, offers] of [
    ['verona.example', 'permission-denied', 0],
    ['other.example', 'delivered', 1],
  ] as const) {
    const policyOf = (ours: string) => ({ ...welcome, allowed: ours !== closed })
    const world = await relayStage({ peerTable: { policyOf } })
    assert.equal(await word(world, 'm1'), told)
    assert.deepEqual([world.link.offered.length, await queuedIds(world)], [offers, []])
    assert.equal(world.service.router.takesPresence(closed, 'capulet.example'), false)
  }
})

test('a report goes to another domain by the protocol of the message it is about', async () => {
  const [first, second] = [
    new ScriptedPeerProtocol(['capulet.example'], 'first'),
    new ScriptedPeerProtocol(['capulet.example'], 'second'),
  ]
  const world = await relayStage({ peers: [first, second] })
  const { head } = message({ from: juliet, to: romeo, id: 'm1', protocol: 'second' })
  const told = new Promise((resolve) =>
    world.service.messages.report({ about: 'm1', event: 'delivered' }, head, resolve),
  )
  assert.deepEqual(await told, delivered)
  const [report] = second.linkTo('capulet.example').taken
  assert.deepEqual(report?.view(), { about: 'm1', event: 'delivered', protocol: 'second' })
  assert.deepEqual(first.linkTo('capulet.example').offered, [])
})

test('to a domain of another protocol a translation is counted, to one of the same none', async () => {
  const world = await relayStage()
  const counted = (): string[] =>
    openMetricsText(world.service.metrics)
      .split('\n')
      .filter((line) => line.startsWith('verona_translations_total{'))
  await word(world, 'm1')
  assert.deepEqual(counted(), [])
  await word(world, 'm2', { protocol: 'other' })
  assert.deepEqual(counted(), ['verona_translations_total{from="other",to="test"} 1'])
})

test('a link that keeps order is given the next of two people before it has answered; what it gives back waits in that order', async () => {
  const world = await relayStage()
  world.link.keepsOrder = true
  const answers: ((outcome: Outcome) => void)[] = []
  world.link.onSend = (_, tell) => answers.push(tell)
  const outcomes = ['1', '2', '3'].map((id) => word(world, id))
  await settled()
  assert.deepEqual(
    world.link.offered.map(({ head }) => head.id),
    ['1', '2', '3'],
  )
  answers[0]?.(delivered)
  world.link.up = false
  for (const answer of answers.slice(1)) answer(refused('connection-failed'))
  assert.deepEqual(await Promise.all(outcomes), ['delivered', 'stored', 'stored'])
  assert.deepEqual(await queuedIds(world), ['2', '3'])
  assert.equal(await word(world, '4'), 'stored')
})
