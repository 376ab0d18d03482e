// A connection between two domains that ends at any point of any exchange, from STARTTLS on: nothing that was accepted is lost, and nothing is
// done twice (docs/specs/prim.md §8.3, §8.4). Each run cuts behind another octet of what crosses; all of them with VERONA_SOAK.
import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { cutFailed, cutPoints } from '#protocols/exchange/testing'
import { at } from '../testing/fixture.ts'
import { type Came, dropHands, Hand, pidf } from '../testing/hand.ts'
import { everything, type TwoDomains, twoDomains } from '../testing/two-domains.ts'

afterEach(dropHands)

const plain = { 'Content-Type': 'text/plain' }
const leased = {
  'PI-Type': 'leased',
  Duration: '80000',
  'Tuple-ID': 'im',
  'Content-Type': 'application/pidf+xml',
}

interface Scene {
  readonly two: TwoDomains
  /** Of example.com. */
  readonly bob: Hand
  /** Of example.net. */
  readonly alice: Hand
}

async function scene(): Promise<Scene> {
  const two = await twoDomains({ domainRequestsPerSecondMax: 1000 })
  const bob = await new Hand(two.here).login('bob')
  const alice = await new Hand(two.there).login('alice')
  for (const each of [bob, alice]) {
    await each.login(each === bob ? 'bob' : 'alice', 'pres')
    await each.message('LISTEN')
  }
  const rule = { subject: 'alice@example.net', action: 'allow', visibility: 'full' } as const
  two.here.service.contacts.setRule(at('bob@example.com'), rule, () => {})
  await everything()
  return { two, bob, alice }
}

/** Plays `act` uncut to learn how many octets cross, then once for each octet, or for a sample of them, cutting behind it. */
async function cutAnywhere(act: (scene: Scene) => Promise<void>): Promise<void> {
  const measure = await scene()
  await act(measure)
  const octets = measure.two.wires.crossed
  dropHands()
  assert.ok(octets > 100)
  for (const cut of cutPoints(octets)) {
    const each = await scene()
    each.two.wires.cutAfter = cut
    await act(each).catch((error: Error) => {
      throw cutFailed(cut, octets, error)
    })
    dropHands()
  }
}

/** Lets time pass until `holds`. */
async function passing({ clock }: TwoDomains, holds: () => boolean, what: string): Promise<void> {
  for (let seconds = 0; seconds < 1200 && !holds(); seconds++) {
    await everything()
    if (holds()) return
    clock.advance(1000)
  }
  assert.ok(holds(), what)
}

const messages = (hand: Hand): string[] =>
  hand.requests.filter(({ first }) => first.startsWith('SEND')).map(({ body }) => body)

test('messages and their answers: each that was taken arrives once, in order', async () => {
  await cutAnywhere(async ({ two, bob, alice }) => {
    const before = alice.responses.length
    for (const text of ['first', 'second'])
      alice.send('SEND PRIM-IM', { From: alice.im, To: bob.im, 'Message-ID': text, ...plain }, text)
    await passing(two, () => alice.responses.length === before + 2, 'both are answered')
    for (const { status } of alice.responses.slice(before)) assert.ok(status === 200 || status === 101)
    await passing(two, () => messages(bob).length >= 2, 'both arrive')
    two.clock.advance(400_000)
    await everything()
    assert.deepEqual(messages(bob), ['first', 'second'])
    assert.deepEqual(messages(alice), [], 'no report of what arrived')
  })
})

test('a message that its recipient answers late', async () => {
  await cutAnywhere(async ({ two, bob, alice }) => {
    bob.answers = undefined
    const before = alice.responses.length
    alice.send('SEND PRIM-IM', { From: alice.im, To: bob.im, 'Message-ID': 'late', ...plain }, 'late')
    await passing(two, () => messages(bob).length > 0, 'it arrives')
    two.clock.advance(5000)
    await everything()
    bob.answers = 200
    const [, version, id] = (bob.requests[0] as Came).first.split(' ')
    bob.write(`${version} ${id} 0 200 OK\r\n\r\n`)
    await passing(two, () => alice.responses.length > before, 'it is answered')
    const { status } = alice.responses.at(-1) as Came
    assert.ok(status === 200 || status === 101)
    two.clock.advance(400_000)
    await everything()
    assert.deepEqual(messages(bob), ['late'])
    assert.deepEqual(messages(alice), [])
  })
})

test('a subscription, what it tells, and its end', async () => {
  await cutAnywhere(async ({ two, bob, alice }) => {
    const last = (): string => alice.requests.at(-1)?.body ?? ''
    await bob.presence('PUBLISH', leased, pidf('open', 'one'))
    const asked = await alice.presence('SUBSCRIBE', { To: bob.pres, Duration: '3600' })
    assert.ok(asked.status === 200 || asked.status === 201, asked.text)
    await passing(two, () => last().includes('one'), 'it sees how things stand')
    await bob.presence('PUBLISH', leased, pidf('closed', 'two'))
    await passing(two, () => last().includes('two'), 'it sees a change')
    const ended = await alice.presence('UNSUBSCRIBE', { To: bob.pres })
    assert.equal(ended.status, 200)
    // What the other side did not hear of ends with its Duration.
    for (let minutes = 0; minutes < 70 && two.here.domains.watchers.size > 0; minutes++) {
      two.clock.advance(60_000)
      await everything()
    }
    assert.equal(two.here.domains.watchers.size, 0)
    assert.equal(two.there.domains.linkTo('example.com').isWatching, false)
  })
})

test('FETCH has an answer, whatever becomes of the connection', async () => {
  await cutAnywhere(async ({ two, bob, alice }) => {
    await bob.presence('PUBLISH', leased, pidf('open', 'one'))
    const before = alice.responses.length
    alice.send('FETCH PRIM-PR', { From: alice.pres, To: bob.pres })
    await passing(two, () => alice.responses.length > before, 'an answer')
    const { status, body } = alice.responses.at(-1) as Came
    if (status === 200) assert.match(body, /open/)
    else assert.equal(status, 504)
  })
})

test('a connection that is cut all the time makes no storm of connections', async () => {
  const { two, bob, alice } = await scene()
  for (const text of ['one', 'two'])
    alice.send('SEND PRIM-IM', { From: alice.im, To: bob.im, 'Message-ID': text, ...plain }, text)
  const before = two.wires.opened
  for (let second = 0; second < 60; second++) {
    two.wires.cutAll()
    await everything()
    two.wires.cutAll()
    two.clock.advance(1000)
  }
  assert.ok(two.wires.opened - before < 20, `${two.wires.opened - before} connections in a minute`)
})
