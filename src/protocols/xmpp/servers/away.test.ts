// A domain that is away for a minute, an hour, three days: in the midst of a load the way to it is cut, and both servers live on. What was
// taken on arrives once and in order, what waited too long is reported, tries are few, and the return is no flood. From a printed seed.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { flushConnections } from '#net'
import type { TestClient } from '../testing/test-client.ts'
import { capulet, montague, type Town, type TwoServers, twoServers } from '../testing/two-servers.ts'

const runs = Number(process.env.VERONA_SOAK) > 0 ? 40 : 2
const firstSeed = Number(process.env.VERONA_SEED) || 1 + Math.floor(Math.random() * 1_000_000)
const minute = 60_000
const hour = 60 * minute
/** As `[peers] expiry_hours` says. */
const expiry = 72 * hour

/** mulberry32 */
function randomOf(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) {
    flushConnections()
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** Time passes from timer to timer, each with its consequences. */
async function pass(world: TwoServers, ms: number): Promise<void> {
  const { clock } = world
  for (const end = clock.now() + ms; clock.now() < end; ) {
    clock.advance(Math.min(end, Math.max(clock.now(), clock.nextDue() ?? end)) - clock.now() || 1)
    await turns(3)
  }
}

interface Person {
  readonly user: string
  readonly domain: string
  readonly town: () => Town
  readonly client: TestClient
}

interface Sent {
  readonly id: string
  readonly from: Person
  readonly to: Person
  readonly at: number
}

class Scene {
  readonly world: TwoServers
  readonly random: (below: number) => number
  readonly sent: Sent[] = []
  people: readonly Person[] = []

  constructor(world: TwoServers, seed: number) {
    this.world = world
    this.random = randomOf(seed)
  }

  static async open(seed: number): Promise<Scene> {
    // Whoever is here stays, though its client answers no ping.
    const scene = new Scene(await twoServers({ idleSeconds: 1_000_000 }), seed)
    const { world } = scene
    const people: Person[] = []
    for (const user of ['romeo', 'mercutio', 'juliet', 'nurse']) {
      const domain = people.length < 2 ? montague : capulet
      const town = (): Town => world.towns.get(domain) as Town
      people.push({ user, domain, town, client: await town().domain.available(user, 'home') })
    }
    scene.people = people
    return scene
  }

  /** Each of one side says something to one of the other. */
  talk(): void {
    for (const from of this.people) {
      const others = this.people.filter(({ domain }) => domain !== from.domain)
      const to = others[this.random(others.length)] as Person
      const id = `${from.user}-${this.sent.length}`
      this.sent.push({ id, from, to, at: this.world.clock.now() })
      from.client.send(
        `<message to='${to.user}@${to.domain}' type='chat' id='${id}'><body>${id}</body></message>`,
      )
    }
  }

  /** The way is cut behind some octet of a load, and stays so. */
  async cut(): Promise<void> {
    const { wires } = this.world
    for (let step = 0; step < 4; step++) {
      this.talk()
      await turns(20)
    }
    wires.cutAfter = wires.crossed + 1 + this.random(2500)
    for (let step = 0; step < 6; step++) {
      this.talk()
      await turns(this.random(4))
    }
    wires.up = false
    wires.cutAll()
    wires.cutAfter = Number.POSITIVE_INFINITY
  }

  /** The identifiers of what came to each person, in order. */
  async arrived(to: Person): Promise<string[]> {
    const { store, service } = to.town().domain
    const address = to.town().domain.address(to.user)
    assert.ok(service !== undefined)
    const history = await store.history(address, { limit: 1000 })
    return history.filter(({ head }) => head.to.key === address.key).map(({ head }) => head.id)
  }

  /** The identifiers of what each sender was told has failed. */
  failed(): Set<string> {
    const failed = new Set<string>()
    for (const { client } of this.people)
      for (const element of client.received)
        if (element.name === 'message' && element.attribute('type') === 'error')
          failed.add(element.attribute('id') ?? '')
    return failed
  }

  async holds(cameBack: number): Promise<void> {
    const failed = this.failed()
    const isLate = this.sent.some(({ at }) => at < cameBack - expiry - 10 * minute)
    assert.equal(failed.size > 0, isLate, `${failed.size} were reported`)
    for (const to of this.people) {
      const came = await this.arrived(to)
      assert.equal(new Set(came).size, came.length, `${to.user} has something twice`)
      for (const from of this.people) {
        const own = this.sent.filter((one) => one.from === from && one.to === to)
        const expected = own.filter(({ id }) => came.includes(id)).map(({ id }) => id)
        assert.deepEqual(
          came.filter((id) => id.startsWith(`${from.user}-`)),
          expected,
          `${from.user} to ${to.user}`,
        )
        for (const { id, at } of own) {
          assert.ok(came.includes(id) || failed.has(id), `${id} is lost`)
          // With a little for the stream that was awaited, and for the next try.
          if (at > cameBack - expiry + 10 * minute)
            assert.ok(came.includes(id) && !failed.has(id), `${id} did not arrive, or was reported`)
        }
      }
    }
  }
}

/** [how long, in ms, tries of each side that are too many] */
const rows: [name: string, ms: number, triesMax: number][] = [
  ['a minute', minute, 40],
  ['an hour', hour, 80],
  ['71 hours', 71 * hour, 3600],
  ['73 hours', 73 * hour, 3700],
]

for (let run = 0; run < runs; run++) {
  for (const [name, ms, triesMax] of rows) {
    const seed = firstSeed + run
    test(`a domain that is away for ${name} under load: nothing is lost, doubled or out of order (XEP-0198 §5); seed ${seed}`, async () => {
      const scene = await Scene.open(seed)
      const { world } = scene
      await scene.cut()
      const opened = world.wires.tried
      for (let part = 0; part < 6; part++) {
        await pass(world, ms / 6)
        scene.talk()
        await turns(5)
      }
      const tries = world.wires.tried - opened
      // Both sides try.
      assert.ok(tries > 2 && tries < 2 * triesMax, `${tries} tries`)
      const cameBack = world.clock.now()
      world.wires.up = true
      const before = world.wires.opened
      await pass(world, 1000)
      assert.ok(world.wires.opened - before <= 2, `${world.wires.opened - before} connections in a second`)
      // The longest wait between two tries is five minutes.
      await pass(world, 11 * minute)
      assert.ok(world.wires.opened - before <= 6, `${world.wires.opened - before} connections`)
      for (const { town } of scene.people) assert.deepEqual(await town().domain.service.relay.status(), [])
      scene.talk()
      await pass(world, 5000)
      await scene.holds(cameBack)
    })
  }
}
