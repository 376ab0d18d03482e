// A client's connection that ends at any point of a SEND: what it asks again is answered, and delivered once (docs/specs/impp-1.0.md
// §7.5). The recipient is a client by hand, that would take a message twice. Each run cuts behind another octet; all with VERONA_SOAK.

import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { VirtualClock } from '#base'
import { SentAnswers } from '#protocols/exchange'
import { cutFailed, cutPoints, Wires } from '#protocols/exchange/testing'
import { type Dial, Refused } from '#protocols/impp/client'
import { at, type Fixture, fixture, settled } from './testing/fixture.ts'
import { dropHands, Hand } from './testing/hand.ts'
import { as, Net, pass } from './testing/lasting.ts'
import { PairTransport } from './testing/pair-transport.ts'

afterEach(dropHands)

const juliet = 'impp://example.com/juliet'

class CutNet extends Net {
  readonly wires = new Wires()
  readonly #fixture: Fixture

  constructor(f: Fixture) {
    super(f)
    this.#fixture = f
  }

  override readonly dial: Dial = async () => {
    this.isBusy = true
    return new PairTransport(this.#fixture, false, this.wires.pair({ clock: this.#fixture.clock }))
  }
}

async function scene() {
  const f = await fixture({ pendingMax: 16 })
  const net = new CutNet(f)
  const here = await as(f, 'romeo', { inbox: 'closed', device: 'orchard' }, net)
  const there = await new Hand(f).login('juliet')
  return { f, net, here, there }
}

type Scene = Awaited<ReturnType<typeof scene>>

async function cutAnywhere(act: (scene: Scene) => Promise<void>): Promise<number> {
  const measure = await scene()
  const before = measure.net.wires.crossed
  await act(measure)
  const octets = measure.net.wires.crossed - before
  assert.ok(octets > 100)
  let again = 0
  for (const cut of cutPoints(octets - 1)) {
    const each = await scene()
    each.net.wires.cutAfter = each.net.wires.crossed + cut
    await act(each).catch((error: Error) => {
      throw cutFailed(cut, octets, error)
    })
    assert.equal(each.net.wires.opened, 2)
    again += each.f.environment.sessions.metrics.again.value
    dropHands()
  }
  return again
}

async function answered<T>({ f, net }: Scene, sending: Promise<T>): Promise<T> {
  let isThere = false
  const seen = sending.finally(() => {
    isThere = true
  })
  seen.catch(() => {})
  for (let seconds = 0; seconds < 120 && !isThere; seconds++) await pass(f, 1, net)
  assert.ok(isThere, 'no answer')
  return seen
}

describe('a SEND that is cut anywhere', () => {
  test('is delivered once and in order, whatever of it had crossed', async () => {
    const again = await cutAnywhere(async (each) => {
      const { here, there } = each
      const sending = ['one', 'two'].map((text) => here.send(juliet, text))
      const results = await answered(each, Promise.all(sending))
      assert.deepEqual(
        results.map(({ result }) => result),
        ['delivered', 'delivered'],
      )
      assert.equal((await answered(each, here.send(juliet, 'three'))).result, 'delivered')
      assert.deepEqual(
        there.requests.splice(0).map(({ body }) => body),
        ['one', 'two', 'three'],
      )
    })
    assert.ok(again > 0, 'no cut came between the delivery and its answer')
  })

  test('waits for the answer of the first when the recipient is slow', async () => {
    const again = await cutAnywhere(async (each) => {
      const { f, net, here, there } = each
      there.answers = 'nothing'
      const sending = here.send(juliet, 'one')
      await pass(f, 5, net)
      const [arrived, ...more] = there.requests.splice(0)
      assert.ok(arrived)
      assert.deepEqual(more, [])
      there.answer(arrived)
      assert.equal((await answered(each, sending)).result, 'delivered')
      assert.deepEqual(there.requests, [])
    })
    assert.ok(again > 0, 'no cut came while it was under way')
  })

  test('is stored once for who is away', async () => {
    await cutAnywhere(async (each) => {
      const { f, here, there } = each
      there.connection.destroy()
      await settled()
      assert.equal((await answered(each, here.send(juliet, 'one'))).result, 'stored')
      const later = await new Hand(f).login('juliet')
      await settled()
      assert.deepEqual(
        later.requests.splice(0).map(({ body }) => body),
        ['one'],
      )
    })
  })

  test('is refused again when it is refused', async () => {
    await cutAnywhere(async (each) => {
      await assert.rejects(
        answered(each, each.here.send('impp://example.com/nobody', 'x'.repeat(100))),
        (error) => error instanceof Refused && error.condition === 'target-unknown',
      )
    })
  })
})

describe('the mark of a SEND', () => {
  const marked = { Target: juliet, Transmission: 'm-1' }

  test('tells a sending from another: what has no mark, or one of its own, is delivered each time', async () => {
    const f = await fixture()
    const there = await new Hand(f).login('juliet')
    const here = await new Hand(f).login('romeo')
    for (const transmission of ['a', 'b', 'a']) {
      const { first } = await here.ask('SEND', { ...marked, Transmission: transmission }, transmission)
      assert.match(first, /^OK/)
    }
    for (let i = 0; i < 2; i++) await here.ask('SEND', { Target: juliet, 'Message-ID': 'one' }, 'bare')
    assert.deepEqual(
      there.requests.map(({ body }) => body),
      ['a', 'b', 'bare', 'bare'],
    )
  })

  test('is its user’s own: another user’s is another', async () => {
    const f = await fixture()
    const there = await new Hand(f).login('juliet', { Device: 'a' })
    const here = await new Hand(f).login('romeo')
    await here.ask('SEND', marked, 'of romeo')
    await there.ask('SEND', { ...marked, Target: 'impp://example.com/romeo' }, 'of juliet')
    assert.equal((await there.next(there.requests)).body, 'of romeo')
    assert.equal((await here.next(here.requests)).body, 'of juliet')
  })

  test('is answered with what the first was answered, to the ids of the second', async () => {
    const f = await fixture()
    const here = await new Hand(f).login('romeo', { Device: 'orchard' })
    const first = await here.ask('SEND', marked, 'kept')
    const other = await new Hand(f).login('romeo', { Device: 'street' })
    const second = await other.ask('SEND', marked, 'kept')
    assert.equal(first.fields.result, 'stored')
    assert.notEqual(second.first, first.first)
    assert.deepEqual(second.fields, { ...first.fields, 'connection-id': 'street' })
    assert.equal(second.body, first.body)
  })

  test('is forgotten after answers_seconds, and the oldest past answers_max', async () => {
    const f = await fixture({ answersSeconds: 60, answersMax: 16 })
    const there = await new Hand(f).login('juliet')
    const here = await new Hand(f).login('romeo')
    const sendAs = (transmission: string) => here.ask('SEND', { ...marked, Transmission: transmission }, 'x')
    for (let i = 0; i < 17; i++) await sendAs(`m${i}`)
    await sendAs('m16')
    assert.equal(there.requests.length, 17)
    await sendAs('m0')
    assert.equal(there.requests.length, 18)
    for (let seconds = 0; seconds < 61; seconds++) {
      f.clock.advance(1000)
      await settled()
    }
    await sendAs('m16')
    assert.equal(there.requests.length, 19)
  })
})

test('of users who ask no more nothing is kept when its time is over', () => {
  const clock = new VirtualClock()
  const answers = new SentAnswers<string>(clock, { seconds: 60, countMax: 16 })
  for (let i = 0; i < 100; i++) {
    answers.of(at(`user${i}@example.com`)).once(
      'm',
      () => {},
      (respond) => respond('ok', true),
    )
  }
  assert.equal(answers.size, 100)
  clock.advance(61_000)
  for (let i = 0; i < 100; i++) answers.of(at('user0@example.com'))
  assert.equal(answers.size, 1)
})
