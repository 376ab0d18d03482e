// A connection between two domains that ends at any point of any exchange: nothing is lost, and nothing is done twice (IMPP
// §13, D46 to D48). Each run cuts behind another octet of what crosses; all of them with VERONA_SOAK.
import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { cutFailed, cutPoints } from '#protocols/exchange/testing'
import { at, settled } from '../testing/fixture.ts'
import { dropHands, type Hand } from '../testing/hand.ts'
import { clientOf, everything, type TwoDomains, twoDomains } from '../testing/two-domains.ts'

afterEach(dropHands)

const juliet = 'impp://capulet.example/juliet'
const romeo = 'impp://montague.example/romeo'

interface Scene {
  readonly world: TwoDomains
  readonly here: Hand
  readonly there: Hand
}

async function scene(): Promise<Scene> {
  const world = await twoDomains()
  const here = await clientOf(world.here, 'romeo', { Device: 'orchard' })
  const there = await clientOf(world.there, 'juliet', { Device: 'balcony' })
  return { world, here, there }
}

/** Plays `act` uncut to learn how many octets cross, then once for each octet, or for a sample of them, cutting behind it. */
async function cutAnywhere(
  act: (scene: Scene) => Promise<void>,
  prepare = async (_: Scene): Promise<void> => {},
): Promise<void> {
  const measure = await scene()
  await prepare(measure)
  const before = measure.world.wires.crossed
  await act(measure)
  const octets = measure.world.wires.crossed - before
  dropHands()
  assert.ok(octets > 100)
  for (const cut of cutPoints(octets)) {
    const each = await scene()
    await prepare(each)
    each.world.wires.cutAfter = each.world.wires.crossed + cut
    await act(each).catch((error: Error) => {
      throw cutFailed(cut, octets, error)
    })
    dropHands()
  }
}

/** Waits for the next of a hand's units, letting time pass while nothing comes. */
async function soon(world: TwoDomains, list: Hand['requests']): Promise<Hand['requests'][number]> {
  for (let seconds = 0; seconds < 200; seconds++) {
    await settled()
    const next = list.shift()
    if (next !== undefined) return next
    world.clock.advance(1000)
  }
  throw new Error('nothing came')
}

test('a message and its answer', async () => {
  await cutAnywhere(async ({ world, here, there }) => {
    here.request('SEND', 'm1', { Target: juliet, 'Message-ID': 'one' }, 'first')
    here.request('SEND', 'm2', { Target: juliet, 'Message-ID': 'two' }, 'second')
    for (const id of ['m1', 'm2'])
      assert.match((await soon(world, here.responses)).first, new RegExp(`^OK \\(SEND\\) ${id} `))
    await everything()
    assert.deepEqual(
      there.requests.splice(0).map(({ body }) => body),
      ['first', 'second'],
    )
    // What comes later is in order, and nothing came twice.
    there.request('SEND', 'm3', { Target: romeo }, 'third')
    assert.match((await soon(world, there.responses)).first, /^OK/)
    assert.equal((await soon(world, here.requests)).body, 'third')
    assert.deepEqual([here.requests, there.requests], [[], []])
  })
})

test('a message that its recipient acknowledges late', async () => {
  await cutAnywhere(async ({ world, here, there }) => {
    there.answers = 'nothing'
    here.request('SEND', 'm1', { Target: juliet }, 'first')
    const arrived = await soon(world, there.requests)
    world.clock.advance(5000)
    await everything()
    there.answer(arrived)
    assert.match((await soon(world, here.responses)).first, /^OK \(SEND\) m1 /)
    await everything()
    assert.deepEqual(there.requests, [])
  })
})

const open =
  '<presence><entity>pres:juliet@capulet.example</entity><tuple><id>x</id><basic>open</basic></tuple></presence>'
const closed = open.replace('open', 'closed')

function says(there: Hand, body: string): void {
  const fields = { Target: juliet, 'Lease-Time': 'connection', 'Content-Type': 'application/impp' }
  there.request('CHANGE', `c${++changes}`, fields, body)
}
let changes = 0

/** Lets time pass until the watcher's last word on the presentity is `state`. */
async function untilShown({ world, here }: Scene, state: RegExp): Promise<void> {
  let last = ''
  for (let seconds = 0; seconds < 400; seconds++) {
    await settled()
    const told = here.requests.splice(0)
    if (told.length > 0) last = told.at(-1)?.body ?? ''
    if (state.test(last)) return
    world.clock.advance(1000)
  }
  throw new Error(`the watcher was last told ${last}`)
}

async function befriended({ world }: Scene): Promise<void> {
  const { contacts } = world.there.service
  contacts.approve(at('juliet@capulet.example'), at('romeo@montague.example'), undefined, () => {})
  await everything()
}

test('a subscription, what it tells, and its end', async () => {
  await cutAnywhere(async (each) => {
    const { world, here, there } = each
    here.request('SUBSCRIBE', 's1', { Target: juliet, Accept: 'application/impp' })
    assert.match((await soon(world, here.responses)).first, /^OK/)
    says(there, open)
    await untilShown(each, /open/)
    says(there, closed)
    await untilShown(each, /closed/)
    here.request('UNSUBSCRIBE', 's2', { Target: juliet })
    await soon(world, here.responses)
    for (let seconds = 0; seconds < 100 && world.there.domains.watchers.size > 0; seconds++) {
      await everything()
      world.clock.advance(1000)
    }
    assert.equal(world.there.domains.watchers.size, 0)
    assert.equal(world.here.domains.linkTo('capulet.example').isWatching, false)
  }, befriended)
})

test('a FETCH', async () => {
  await cutAnywhere(async ({ world, here, there }) => {
    says(there, open)
    await soon(world, there.responses)
    here.request('FETCH', 'f1', { Target: juliet, Accept: 'application/impp' })
    const answer = await soon(world, here.responses)
    assert.match(answer.first, /^OK/, JSON.stringify(answer))
    assert.match(answer.body, /open/)
  }, befriended)
})

test('a connection that is cut all the time makes no storm of connections', async () => {
  const { world, here } = await scene()
  const { wires } = world
  here.request('SEND', 'm1', { Target: juliet }, 'first')
  await everything()
  here.responses.splice(0)
  // From here on every connection ends before an answer crosses.
  const before = wires.opened
  here.request('SEND', 'm2', { Target: juliet }, 'second')
  for (let second = 0; second < 60; second++) {
    wires.cutAll()
    await everything()
    wires.cutAll()
    world.clock.advance(1000)
  }
  await everything()
  assert.ok(wires.opened - before < 20, `${wires.opened - before} connections in a minute`)
})
