// Applications of relays that may be killed, each attached again when its relay is back, for what happens step by step: fred (example.com) sends data, and looks at
// wilma (example.net).
import assert from 'node:assert/strict'
import type { Store } from '#core'
import { createMemoryStore } from '#store'
import { type Domains, domainsOf, everything } from '../../src/protocols/apex/testing/domains.ts'
import { at } from '../../src/protocols/apex/testing/fixture.ts'
import { data, type Hand, talk } from '../../src/protocols/apex/testing/hand.ts'
import { type MortalStore, mortalStore } from './mortal-store.ts'
import { Chance } from './random.ts'

export class Application {
  readonly endpoint: string
  readonly domain: string
  readonly came: string[] = []
  hand: Hand | undefined

  constructor(endpoint: string) {
    this.endpoint = endpoint
    this.domain = endpoint.slice(endpoint.indexOf('@') + 1)
  }

  async attach(all: Domains): Promise<void> {
    if (this.hand === undefined && all.has(this.domain)) this.hand = await all.application(this.endpoint)
  }

  lost(): void {
    this.look()
    this.hand = undefined
  }

  look(): void {
    for (const { body } of this.hand?.came.splice(0) ?? []) this.came.push(body.trim())
  }

  /** Words of the messages that came. */
  get texts(): string[] {
    return this.came.flatMap((each) => /\r\n\r\n([a-z0-9]+)\r\n--boundary--/.exec(each)?.[1] ?? [])
  }

  /** Of the statusResponses: `apex=report@example.net 3 250`. */
  get reports(): string[] {
    const reply = /identity='(apex=report@[^']*)'.*<statusResponse transID='(\d+)'.*<reply code='(\d+)'/s
    return this.came.flatMap((each) => {
      const found = reply.exec(each)
      return found === null ? [] : [`${found[1]} ${found[2]} ${found[3]}`]
    })
  }

  /** Until when the last entry that it was told says that its owner is there; empty where that has no tuple. */
  get seen(): string | undefined {
    const entry = this.came.findLast((each) => each.includes('<presence '))
    return entry && (/availableUntil='([^']*)'/.exec(entry)?.[1] ?? '')
  }
}

export type Victim = 'sending' | 'receiving'

const sending = 'example.com'
const receiving = 'example.net'

export class Scene {
  readonly all: Domains
  readonly fred = new Application(`fred@${sending}`)
  readonly wilma = new Application(`wilma@${receiving}`)
  readonly barney: Application | undefined
  readonly victim: string
  /** What survives, by domain. */
  readonly stores: ReadonlyMap<string, Store>
  readonly #mortals: ReadonlyMap<string, MortalStore>
  isSprung = false

  private constructor(
    all: Domains,
    victim: Victim,
    stores: ReadonlyMap<string, Store>,
    mortals: ReadonlyMap<string, MortalStore>,
  ) {
    this.all = all
    this.victim = victim === 'sending' ? sending : receiving
    this.stores = stores
    this.#mortals = mortals
    if (all.has('example.org')) this.barney = new Application('barney@example.org')
  }

  static async create(victim: Victim, domains: 2 | 3 = 2): Promise<Scene> {
    const names = [sending, receiving, 'example.org'].slice(0, domains)
    const stores = new Map(names.map((name) => [name, createMemoryStore()]))
    const mortals = new Map<string, MortalStore>()
    const chance = new Chance(1)
    const all = await domainsOf(names, {}, (domain) => {
      const mortal = mortalStore(stores.get(domain) as Store, chance)
      mortals.set(domain, mortal)
      return mortal.store
    })
    const scene = new Scene(all, victim, stores, mortals)
    await scene.attach()
    return scene
  }

  get applications(): readonly Application[] {
    return [this.fred, this.wilma, ...(this.barney === undefined ? [] : [this.barney])]
  }

  async attach(): Promise<void> {
    for (const each of this.applications) await each.attach(this.all)
    await this.quiet()
  }

  /** `kill -9` of the victim: once. */
  readonly kill = (): void => {
    if (this.isSprung) return
    this.isSprung = true
    this.#mortals.get(this.victim)?.kill()
    this.all.kill(this.victim)
    for (const each of this.applications) if (each.domain === this.victim) each.lost()
  }

  /** The victim begins again, and its applications attach. */
  async again(): Promise<void> {
    this.all.wires.tap = undefined
    this.all.onDial = () => {}
    assert.ok(this.isSprung, `the step was never reached:\n${this.all.wires.said}`)
    await this.pass(3)
    await this.all.begin(this.victim)
    await this.attach()
  }

  async quiet(): Promise<void> {
    for (let turn = 0; turn < 3; turn++) await everything()
    for (const each of this.applications) each.look()
  }

  async pass(seconds: number): Promise<void> {
    await this.quiet()
    this.all.clock.advance(seconds * 1000)
    await this.quiet()
  }

  async until(holds: () => boolean, what: string, minutes = 10): Promise<void> {
    for (let time = 0; time < minutes * 12 && !holds(); time++) await this.pass(5)
    assert.ok(holds(), `${what}; ${this.applications.map(({ came }) => came.join('\n')).join('\n---\n')}`)
  }

  /** fred's data for somebody, with a statusRequest of that transID; resolves with what it was answered, undefined where his relay died. */
  tell(to: Application, text: string, transId: number): Promise<string | undefined> {
    const { hand } = this.fred
    assert.ok(hand)
    const asks = `<option internal='statusRequest' targetHop='all' transID='${transId}' />`
    return hand.sayPayload(talk(this.fred.endpoint, to.endpoint, text, asks)).catch(() => undefined)
  }

  /** To the presence service of a domain, by one of its own. */
  async ask(by: Application, inline: string, domain = by.domain): Promise<string | undefined> {
    return by.hand?.say(data(by.endpoint, `apex=presence@${domain}`, inline)).catch(() => undefined)
  }

  /** wilma is there until then, by her own entry. */
  async publish(until: string): Promise<void> {
    const { endpoint } = this.wilma
    await this.ask(this.wilma, `<subscribe publisher='${endpoint}' duration='0' transID='91' />`)
    await this.quiet()
    const stamp = /lastUpdate='([^']*)'/.exec(this.wilma.came.at(-1) ?? '')?.[1]
    const entry = `<presence publisher='${endpoint}' lastUpdate='${stamp}'><tuple destination='im:${endpoint}' availableUntil='${until}' /></presence>`
    await this.ask(
      this.wilma,
      `<publish publisher='${endpoint}' transID='92' timeStamp='${stamp}'>${entry}</publish>`,
    )
    await this.quiet()
  }

  /** fred may look at wilma. */
  async allow(): Promise<void> {
    const { contacts } = this.all.of(receiving).service
    contacts.setRule(
      at(this.wilma.endpoint),
      { subject: this.fred.endpoint, action: 'allow', visibility: 'full' },
      () => {},
    )
    await this.quiet()
  }
}

/** Waits for a step, and then kills. */
export type Trap = (scene: Scene, kill: () => void) => void

/** What crosses between the relays has this in it: it has been written, or it has been read. */
export function crossing(what: RegExp, isRead: boolean): Trap {
  return ({ all }, kill) => {
    all.wires.tap = (octets, read) => {
      if (read === isRead && what.test(octets)) kill()
    }
  }
}

export function dialling(): Trap {
  return ({ all }, kill) => {
    all.onDial = kill
  }
}

/** The store of a domain is asked something, or has it durable and nobody has heard. */
export function storing(
  domain: Victim,
  call: 'append' | 'enqueue' | 'putSubscription' | 'removeSubscription',
  when: 'asked' | 'durable',
): Trap {
  return ({ stores, victim }, kill) => {
    const name = domain === 'sending' ? sending : receiving
    const store = stores.get(name) as Store
    const real = store[call].bind(store) as (...given: unknown[]) => unknown
    Object.assign(store, {
      [call]: (...given: unknown[]): unknown => {
        delete (store as Partial<typeof store>)[call]
        if (when === 'asked') {
          kill()
          return name === victim ? new Promise(() => {}) : real(...given)
        }
        const done = given.at(-1)
        if (typeof done !== 'function') return (real(...given) as Promise<unknown>).then(kill)
        return real(...given.slice(0, -1), (fault?: Error) => {
          kill()
          done(fault)
        })
      },
    })
  }
}

/** wilma's application is given data: and says nothing, or has just answered. */
export function offered(isAnswered: boolean): Trap {
  return ({ wilma }, kill) => {
    const { hand } = wilma
    assert.ok(hand)
    hand.answers = undefined
    hand.onMessage = () => {
      hand.onMessage = undefined
      queueMicrotask(() => {
        if (isAnswered) hand.answerAll('<ok />')
        kill()
        hand.answerAll('<ok />')
      })
    }
  }
}
