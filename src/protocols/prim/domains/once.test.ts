// A message that comes again, as its answer was lost, is one message: over kills too, where it was durable (docs/specs/prim.md §8.3, decision 0146).
import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import type { Head, InstantMessage } from '#model'
import { hopsDefault } from '#model'
import { at } from '../testing/fixture.ts'
import { dropHands, Hand } from '../testing/hand.ts'
import { everything, type TwoDomains, twoDomains } from '../testing/two-domains.ts'

afterEach(dropHands)

const plain = { 'Content-Type': 'text/plain; charset=UTF-8' }
const toBob = { To: 'im:bob@example.com', 'Message-ID': 'm', ...plain }

/** Does `act` when the server of example.com has something durable, before anybody hears of it. */
function whenDurable({ here }: TwoDomains, call: 'append' | 'enqueue', act: () => void): void {
  const { store } = here.service
  const real = store[call].bind(store) as (...given: unknown[]) => void
  Object.assign(store, {
    [call]: (...given: unknown[]) => {
      const done = given.at(-1) as (fault?: Error) => void
      real(...given.slice(0, -1), (fault?: Error) => {
        act()
        done(fault)
      })
      delete (store as Partial<typeof store>)[call]
    },
  })
}

async function bodiesFor(two: TwoDomains): Promise<string[]> {
  const bob = await new Hand(two.here).login('bob')
  await bob.message('LISTEN')
  await everything()
  return bob.requests.map(({ body }) => body)
}

test('another domain asks again after a kill: what was stored is answered, and not stored again', async () => {
  const two = await twoDomains()
  const alice = await new Hand(two.there).login('alice')
  whenDurable(two, 'append', () => {
    two.up = false
    two.wires.cutAll()
  })
  alice.send('SEND PRIM-IM', { From: alice.im, ...toBob }, 'x')
  await everything()
  assert.equal(alice.responses.at(-1)?.status, 101)
  await two.restart()
  two.up = true
  const crossed = two.wires.said.length
  for (let minute = 0; minute < 10; minute++) {
    two.clock.advance(60_000)
    await everything()
  }
  assert.ok(two.wires.texts.slice(crossed).some((octets) => octets.startsWith('SEND ')))
  assert.deepEqual(await two.there.service.store.queuedDomains(), [])
  assert.deepEqual(await bodiesFor(two), ['x'])
})

test('a client asks again after a kill: what was stored, or waits for another domain, is not taken again', async () => {
  const two = await twoDomains()
  two.up = false
  for (const [to, call] of [
    ['im:bob@example.com', 'append'],
    ['im:alice@example.net', 'enqueue'],
  ] as const) {
    const fields = { ...toBob, To: to }
    const first = await new Hand(two.here).login('mallory')
    const heard = first.responses.length
    whenDurable(two, call, () => first.drop())
    first.send('SEND PRIM-IM', { From: first.im, ...fields }, 'x')
    await everything()
    assert.equal(first.responses.length, heard, 'nobody said that it is kept')
    await two.restart()
    await two.here.service.relay.load()
    const again = await new Hand(two.here).login('mallory')
    assert.equal((await again.message('SEND', fields, 'x')).status, 101)
    assert.equal((await again.message('SEND', { ...fields, 'Message-ID': 'n' }, 'y')).status, 101)
  }
  assert.deepEqual(await bodiesFor(two), ['x', 'y'])
  const queued = await two.here.service.store.queued('example.net', 0, 10)
  assert.deepEqual(
    queued.map(({ head }) => head.id),
    ['m', 'n'],
  )
})

test('messages of another protocol that have no id are not taken for one another', async () => {
  const two = await twoDomains()
  const alice = await new Hand(two.there).login('alice')
  await alice.message('LISTEN')
  for (const word of ['first', 'second', 'second']) {
    const outcome = await new Promise((resolve) => two.here.service.messages.send(withoutId(word), resolve))
    assert.deepEqual(outcome, { kind: 'delivered' })
  }
  assert.deepEqual(
    alice.requests.map(({ body }) => body),
    ['first', 'second', 'second'],
  )
  assert.equal(new Set(alice.requests.map(({ fields }) => fields['Message-ID'])).size, 3)
})

function withoutId(word: string) {
  const [from, to] = [at('bob@example.com'), at('alice@example.net')]
  const raw = Buffer.from(word)
  const head: Head = {
    protocol: 'other',
    kind: 'message',
    from,
    fromAgent: '',
    to,
    toAgent: '',
    id: '',
    hops: hopsDefault,
    size: raw.length,
    whenAbsent: 'store',
    whenAgentGone: 'inbox',
    storable: true,
    copyable: true,
  }
  const body = [{ language: '', text: word }]
  const view: InstantMessage = { from, to, id: '', thread: '', kind: 'chat', subject: [], body }
  return { head, raw, content: () => undefined, view: () => view, keep: () => withoutId(word) }
}
