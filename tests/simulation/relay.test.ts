// Random lives of a server that writes to other domains: ways go and come, the server stops in order or is killed and starts again
// upon the same store. Whatever happened: no accepted message is lost, none is doubled by the relay, and the order of each pair
// of people holds. The seed is printed; VERONA_SEED=n lives that one life again.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '#base'
import type { Store } from '#core'
import { createMemoryStore } from '#store'
import { Device } from '../../src/core/testing/devices.ts'
import { message } from '../../src/core/testing/envelopes.ts'
import { ScriptedPeerProtocol } from '../../src/core/testing/peers.ts'
import {
  addAccounts,
  createWorld,
  send,
  settled,
  signIn,
  type World,
  wordOf,
} from '../../src/core/testing/world.ts'
import { FarDomain } from './far-domain.ts'
import { type MortalStore, mortalStore } from './mortal-store.ts'
import { Chance } from './random.ts'

const runs = process.env.VERONA_SOAK ? 1500 : 20
const steps = 250
const given = Number(process.env.VERONA_SEED ?? Number.NaN)
const first = Number.isNaN(given) ? Math.floor(Math.random() * 1_000_000_000) : given

const senders = ['romeo@verona.example', 'benvolio@verona.example']
const recipients = ['juliet@capulet.example', 'nurse@capulet.example', 'iago@venice.example']
const policy = { relay: { retryFirst: 1_000, retryMax: 60_000, queueLengthMax: 40 } }

class Lives {
  readonly #chance: Chance
  readonly #disk: Store = createMemoryStore()
  readonly #clock = new VirtualClock()
  readonly domains: readonly FarDomain[]
  /** What senders were told, by message; one that was never told has none. */
  readonly outcomes = new Map<string, string>()
  /** Messages in the order of sending, by pair. */
  readonly sent = new Map<string, string[]>()
  readonly devices: Device[] = []
  readonly faults: string[] = []
  /** Lives that were killed. */
  readonly killed = new Set<number>()
  #world!: World
  #mortal!: MortalStore
  #life = 0
  #count = 0

  constructor(seed: number) {
    this.#chance = new Chance(seed)
    this.domains = ['capulet.example', 'venice.example'].map(
      (name) => new FarDomain(name, this.#chance, this.#chance.percent(50)),
    )
  }

  static async begin(seed: number): Promise<Lives> {
    const lives = new Lives(seed)
    await addAccounts(lives.#disk, senders)
    await lives.#start()
    return lives
  }

  async #start(): Promise<void> {
    const life = ++this.#life
    this.#mortal = mortalStore(this.#disk, this.#chance)
    const protocol = new ScriptedPeerProtocol(this.domains.map(({ name }) => name))
    for (const domain of this.domains) domain.serve(protocol.linkTo(domain.name), life)
    this.#world = await createWorld({
      accounts: [],
      peers: [protocol],
      policy,
      store: () => this.#mortal.store,
      clock: this.#clock,
    })
    await this.#world.service.relay.load()
    for (const sender of senders) {
      const device = new Device(sender)
      this.devices.push(device)
      await signIn(this.#world, device)
    }
    this.#world.service.relay.start()
  }

  async step(): Promise<void> {
    const drawn = this.#chance.below(100)
    if (drawn < 55) this.#send()
    else if (drawn < 75) this.#chance.one(this.domains).answerSome()
    else if (drawn < 80) this.#chance.one(this.domains).down()
    else if (drawn < 86) this.#chance.one(this.domains).up = true
    else if (drawn < 95) this.#clock.advance(this.#chance.below(20_000))
    else if (drawn < 97) this.#world.service.relay.retry(this.#chance.one(this.domains).name)
    else if (drawn < 99) await this.#kill()
    else await this.#restart()
    for (let turns = this.#chance.below(4); turns > 0; turns--) await new Promise(setImmediate)
  }

  #send(): void {
    const [from, to] = [this.#chance.one(senders), this.#chance.one(recipients)]
    const id = `m${++this.#count}`
    const pair = `${from} ${to}`
    this.sent.set(pair, [...(this.sent.get(pair) ?? []), id])
    const whenAbsent = this.#chance.percent(15) ? 'drop' : 'store'
    const [life, sketch] = [this.#life, { from, to, id, whenAbsent } as const]
    void send(this.#world, message(sketch)).then((outcome) => {
      // Nobody hears what a dead server says.
      if (this.#life === life) this.outcomes.set(id, wordOf(outcome))
    })
  }

  async #kill(): Promise<void> {
    this.killed.add(this.#life)
    this.#mortal.kill()
    this.faults.push(...this.#world.faults)
    for (const domain of this.domains) domain.abandoned()
    // Its timers die with it.
    void this.#world.service.relay.stop()
    await this.#start()
  }

  /** In order: links give back what they hold, then the relay stops, then the store is closed. */
  async #restart(): Promise<void> {
    const wereUp = this.domains.map(({ up }) => up)
    for (const domain of this.domains) domain.down()
    await this.#world.service.relay.stop()
    for (let turns = 0; turns < 40; turns++) await new Promise(setImmediate)
    this.faults.push(...this.#world.faults)
    for (const [n, domain] of this.domains.entries()) domain.up = wereUp[n] === true
    await this.#start()
  }

  /** Everybody can be reached, and time passes until nothing waits. */
  async rest(): Promise<void> {
    for (const domain of this.domains) {
      domain.up = true
      domain.calm = true
      while (domain.isBusy) domain.answerSome()
    }
    for (let turns = 0; turns < 100; turns++) {
      await settled()
      this.#clock.advance(60_000)
      await settled()
      if (turns > 5 && (await this.#disk.queuedDomains()).length === 0) break
    }
    this.faults.push(...this.#world.faults)
    assert.deepEqual(await this.#disk.queuedDomains(), [], 'every queue is empty in the end')
  }

  /** Messages that their senders were told have failed, after they had been taken on. */
  get reported(): Set<string> {
    const reports = this.devices.flatMap(({ received }) =>
      received.filter(({ envelope }) => envelope.head.kind === 'report'),
    )
    return new Set(reports.map(({ envelope }) => (envelope.view() as unknown as { about: string }).about))
  }
}

test(`random lives of a relay from seed ${first}`, async (t) => {
  for (let seed = first; seed < first + (Number.isNaN(given) ? runs : 1); seed++) {
    try {
      const lives = await Lives.begin(seed)
      for (let n = 0; n < steps; n++) await lives.step()
      await lives.rest()
      holds(lives)
    } catch (cause) {
      t.diagnostic(`VERONA_SEED=${seed}`)
      throw cause
    }
  }
})

function holds(lives: Lives): void {
  assert.deepEqual(lives.faults, [])
  const taken = lives.domains.flatMap((domain) => domain.taken)
  const takenIds = new Set(taken.map(({ id }) => id))
  const { reported } = lives
  for (const [id, outcome] of lives.outcomes) {
    if (['stored', 'delivered', 'relayed'].includes(outcome))
      assert.ok(takenIds.has(id) || reported.has(id), `${id}, told ${outcome}, is lost`)
  }
  noneDoubled(lives)
  for (const [pair, ids] of lives.sent) {
    const once = [...new Set(taken.filter((one) => one.pair === pair).map(({ id }) => id))]
    assert.deepEqual(
      once,
      ids.filter((id) => takenIds.has(id)),
      `the order of ${pair}`,
    )
  }
}

/** A message comes again only when nobody heard that it was taken: its link died, or our server did. */
function noneDoubled({ domains, killed }: Lives): void {
  for (const { taken } of domains) {
    const heard = new Map<string, number>()
    for (const { id, life, told } of taken) {
      const before = heard.get(id)
      assert.ok(
        before === undefined || killed.has(before),
        `${id} was taken, and offered again in life ${life}`,
      )
      if (told) heard.set(id, life)
    }
  }
}
