// A server of PRIM domains that is killed at each named step of a message, a subscription and a FETCH: what the people at both ends see (docs/specs/prim.md §8.3, §8.4).
// `prim-kills.test.ts` kills behind any octet; here each row says what is known of the step, and what may come of it.
import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { dropHands } from '../../src/protocols/prim/testing/hand.ts'
import { crossing, dialling, offered, Scene, storing, type Trap, type Victim } from './prim-scene.ts'

afterEach(dropHands)

/** How often bob's device may see the message: once, or at least once, where what it had was known to the killed server alone. */
type Copies = 'once' | 'at least once'
type Row = readonly [step: string, trap: Trap, sending: Copies, receiving: Copies]

const answer = (status: number): RegExp => new RegExp(`^PRIM/1\\.0 d\\d+ \\d+ ${status} `, 'm')

const beforeTheMessage: readonly Row[] = [
  ['where the other server is, is known', dialling(false), 'once', 'once'],
  ['the connection is made', dialling(true), 'once', 'once'],
  ['STARTTLS is written', crossing(/^STARTTLS /m, false), 'once', 'once'],
  ['STARTTLS is taken', crossing(/^STARTTLS /m, true), 'once', 'once'],
  ['STARTTLS is answered', crossing(answer(200), true), 'once', 'once'],
  ['LOGIN is begun', crossing(/^LOGIN .*(?:\r\n.+)*\r\nAuth-State: init/m, false), 'once', 'once'],
  ['LOGIN is under way', crossing(answer(100), true), 'once', 'once'],
  ['LOGIN is proven', crossing(/^LOGIN .*(?:\r\n.+)*\r\nAuth-State: continue/m, true), 'once', 'once'],
  ['LOGIN is done', crossing(answer(200), true, 2), 'once', 'once'],
  ['the message is written', crossing(/^SEND /m, false), 'once', 'once'],
]

const whileHeIsThere: readonly Row[] = [
  ...beforeTheMessage,
  ['the message is taken', crossing(/^SEND /m, true), 'once', 'at least once'],
  ['the device is offered it and has not answered', offered(false), 'once', 'at least once'],
  ['the device has answered and is not heard', offered(true), 'once', 'at least once'],
  ['it is not recorded', storing('receiving', 'append', 'asked'), 'once', 'at least once'],
  ['it is recorded and not answered', storing('receiving', 'append', 'durable'), 'once', 'once'],
  ['the answer is written', crossing(answer(200), false, 3), 'once', 'once'],
  ['the answer is read', crossing(answer(200), true, 3), 'once', 'once'],
  ['the answer is not recorded', storing('sending', 'append', 'asked'), 'once', 'once'],
  ['the answer is recorded and not told', storing('sending', 'append', 'durable'), 'once', 'once'],
]

const whileHeIsAway: readonly Row[] = [
  ...beforeTheMessage,
  ['the message is taken', crossing(/^SEND /m, true), 'once', 'once'],
  ['it is not stored', storing('receiving', 'append', 'asked'), 'once', 'once'],
  ['it is stored and not answered', storing('receiving', 'append', 'durable'), 'once', 'once'],
  ['the answer is written', crossing(answer(101), false), 'once', 'once'],
  ['the answer is read', crossing(answer(101), true), 'once', 'once'],
  ['the answer is not recorded', storing('sending', 'append', 'asked'), 'once', 'once'],
  ['the answer is recorded and not told', storing('sending', 'append', 'durable'), 'once', 'once'],
]

/** alice writes to bob, a server is killed, and all come back: what she was told is true of what he got. */
async function sent(scene: Scene, copies: Copies): Promise<void> {
  const { alice, bob } = scene
  await scene.again()
  // Who lost the connection before the answer does not know, and asks again.
  if (!alice.answers.has('m1')) {
    if (scene.victim !== alice.place) await scene.until(() => alice.answers.has('m1'), 'she is answered', 2)
    else alice.message(bob, 'm1')
  }
  bob.hand?.send('LISTEN PRIM-IM', { From: bob.hand.im })
  await scene.until(() => bob.got.length > 0 && alice.answers.has('m1'), 'it arrives')
  assert.ok([200, 101].includes(alice.answers.get('m1') ?? 0), `${alice.answers.get('m1')}`)
  alice.message(bob, 'm2')
  await scene.until(() => bob.got.includes('m2'), 'what follows arrives')
  await scene.pass(900)
  const first = bob.got.filter((id) => id === 'm1').length
  if (copies === 'once') assert.equal(first, 1, bob.got.join())
  else assert.ok(first === 1 || first === 2, bob.got.join())
  assert.deepEqual([alice.got, alice.reported, bob.got.slice(first)], [[], [], ['m2']])
  for (const { store } of scene.town.places) assert.deepEqual(await store.queuedDomains(), [])
}

for (const [name, rows, isThere] of [
  ['a message to one who is there', whileHeIsThere, true],
  ['a message to one who is away', whileHeIsAway, false],
] as const) {
  describe(name, () => {
    for (const [step, trap, sending, receiving] of rows)
      for (const [victim, copies] of Object.entries({ sending, receiving }) as [Victim, Copies][]) {
        test(`${step}: the ${victim} server is killed, and it comes ${copies}`, async () => {
          const scene = await Scene.create(victim)
          if (!isThere) scene.bob.hand?.send('SILENCE PRIM-IM', { From: scene.bob.hand.im })
          await scene.quiet()
          trap(scene, scene.kill)
          scene.alice.message(scene.bob, 'm1')
          await scene.quiet()
          await sent(scene, copies)
        })
      }
  })
}

describe('a message for a domain that is away', () => {
  for (const when of ['asked', 'durable'] as const)
    test(`the sending server is killed as it queues it (${when}): it comes once, when the other is back`, async () => {
      const scene = await Scene.create('sending')
      const { alice, bob, town } = scene
      town.kill(bob.place)
      bob.lost()
      storing('sending', 'enqueue', when)(scene, scene.kill)
      alice.message(bob, 'm1')
      await scene.quiet()
      await scene.again()
      assert.ok(!alice.answers.has('m1'))
      alice.message(bob, 'm1')
      await scene.quiet()
      assert.equal(alice.answers.get('m1'), 101)
      await town.start(bob.place)
      await scene.come()
      await scene.until(() => bob.got.length > 0, 'it arrives')
      await scene.pass(900)
      assert.deepEqual([bob.got, alice.reported], [['m1'], []])
    })
})

test('three domains: one is killed at each step, and the third is not delayed', async () => {
  for (const [step, trap] of [...whileHeIsThere]) {
    if (step.startsWith('the answer is not') || step.startsWith('the answer is rec')) continue
    const scene = await Scene.create('receiving', 3)
    const { alice, bob, mallory } = scene
    assert.ok(mallory)
    trap(scene, scene.kill)
    alice.message(bob, 'm1')
    await scene.quiet()
    assert.ok(scene.isSprung, step)
    alice.message(mallory, 'c1')
    await scene.quiet()
    assert.deepEqual([mallory.got, alice.answers.get('c1')], [['c1'], 200], step)
    for (const player of [mallory, alice]) player.got.length = 0
    await scene.again()
    await scene.until(() => bob.got.length > 0, step)
    assert.deepEqual(mallory.got, [])
  }
})

/** alice watches bob from `from` on; then he changes, she renews, and ends it. */
const watching = { Duration: '3600', 'Subscription-ID': 'w' }

type Phase = 'begins' | 'is told' | 'is renewed' | 'ends'
const subscription: readonly (readonly [Phase, step: string, trap: Trap])[] = [
  ['begins', 'SUBSCRIBE is written', crossing(/^SUBSCRIBE /m, false)],
  ['begins', 'SUBSCRIBE is taken', crossing(/^SUBSCRIBE /m, true)],
  ['begins', 'it is kept and not answered', storing('receiving', 'putSubscription', 'durable')],
  ['begins', 'it is not kept', storing('receiving', 'putSubscription', 'asked')],
  ['begins', 'SUBSCRIBE is answered', crossing(answer(200), false, 3)],
  ['begins', 'the answer is read', crossing(answer(200), true, 3)],
  ['begins', 'the first NOTIFY is written', crossing(/^NOTIFY /m, false)],
  ['begins', 'the first NOTIFY is taken', crossing(/^NOTIFY /m, true)],
  ['is told', 'NOTIFY is written', crossing(/^NOTIFY /m, false)],
  ['is told', 'NOTIFY is taken', crossing(/^NOTIFY /m, true)],
  ['is told', 'NOTIFY is answered', crossing(answer(200), false)],
  ['is told', 'that answer is read', crossing(answer(200), true)],
  ['is renewed', 'SUBSCRIBE is written', crossing(/^SUBSCRIBE /m, false)],
  ['is renewed', 'SUBSCRIBE is taken', crossing(/^SUBSCRIBE /m, true)],
  ['is renewed', 'it is kept and not answered', storing('receiving', 'putSubscription', 'durable')],
  ['is renewed', 'the answer is read', crossing(answer(200), true)],
  ['ends', 'the end is written', crossing(/^SUBSCRIBE (?:.*\r\n)*Duration: 0\r/m, false)],
  ['ends', 'the end is taken', crossing(/^SUBSCRIBE (?:.*\r\n)*Duration: 0\r/m, true)],
  ['ends', 'the end is not recorded', storing('receiving', 'removeSubscription', 'asked')],
  ['ends', 'the end is recorded', storing('receiving', 'removeSubscription', 'durable')],
  ['ends', 'the end is answered', crossing(answer(200), false)],
]

describe('a subscription', () => {
  for (const [phase, step, trap] of subscription)
    for (const victim of ['sending', 'receiving'] as const)
      test(`${phase}: ${step}, and the ${victim} server is killed: she sees what is there, and nothing after its end`, async () => {
        const scene = await Scene.create(victim)
        const { alice, bob, town } = scene
        const last = (): string => alice.seen.at(-1) ?? ''
        // A watcher whose own server was killed asks again; one whose server lives need not.
        const act = async (mine: Phase, what: () => void): Promise<void> => {
          if (mine === phase) trap(scene, scene.kill)
          what()
          await scene.quiet()
          // A renewal comes when most of the lease is over.
          if (mine === 'is renewed')
            for (let time = 0; time < 34 && !scene.isSprung; time++) await scene.pass(100)
          if (mine !== phase) return
          await scene.again()
          if (victim === 'sending' && mine !== 'ends') alice.presence('SUBSCRIBE', 's', bob, watching)
        }
        bob.publish('one')
        await scene.quiet()
        await act('begins', () => alice.presence('SUBSCRIBE', 's', bob, watching))
        await scene.until(() => last() === 'one', 'she sees how things stand')
        await act('is told', () => bob.publish('two'))
        await scene.until(() => last() === 'two', 'she sees a change')
        await act('is renewed', () => alice.presence('SUBSCRIBE', 'r', bob, watching))
        bob.publish('three')
        await scene.until(() => last() === 'three', 'she sees a change after the renewal')
        await act('ends', () => alice.presence('UNSUBSCRIBE', 'u', bob, { 'Subscription-ID': 'w' }))
        await scene.pass(60)
        const seen = alice.seen.length
        bob.publish('four')
        await scene.pass(3700)
        assert.deepEqual(alice.seen.slice(seen), [], 'nothing is told after the end')
        assert.equal(bob.place.world?.domains.watchers.size, 0, 'nor kept longer than its Duration')
        assert.deepEqual(await bob.place.store.subscriptions('prim'), [])
        assert.equal(alice.place.world?.domains.linkTo('example.com').isWatching, false)
        assert.deepEqual([alice.cancelled, town.wires.tap], [[], undefined])
      })
})

const fetching: readonly (readonly [step: string, trap: Trap])[] = [
  ['LOGIN is under way', crossing(answer(100), true)],
  ['FETCH is written', crossing(/^FETCH /m, false)],
  ['FETCH is taken', crossing(/^FETCH /m, true)],
  ['the answer is written', crossing(answer(200), false, 3)],
  ['the answer is read', crossing(answer(200), true, 3)],
]

describe('a FETCH', () => {
  for (const [step, trap] of fetching)
    for (const victim of ['sending', 'receiving'] as const)
      test(`${step}, and the ${victim} server is killed: she is answered, or asks again`, async () => {
        const scene = await Scene.create(victim)
        const { alice, bob } = scene
        bob.publish('one')
        await scene.quiet()
        trap(scene, scene.kill)
        alice.presence('FETCH', 'f', bob)
        await scene.quiet()
        await scene.again()
        if (victim === 'receiving') {
          await scene.until(() => alice.answers.has('f'), 'she is answered', 2)
          assert.ok([200, 504].includes(alice.answers.get('f') ?? 0), `${alice.answers.get('f')}`)
        }
        alice.presence('FETCH', 'g', bob)
        await scene.until(() => alice.answers.get('g') === 200, 'she is answered', 2)
        assert.equal(alice.seen.at(-1), 'one')
      })
})
