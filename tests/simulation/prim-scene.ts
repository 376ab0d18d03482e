// People of PRIM domains by hand, each of whom comes back when its server does, for what happens step by step: alice (example.net) turns to bob (example.com), and
// where there are three domains to mallory (example.org).
import assert from 'node:assert/strict'
import { Hand, pidf } from '../../src/protocols/prim/testing/hand.ts'
import { type Place, PrimTown } from './prim-town.ts'
import { Chance } from './random.ts'

export class Player {
  readonly place: Place
  readonly name: string
  hand: Hand | undefined
  /** Bodies of the messages that came. */
  readonly got: string[] = []
  /** Of which messages a report came. */
  readonly reported: string[] = []
  /** Notes of the presence that it was shown, in order; empty where there was none. */
  readonly seen: string[] = []
  /** Requests that ended a subscription. */
  readonly cancelled: string[] = []
  /** Statuses of its own requests, by their ids. */
  readonly answers = new Map<string, number>()

  constructor(name: string, place: Place) {
    this.name = name
    this.place = place
  }

  get address(): string {
    return `${this.name}@${this.place.domain.name}`
  }

  /** Logs in where it is not, and listens where it wants to. */
  async come(listens: boolean): Promise<void> {
    const { world } = this.place
    if (this.hand !== undefined || world === undefined) return
    const hand = new Hand(world)
    await hand.login(this.name)
    await hand.login(this.name, 'pres')
    this.hand = hand
    this.look()
    if (listens) hand.send('LISTEN PRIM-IM', { From: hand.im })
  }

  lost(): void {
    this.look()
    this.hand?.drop()
    this.hand = undefined
  }

  message(to: Player, id: string): void {
    const fields = { To: `im:${to.address}`, 'Message-ID': id, 'Content-Type': 'text/plain' }
    this.hand?.send(`SEND PRIM-IM ${id}`, { From: this.hand.im, ...fields }, id)
  }

  presence(method: string, id: string, of: Player, fields: Readonly<Record<string, string>> = {}): void {
    const parties = { From: `pres:${this.address}`, To: `pres:${of.address}` }
    this.hand?.send(`${method} PRIM-PR ${id}`, { ...parties, ...fields })
  }

  publish(note: string): void {
    const fields = { 'PI-Type': 'permanent', 'Tuple-ID': 'im', 'Content-Type': 'application/pidf+xml' }
    this.hand?.send('PUBLISH PRIM-PR', { From: `pres:${this.address}`, ...fields }, pidf('open', note))
  }

  /** Takes note of what came. */
  look(): void {
    for (const { first, status, body } of this.hand?.responses.splice(0) ?? []) {
      this.answers.set(first.split(' ')[1] ?? '', status)
      if (body.includes('<presence')) this.seen.push(noteIn(body))
    }
    for (const { first, fields, body } of this.hand?.requests.splice(0) ?? []) {
      if (first.startsWith('NOTIFY ')) this.seen.push(noteIn(body))
      else if (first.startsWith('CANCELSUBSCRIPTION ')) this.cancelled.push(first)
      else if (fields.Report !== undefined) this.reported.push(fields.About ?? '')
      else this.got.push(body)
    }
  }
}

function noteIn(body: string): string {
  return /<note>(.*?)<\/note>/.exec(body)?.[1] ?? ''
}

export type Victim = 'sending' | 'receiving'

export class Scene {
  readonly town: PrimTown
  readonly alice: Player
  readonly bob: Player
  readonly mallory: Player | undefined
  readonly victim: Place
  /** The trap has sprung. */
  isSprung = false

  private constructor(town: PrimTown, victim: Victim) {
    this.town = town
    this.bob = new Player('bob', town.placeOf('example.com'))
    this.alice = new Player('alice', town.placeOf('example.net'))
    const third = town.places.length > 2
    this.mallory = third ? new Player('mallory', town.placeOf('example.org')) : undefined
    this.victim = victim === 'sending' ? this.alice.place : this.bob.place
  }

  static async create(victim: Victim, domains: 2 | 3 = 2): Promise<Scene> {
    const scene = new Scene(await PrimTown.create({ domains, proof: 'certificate' }, new Chance(1)), victim)
    await scene.come()
    await scene.quiet()
    return scene
  }

  get players(): readonly Player[] {
    return [this.alice, this.bob, ...(this.mallory === undefined ? [] : [this.mallory])]
  }

  async come(): Promise<void> {
    for (const player of this.players) await player.come(true)
  }

  /** `kill -9` of the victim: once. */
  readonly kill = (): void => {
    if (this.isSprung) return
    this.isSprung = true
    this.town.kill(this.victim)
    for (const player of this.players) if (player.place === this.victim) player.lost()
  }

  /** What follows without time passing. */
  async quiet(): Promise<void> {
    await this.town.quiet(6)
    for (const player of this.players) player.look()
  }

  /** The victim begins again, and its people come back. */
  async again(): Promise<void> {
    this.town.wires.tap = undefined
    this.town.onDial = undefined
    assert.ok(this.isSprung, `the step was never reached:\n${this.town.wires.texts.join('\n')}`)
    await this.pass(3)
    await this.town.start(this.victim)
    await this.come()
    await this.quiet()
  }

  async pass(seconds: number): Promise<void> {
    await this.quiet()
    this.town.clock.advance(seconds * 1000)
    await this.quiet()
  }

  /** Time passes until it holds. */
  async until(holds: () => boolean, what: string, minutes = 10): Promise<void> {
    for (let time = 0; time < minutes * 6 && !holds(); time++) await this.pass(10)
    assert.ok(holds(), `${what}; seen by alice: ${this.alice.seen}; got by bob: ${this.bob.got}`)
  }
}

/** Waits for a step, and then kills. */
export type Trap = (scene: Scene, kill: () => void) => void

/** What crosses the wire begins so: it has been written, or it has been read. `times`: the first, second... of them. */
export function crossing(start: RegExp, isRead: boolean, times = 1): Trap {
  return ({ town }, kill) => {
    let left = times
    town.wires.tap = (octets, read) => {
      if (read === isRead && start.test(octets) && --left === 0) kill()
    }
  }
}

/** Another server's place is known, or it has been connected to. */
export function dialling(isConnected: boolean): Trap {
  return ({ town }, kill) => {
    town.onDial = (connected) => {
      if (connected === isConnected) kill()
    }
  }
}

/** The store of a place is asked something, or has it durable and nobody has heard. */
export function storing(
  of: Victim,
  call: 'append' | 'enqueue' | 'putSubscription' | 'removeSubscription',
  when: 'asked' | 'durable',
): Trap {
  return ({ alice, bob, victim }, kill) => {
    const place = of === 'sending' ? alice.place : bob.place
    const { store } = place
    const real = store[call].bind(store) as (...given: unknown[]) => unknown
    Object.assign(store, {
      [call]: (...given: unknown[]): unknown => {
        delete (store as Partial<typeof store>)[call]
        if (when === 'asked') {
          kill()
          return place === victim ? new Promise(() => {}) : real(...given)
        }
        const done = given.at(-1)
        if (typeof done !== 'function') {
          const durable = real(...given) as Promise<unknown>
          return durable.then(kill)
        }
        return real(...given.slice(0, -1), (fault?: Error) => {
          kill()
          done(fault)
        })
      },
    })
  }
}

/** bob's device is offered a message: and says nothing, or has just answered. */
export function offered(isAnswered: boolean): Trap {
  return ({ bob }, kill) => {
    const { hand } = bob
    assert.ok(hand)
    hand.answers = undefined
    hand.onRequest = ({ first }) => {
      const [, version, id] = first.split(' ')
      if (isAnswered) hand.write(`${version} ${id} 0 200 OK\r\n\r\n`)
      kill()
      hand.answers = 200
      hand.onRequest = undefined
    }
  }
}
