import assert from 'node:assert/strict'
import { test } from 'node:test'
import { text } from '#base'
import type { Outcome } from '#model'
import { accepted, type DeliveryAnswer } from '../agents.ts'
import { Device, declined, saysNo } from '../testing/devices.ts'
import { at, message, type Sketch } from '../testing/envelopes.ts'
import { createWorld, send, settled, signIn, type World, wordOf } from '../testing/world.ts'
import { laneLengthMax } from './lanes.ts'

const romeo = 'romeo@verona.example'
const juliet = 'juliet@verona.example'
const benvolio = 'benvolio@mantua.example'
const accounts = [romeo, juliet, benvolio]

const toJuliet = (id: string, more: Partial<Sketch> = {}): ReturnType<typeof message> =>
  message({ from: romeo, to: juliet, id, ...more })

async function history(world: World, owner: string): Promise<string[]> {
  const items = await world.store.history(at(owner), { limit: 1000 })
  return items.map(({ direction, raw }) => `${direction} ${text(raw)}`)
}

test('a message to a present person is delivered, and kept for both with its own octets', async () => {
  const world = await createWorld({ accounts })
  const nurse = new Device(juliet)
  await signIn(world, nurse)
  await signIn(world, new Device(romeo, 'balcony'))
  assert.equal(
    wordOf(await send(world, toJuliet('1', { fromAgent: 'balcony', text: 'Wherefore' }))),
    'delivered',
  )
  assert.deepEqual(nurse.texts, ['Wherefore'])
  assert.notEqual(nurse.received[0]?.context.archiveId, '')
  assert.deepEqual(await history(world, juliet), ['received Wherefore'])
  assert.deepEqual(await history(world, romeo), ['sent Wherefore'])
})

test('with the history off, the outcome comes in the same tick and nothing is kept', async () => {
  const world = await createWorld({ accounts, policy: { history: false } })
  const nurse = new Device(juliet)
  await signIn(world, nurse)
  let outcome: Outcome | undefined
  world.service.messages.send(toJuliet('1'), (told) => {
    outcome = told
  })
  assert.equal(outcome?.kind, 'delivered')
  assert.deepEqual(await history(world, juliet), [])
})

test('what must not be kept is delivered without a trace, and still waits for who is away', async () => {
  const world = await createWorld({ accounts })
  assert.equal(wordOf(await send(world, toJuliet('1', { storable: false }))), 'stored')
  const nurse = new Device(juliet)
  await signIn(world, nurse)
  await settled()
  await send(world, toJuliet('2', { storable: false }))
  assert.deepEqual(nurse.texts, ['1', '2'])
  assert.deepEqual(await history(world, juliet), [])
})

type RefusalRow = [name: string, sketch: Partial<Sketch>, outcome: string]

const absences: RefusalRow[] = [
  ['it is stored where its sender wants that', { whenAbsent: 'store' }, 'stored'],
  ['it is dropped where its sender wants that (RFC 6121 §8.5.2.2)', { whenAbsent: 'drop' }, 'relayed'],
  ['it is refused where its sender wants that', { whenAbsent: 'refuse' }, 'temporarily-unavailable'],
  ['one for a device that is gone goes on to the inbox', { toAgent: 'tomb' }, 'stored'],
  ['or is dropped', { toAgent: 'tomb', whenAgentGone: 'drop' }, 'relayed'],
  ['or is refused', { toAgent: 'tomb', whenAgentGone: 'refuse' }, 'temporarily-unavailable'],
  ['an unknown person is told as such', { to: 'nobody@verona.example' }, 'target-unknown'],
  ['so is the domain itself', { to: 'verona.example' }, 'target-unknown'],
  ['an unknown domain is told as such', { to: 'tybalt@elsewhere.example' }, 'domain-unknown'],
  ['no hops left (RFC 3860 §4.1.2)', { hops: 0 }, 'too-many-hops'],
]

for (const [name, sketch, outcome] of absences) {
  test(`with nobody there: ${name}`, async () => {
    const world = await createWorld({ accounts })
    assert.equal(wordOf(await send(world, toJuliet('1', sketch))), outcome)
    const nurse = new Device(juliet)
    await signIn(world, nurse)
    await settled()
    assert.deepEqual(nurse.texts, outcome === 'stored' ? ['1'] : [])
  })
}

test('a blocked sender is refused visibly, a politely blocked one too (RFC 2779 5.1.15 is for presence)', async () => {
  const world = await createWorld({ accounts })
  const nurse = new Device(juliet)
  await signIn(world, nurse)
  for (const action of ['block', 'polite-block'] as const) {
    await new Promise((done) =>
      world.service.contacts.setRule(at(juliet), { subject: romeo, action, visibility: 'full' }, done),
    )
    assert.equal(wordOf(await send(world, toJuliet('1'))), 'permission-denied')
  }
  assert.deepEqual(nurse.texts, [])
})

type AnswerRow = [name: string, answers: DeliveryAnswer[], outcome: string]

const answerRows: AnswerRow[] = [
  ['the first that accepts answers', [declined(), accepted, saysNo()], 'delivered'],
  [
    'all declined: it is stored, for a phone that says 415 refuses nothing',
    [declined(), declined()],
    'stored',
  ],
  ['one said no for its person, first', [saysNo(), declined()], 'not-acceptable'],
  ['one said no for its person, last', [declined(), saysNo()], 'not-acceptable'],
]

for (const [name, answers, outcome] of answerRows) {
  for (const late of [false, true]) {
    test(`several devices ${late ? 'later' : 'at once'}: ${name}`, async () => {
      const world = await createWorld({ accounts })
      const devices = answers.map((given, i) => {
        const device = new Device(juliet, `device ${i}`)
        device.onDeliver = (_, __, answer) => (late ? setImmediate(answer, given) : answer(given))
        return device
      })
      for (const device of devices) await signIn(world, device)
      assert.equal(wordOf(await send(world, toJuliet('1', { text: 'Anon' }))), outcome)
      assert.ok(devices.every(({ texts }) => texts.join() === 'Anon'))
      const kept = outcome === 'delivered' || outcome === 'stored' ? ['received Anon'] : []
      assert.deepEqual(await history(world, juliet), kept)
    })
  }
}

test('a device that answers twice speaks once', async () => {
  const world = await createWorld({ accounts })
  const stutterer = new Device(juliet, 'stutterer')
  stutterer.onDeliver = (_, __, answer) => {
    answer(declined())
    answer(declined())
  }
  const slow = new Device(juliet, 'slow')
  slow.onDeliver = (_, __, answer) => void setImmediate(answer, accepted)
  await signIn(world, stutterer)
  await signIn(world, slow)
  assert.equal(wordOf(await send(world, toJuliet('1'))), 'delivered')
  assert.equal((await world.store.undelivered(at(juliet), 0, 10)).length, 0)
})

test('a device that throws has declined, and the others get it', async () => {
  const world = await createWorld({ accounts })
  const broken = new Device(juliet, 'broken')
  broken.onDeliver = () => {
    throw new Error('broken')
  }
  const sound = new Device(juliet, 'sound')
  await signIn(world, broken)
  await signIn(world, sound)
  assert.equal(wordOf(await send(world, toJuliet('1'))), 'delivered')
  assert.deepEqual(sound.texts, ['1'])
  assert.equal(world.faults.length, 1)
})

test('a device that signs out while it is offered something keeps the next from nothing', async () => {
  const world = await createWorld({ accounts })
  const leaving = new Device(juliet, 'leaving')
  const staying = new Device(juliet, 'staying')
  const account = await signIn(world, leaving)
  await signIn(world, staying)
  leaving.onDeliver = (_, __, answer) => {
    world.service.messages.detach(account, leaving)
    answer(declined('connection-failed'))
  }
  assert.equal(wordOf(await send(world, toJuliet('1'))), 'delivered')
  assert.deepEqual(staying.texts, ['1'])
})

test('what the sender does upon an outcome does not overtake the message at a further device (RFC 6120 §10.1)', async () => {
  const world = await createWorld({ accounts, policy: { history: false } })
  const first = new Device(juliet, 'first')
  const second = new Device(juliet, 'second')
  await signIn(world, first)
  await signIn(world, second)
  world.service.messages.send(toJuliet('1'), () => world.service.messages.send(toJuliet('2'), () => {}))
  assert.deepEqual(second.texts, ['1', '2'])
})

test('the sender sees on other devices what was accepted, and only that', async () => {
  const world = await createWorld({ accounts })
  const nurse = new Device(juliet)
  await signIn(world, nurse)
  const sending = new Device(romeo, 'sending')
  const other = new Device(romeo, 'other')
  const blind = new Device(romeo, 'blind', { sentCopies: false })
  for (const device of [sending, other, blind]) await signIn(world, device)
  await send(world, toJuliet('1', { fromAgent: 'sending' }))
  await send(world, toJuliet('2', { fromAgent: 'sending', copyable: false }))
  nurse.onDeliver = (_, __, answer) => void setImmediate(answer, saysNo())
  await send(world, toJuliet('3', { fromAgent: 'sending' }))
  nurse.onDeliver = (_, __, answer) => void setImmediate(answer, declined())
  await send(world, toJuliet('4', { fromAgent: 'sending' }))
  assert.deepEqual(other.texts, ['sent 1', 'sent 4'])
  assert.deepEqual([sending.texts, blind.texts], [[], []])
})

test('who writes to oneself gets it once on each device and keeps it once', async () => {
  const world = await createWorld({ accounts })
  const one = new Device(romeo, 'one')
  const two = new Device(romeo, 'two')
  await signIn(world, one)
  await signIn(world, two)
  await send(world, message({ from: romeo, to: romeo, id: 'note', fromAgent: 'one' }))
  assert.deepEqual([one.texts, two.texts], [['note'], ['note']])
  assert.deepEqual(await history(world, romeo), ['received note'])
})

test('a full mailbox is told as such, and takes again once it was emptied', async () => {
  const world = await createWorld({ accounts, policy: { undeliveredMax: 2 } })
  assert.equal(wordOf(await send(world, toJuliet('1'))), 'stored')
  assert.equal(wordOf(await send(world, toJuliet('2'))), 'stored')
  assert.equal(wordOf(await send(world, toJuliet('3'))), 'mailbox-full')
  const nurse = new Device(juliet)
  const account = await signIn(world, nurse)
  await settled()
  world.service.messages.detach(account, nurse)
  assert.equal(wordOf(await send(world, toJuliet('4'))), 'stored')
  assert.deepEqual(nurse.texts, ['1', '2'])
})

test('a lane that is full refuses, loses nothing that it took, and opens again', async () => {
  const world = await createWorld({ accounts, policy: { history: false } })
  const slow = new Device(juliet)
  slow.keepsOrder = false
  const answers: ((answer: DeliveryAnswer) => void)[] = []
  slow.onDeliver = (_, __, answer) => void answers.push(answer)
  await signIn(world, slow)
  const outcomes: Promise<Outcome>[] = []
  for (let i = 0; i < laneLengthMax + 2; i++) outcomes.push(send(world, toJuliet(`${i}`)))
  assert.equal(wordOf((await outcomes.at(-1)) as Outcome), 'rate-exceeded')
  while (answers.length > 0) answers.shift()?.(accepted)
  const words = (await Promise.all(outcomes)).map(wordOf)
  assert.equal(words.filter((word) => word === 'delivered').length, laneLengthMax + 1)
  assert.deepEqual(
    slow.texts,
    Array.from({ length: laneLengthMax + 1 }, (_, i) => `${i}`),
  )
})

test('messages of one pair wait behind one whose recipient is being looked up (RFC 6120 §10.1)', async () => {
  const world = await createWorld({ accounts })
  const outcomes = ['1', '2', '3'].map((id) => send(world, toJuliet(id)))
  assert.deepEqual((await Promise.all(outcomes)).map(wordOf), ['stored', 'stored', 'stored'])
  const nurse = new Device(juliet)
  await signIn(world, nurse)
  await settled()
  assert.deepEqual(nurse.texts, ['1', '2', '3'])
})

test('who takes no messages now is passed over, and one named is asked all the same (RFC 6121 §8.5.3.1)', async () => {
  const world = await createWorld({ accounts })
  const quiet = new Device(juliet, 'quiet', { messages: false })
  const account = await signIn(world, quiet)
  assert.equal(wordOf(await send(world, toJuliet('1'))), 'stored')
  assert.equal(wordOf(await send(world, toJuliet('2', { toAgent: 'quiet' }))), 'delivered')
  quiet.capabilities = { ...quiet.capabilities, messages: true }
  world.service.messages.ready(account)
  await settled()
  assert.deepEqual(quiet.texts, ['2', '1'])
})

test('one device meant: it and those that want copies get it', async () => {
  const world = await createWorld({ accounts })
  const meant = new Device(juliet, 'meant')
  const copied = new Device(juliet, 'copied')
  const incurious = new Device(juliet, 'incurious', { receivedCopies: false })
  for (const device of [meant, copied, incurious]) await signIn(world, device)
  await send(world, toJuliet('1', { toAgent: 'meant' }))
  await send(world, toJuliet('2', { toAgent: 'meant', copyable: false }))
  assert.deepEqual([meant.texts, copied.texts, incurious.texts], [['1', '2'], ['1'], []])
})
