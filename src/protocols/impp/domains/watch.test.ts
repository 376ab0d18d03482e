// Watching across domains as time passes and servers come and go (docs/specs/impp-1.0.md §12.6; IMPP §14).
import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { requestBytes } from '../codec/index.ts'
import { at, settled } from '../testing/fixture.ts'
import { dropHands, type Hand } from '../testing/hand.ts'
import { clientOf, everything, type TwoDomains, twoDomains } from '../testing/two-domains.ts'

afterEach(dropHands)

const juliet = 'impp://capulet.example/juliet'
const romeo = 'impp://montague.example/romeo'
const romeoAddress = at('romeo@montague.example')
const julietAddress = at('juliet@capulet.example')

interface Scene {
  readonly world: TwoDomains
  /** Romeo, who watches. */
  readonly watcher: Hand
}

async function watching(settings = {}): Promise<Scene> {
  const world = await twoDomains(settings)
  world.there.service.contacts.approve(julietAddress, romeoAddress, undefined, () => {})
  await everything()
  const watcher = await clientOf(world.here, 'romeo')
  const asked = await watcher.ask('SUBSCRIBE', { Target: juliet, Accept: 'application/impp' })
  assert.match(asked.first, /^OK/)
  await everything()
  watcher.requests.splice(0)
  return { world, watcher }
}

/** Juliet says for good that she is open or closed. */
async function says(world: TwoDomains, basic: 'open' | 'closed'): Promise<void> {
  const hand = await clientOf(world.there, 'juliet')
  const body = `<presence><entity>pres:juliet@capulet.example</entity><tuple><id>x</id><basic>${basic}</basic></tuple></presence>`
  const fields = { Target: juliet, 'Lease-Time': 'infinity', 'Content-Type': 'application/impp' }
  assert.match((await hand.ask('CHANGE', fields, body)).first, /^OK/)
  await everything()
}

/** What the watcher was shown last: `open`, `closed`, or nothing. */
function shown({ requests }: Hand): string | undefined {
  const last = requests.splice(0).at(-1)
  return last === undefined ? undefined : (/<basic>(\w+)/.exec(last.body)?.[1] ?? 'nothing')
}

/** SUBSCRIBEs that crossed since this was asked last. */
function asked({ wires }: TwoDomains): number {
  return (
    wires.said
      .splice(0)
      .map(({ octets }) => octets)
      .join('')
      .match(/^SUBSCRIBE /gm)?.length ?? 0
  )
}

async function pass({ clock }: TwoDomains, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second += 5) {
    clock.advance(5000)
    await settled()
  }
}

describe('a lease', () => {
  test('is renewed between 60 and 85 percent of it, again and again, as long as somebody looks', async () => {
    const { world, watcher } = await watching({ domainLeaseSeconds: 1000 })
    asked(world)
    await pass(world, 590)
    assert.equal(asked(world), 0)
    await pass(world, 270)
    assert.equal(asked(world), 1)
    // The client renews its own with us.
    await watcher.ask('SUBSCRIBE', { Target: juliet, Accept: 'application/impp' })
    await pass(world, 860)
    assert.equal(asked(world), 1)
    await watcher.ask('UNSUBSCRIBE', { Target: juliet })
    await pass(world, 2000)
    assert.equal(asked(world), 0)
  })

  test('is what the presentity’s domain says, shorter than asked for', async () => {
    const { world } = await watching({ domainLeaseSeconds: 7200, subscriptionSecondsMax: 100 })
    asked(world)
    await pass(world, 90)
    assert.equal(asked(world), 1)
  })

  test('that nobody can renew ends what is known, and is had again when the domain is back', async () => {
    const { world, watcher } = await watching({ domainLeaseSeconds: 100 })
    await says(world, 'open')
    assert.equal(shown(watcher), 'open')
    world.wires.up = false
    world.wires.cutAll()
    await pass(world, 100)
    assert.equal(shown(watcher), 'nothing')
    world.wires.up = true
    await pass(world, 400)
    assert.equal(shown(watcher), 'open')
  })
})

describe('a restart', () => {
  test('of the presentity’s server: the subscription is kept, and told how things stand', async () => {
    const { world, watcher } = await watching()
    await says(world, 'open')
    assert.equal(shown(watcher), 'open')
    dropped(world)
    await world.restartThere()
    await everything()
    assert.equal(world.there.domains.watchers.size, 1)
    await says(world, 'closed')
    assert.equal(shown(watcher), 'closed')
  })

  test('of the watcher’s server: the presentity’s hears that nobody knows the subscription', async () => {
    const { world } = await watching()
    world.here.domains.linkTo('capulet.example').stop() // as if it had never watched
    await says(world, 'open')
    assert.equal(world.there.domains.watchers.size, 0)
    assert.deepEqual(await world.there.service.store.subscriptions('impp'), [])
  })
})

function dropped({ wires }: TwoDomains): void {
  wires.cutAll()
}

test('a state that a later one has overtaken is acknowledged and not shown', async () => {
  const { world, watcher } = await watching()
  await says(world, 'open')
  assert.equal(shown(watcher), 'open')
  const [pair] = [...world.there.domains.pairs()]
  assert.ok(pair)
  const answers: string[] = []
  const tell = async (id: string, sequence: string, basic: string): Promise<void> => {
    const body = `<presence><entity>pres:juliet@capulet.example</entity><tuple><id>x</id><basic>${basic}</basic></tuple></presence>`
    const fields = [
      ['From', juliet],
      ['Connection-ID', '0'],
      ['Target', romeo],
      ['Origin', juliet],
      ['Sequence', sequence],
    ] as const
    const octets = requestBytes('CHANGE-NOTIFY', id, fields, {
      type: 'application/impp',
      bytes: Buffer.from(body),
    })
    pair.outstanding.request({ id, from: juliet, connectionId: '0' }, [octets], '', (carried) =>
      answers.push(typeof carried === 'string' ? carried : carried.ok ? 'OK' : 'ERROR'),
    )
    await everything()
  }
  const now = world.clock.now()
  await tell('late', String(now + 100), 'closed')
  assert.equal(shown(watcher), 'closed')
  await tell('early', String(now + 99), 'open')
  assert.equal(shown(watcher), undefined)
  assert.deepEqual(answers, ['OK', 'OK'])
})

test('who looks away and back while an answer is due has one subscription in the end', async () => {
  const { world } = await watching()
  const link = world.here.domains.linkTo('capulet.example')
  for (let turn = 0; turn < 5; turn++) {
    link.unwatch(romeoAddress, julietAddress)
    link.watch(romeoAddress, julietAddress)
  }
  await everything()
  assert.equal(world.there.domains.watchers.size, 1)
  link.unwatch(romeoAddress, julietAddress)
  link.watch(romeoAddress, julietAddress)
  link.unwatch(romeoAddress, julietAddress)
  await everything()
  assert.deepEqual([world.there.domains.watchers.size, link.isWatching], [0, false])
})

test('somebody who does not exist, or blocks, is not asked about again', async () => {
  const world = await twoDomains()
  const watcher = await clientOf(world.here, 'romeo')
  await watcher.ask('SUBSCRIBE', { Target: 'impp://capulet.example/nobody' })
  await everything()
  assert.match((await watcher.next(watcher.requests)).first, /^TERMINATE-SUBSCRIPTION/)
  asked(world)
  await pass(world, 1000)
  assert.equal(asked(world), 0)
})
