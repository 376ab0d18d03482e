// Servers of several domains that speak PRIM with each other in memory, any of which may be killed at any moment and begins again upon its store.
import { VirtualClock } from '#base'
import type { Store } from '#core'
import type { Connection } from '#net'
import { createMemoryStore } from '#store'
import { Wires } from '../../src/protocols/exchange/testing/index.ts'
import type { PrimSettings } from '../../src/protocols/prim/settings.ts'
import { makeWorld, tlsOf, type World } from '../../src/protocols/prim/testing/domain-world.ts'
import { at, settled } from '../../src/protocols/prim/testing/fixture.ts'
import { type MortalStore, mortalStore } from './mortal-store.ts'
import { PrimPerson } from './prim-person.ts'
import type { Chance } from './random.ts'

/** A domain, where its server is for others, and from where it speaks. */
const domains = [
  { name: 'example.com', person: 'bob', address: '192.0.2.1', outwards: '198.51.100.1' },
  { name: 'example.net', person: 'alice', address: '192.0.2.2', outwards: '198.51.100.2' },
  { name: 'example.org', person: 'mallory', address: '192.0.2.3', outwards: '198.51.100.3' },
] as const

type Domain = (typeof domains)[number]

/** One server, life after life. */
export interface Place {
  readonly domain: Domain
  /** What survives. */
  readonly store: Store
  /** Undefined while it is dead. */
  world: World | undefined
  mortal: MortalStore | undefined
  kills: number
}

export interface TownNature {
  readonly domains: 2 | 3
  /** Who a server is: its certificate; or its address, by DNS and VERIFYSERVER, without TLS. */
  readonly proof: 'certificate' | 'address'
}

const roomy: Partial<PrimSettings> = {
  pendingMax: 100,
  queuedMax: 100,
  subscriptionsMax: 50,
  domainSubscriptionsMax: 50,
  domainPendingMax: 50,
  domainConnectionsMax: 100,
  domainStrangersPerAddressMax: 100,
  domainRequestsPerSecondMax: 10_000,
  domainQueuedMax: 500,
  domainAnswersMax: 1000,
}

export class PrimTown {
  readonly clock = new VirtualClock(Date.UTC(2026, 4, 1, 9))
  readonly wires = new Wires()
  readonly #began = this.clock.monotonic()
  readonly places: readonly Place[]
  readonly people: readonly PrimPerson[]
  readonly log: string[] = []
  /** Told when a server knows where another one is, and when it has connected to it. */
  onDial: ((isConnected: boolean) => void) | undefined
  readonly #nature: TownNature
  readonly #chance: Chance

  private constructor(nature: TownNature, chance: Chance) {
    this.#nature = nature
    this.#chance = chance
    this.places = domains.slice(0, nature.domains).map((domain) => ({
      domain,
      store: createMemoryStore(),
      world: undefined,
      mortal: undefined,
      kills: 0,
    }))
    this.people = this.places.map((place) => new PrimPerson(place.domain.person, place.domain.name, this))
  }

  /** The servers run, and everybody lets everybody watch: nobody has said anything yet. */
  static async create(nature: TownNature, chance: Chance): Promise<PrimTown> {
    const town = new PrimTown(nature, chance)
    for (const place of town.places) await town.start(place)
    for (const place of town.places) {
      const own = at(`${place.domain.person}@${place.domain.name}`)
      for (const other of town.places) {
        if (other === place) continue
        const rule = { subject: other.domain.name, action: 'allow', visibility: 'full' } as const
        await new Promise((resolve) => place.world?.service.contacts.setRule(own, rule, resolve))
      }
    }
    return town
  }

  say(what: string): void {
    this.log.push(`${Math.round((this.clock.monotonic() - this.#began) / 1000)} s: ${what}`)
  }

  placeOf(domain: string): Place {
    return this.places.find((place) => place.domain.name === domain) as Place
  }

  /** The server begins, or begins again. */
  async start(place: Place): Promise<void> {
    if (place.world !== undefined) return
    this.say(`the server of ${place.domain.name} starts`)
    const mortal = mortalStore(place.store, this.#chance)
    const { name, outwards } = place.domain
    // It alone knows from where it speaks: DNS has only where it listens.
    const addresses = Object.fromEntries(
      domains.map((each) => [each.name, each.name === name ? [each.address, outwards] : [each.address]]),
    )
    const anonymous = { serverAnonymous: true, strengthMin: 'none' } as const
    const kills = place.kills
    const world = await makeWorld({
      domain: name,
      clock: this.clock,
      settings: { ...roomy, ...(this.#nature.proof === 'address' && anonymous) },
      dial: (host) => this.#dial(place, kills, host),
      store: mortal.store,
      addresses,
    })
    if (this.#nature.proof === 'address') world.policy.tls = 'none'
    place.mortal = mortal
    place.world = world
    await world.service.relay.load()
    await world.domains.watchers.restore()
    world.service.relay.start()
  }

  /** `kill -9`: what it had written to its store, and what others have heard, is what is left of it. */
  kill(place: Place): void {
    if (place.world === undefined) return
    this.say(`the server of ${place.domain.name} is killed`)
    for (const person of this.people) person.listen()
    place.mortal?.kill()
    place.world = undefined
    place.kills++
    this.wires.cutOf(place.domain.name)
    for (const person of this.people) if (person.domain === place.domain.name) person.lost()
  }

  async #dial(from: Place, kills: number, host: string): Promise<Connection> {
    this.onDial?.(false)
    const to = this.places.find(({ domain }) => domain.address === host)
    if (from.kills !== kills || to?.world === undefined) throw new Error('nobody answers')
    const names = [from.domain.name, to.domain.name]
    const remote = { address: from.domain.outwards, port: 50_000 }
    const [accepted, dialled] = this.wires.pair({ clock: this.clock, tls: tlsOf(names), remote }, names)
    to.world.domains.accept(accepted)
    this.onDial?.(true)
    return dialled
  }

  /** What follows without time passing. */
  async quiet(turns = 4): Promise<void> {
    for (let turn = 0; turn < turns; turn++) await settled()
    for (const person of this.people) person.listen()
  }

  /** What is under way arrives first: an answer that takes half a minute is no answer, and a device is told again. */
  async pass(seconds: number): Promise<void> {
    await this.quiet()
    this.clock.advance(seconds * 1000)
    await this.quiet()
  }

  /** All servers run, everybody is there, and time passes until `holds`, for an hour at most: the longest lease. */
  async rest(holds: () => boolean): Promise<void> {
    for (const place of this.places) await this.start(place)
    for (let minute = 0; minute < 65; minute++) {
      for (const person of this.people) await person.signIn()
      await this.quiet()
      if (holds()) return
      await this.pass(60)
    }
  }
}
