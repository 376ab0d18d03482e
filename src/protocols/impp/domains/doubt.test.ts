// Messages of which nobody knows whether they were taken (docs/specs/impp-1.0.md §12.5, items 3 and 4).
import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { at, settled } from '../testing/fixture.ts'
import { dropHands } from '../testing/hand.ts'
import { clientOf, everything, twoDomains } from '../testing/two-domains.ts'

afterEach(dropHands)

const juliet = 'impp://capulet.example/juliet'

test('a message whose answer never came is offered again with its mark, and not delivered twice', async () => {
  const { here, there, wires, clock } = await twoDomains()
  const from = await clientOf(here, 'romeo')
  const to = await clientOf(there, 'juliet')
  assert.match((await from.ask('SEND', { Target: juliet }, 'first')).first, /^OK/)
  to.requests.splice(0)
  // It is taken there; then the way is blocked for longer than anybody waits.
  to.answers = 'nothing'
  from.request('SEND', 'm1', { Target: juliet, 'Message-ID': 'one' }, 'second')
  const arrived = await to.next(to.requests)
  wires.up = false
  wires.cutAll()
  to.answer(arrived)
  await everything()
  for (let second = 0; second < 120; second++) {
    clock.advance(1000)
    await settled()
  }
  assert.equal((await from.next(from.responses)).fields.result, 'stored')
  wires.up = true
  for (let minute = 0; minute < 30; minute++) {
    clock.advance(60_000)
    await settled()
  }
  await everything()
  // Nothing came to a device or waits for one: there were two messages in all.
  assert.deepEqual(to.requests, [])
  const kept = await there.service.store.history(at('juliet@capulet.example'), { limit: 10 })
  assert.equal(kept.length, 2)
  assert.deepEqual(await here.service.store.queuedDomains(), [])
})

test('a message that was stored there just before a kill, and whose answer was lost, is stored once (decision 0146)', async () => {
  const two = await twoDomains()
  const from = await clientOf(two.here, 'romeo')
  from.request('SEND', 'm1', { Target: juliet, 'Message-ID': 'one' }, 'first')
  await everything()
  assert.equal((await from.next(from.responses)).fields.result, 'stored')
  // Of the second the store knows, and nobody else: its answer goes nowhere.
  let isStored = false
  const { store } = two.there.service
  const append = store.append.bind(store)
  store.append = (row, done) =>
    append(row, (fault) => {
      isStored = true
      two.wires.up = false
      two.wires.cutAll()
      done(fault)
    })
  from.request('SEND', 'm2', { Target: juliet, 'Message-ID': 'two' }, 'second')
  await everything()
  assert.ok(isStored)
  store.append = append
  await two.restartThere()
  two.wires.up = true
  for (let minute = 0; minute < 10; minute++) {
    two.clock.advance(60_000)
    await everything()
  }
  assert.match((await from.next(from.responses)).first, /^OK/)
  const to = await clientOf(two.there, 'juliet')
  await everything()
  assert.deepEqual(
    to.requests.map(({ body }) => body),
    ['first', 'second'],
  )
  assert.deepEqual(await two.here.service.store.queuedDomains(), [])
})

test('a sender who repeats message and identifiers after an answer is heard twice', async () => {
  const { here, there } = await twoDomains()
  const from = await clientOf(here, 'romeo')
  const to = await clientOf(there, 'juliet')
  for (let turn = 0; turn < 2; turn++) {
    from.request('SEND', 'same', { Target: juliet, 'Message-ID': 'same' }, 'again')
    assert.match((await from.next(from.responses)).first, /^OK/)
  }
  assert.equal(to.requests.length, 2)
})

test('a message of many hops is refused before it goes on, and there at none', async () => {
  const { here } = await twoDomains()
  const link = here.domains.linkTo('capulet.example')
  const from = await clientOf(here, 'romeo')
  let head: unknown
  const send = link.send.bind(link)
  link.send = (envelope, onOutcome) => {
    head = envelope.head
    const spent = Object.create(envelope, { head: { value: { ...envelope.head, hops: 1 } } })
    send(spent, onOutcome)
  }
  const answer = await from.ask('SEND', { Target: juliet }, 'far')
  assert.ok(head)
  assert.equal(answer.fields.reason, 'too-many-hops')
})
