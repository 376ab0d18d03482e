// Relays of several domains that speak APEX with each other in memory, any of which may be killed at any moment and begins again upon its store; a person of each, by one
// application.
import type { Store } from '#core'
import { createMemoryStore } from '#store'
import { type Domains, domainsOf, everything } from '../../src/protocols/apex/testing/domains.ts'
import { talk } from '../../src/protocols/apex/testing/hand.ts'
import { Application } from './apex-scene.ts'
import { type MortalStore, mortalStore } from './mortal-store.ts'
import type { Chance } from './random.ts'

interface Sent {
  readonly id: string
  readonly from: Application
  readonly to: Application
  readonly transId: number
  /** How often each relay had been killed. */
  readonly killed: ReadonlyMap<string, number>
  /** What it was answered; undefined: its author's relay died first. */
  answer: string | undefined
}

const endpoints = ['fred@example.com', 'wilma@example.net', 'barney@example.org']

/** LIMIT: minutes until all is where it should be. */
const restMinutes = 30

export class ApexTown {
  readonly all: Domains
  readonly people: readonly Application[]
  readonly log: string[] = []
  readonly #mortals: Map<string, MortalStore>
  readonly #kills = new Map<string, number>()
  readonly #sent: Sent[] = []
  readonly #began: number

  private constructor(all: Domains, people: readonly Application[], mortals: Map<string, MortalStore>) {
    this.all = all
    this.people = people
    this.#mortals = mortals
    this.#began = all.clock.monotonic()
  }

  static async create(domains: 2 | 3, chance: Chance): Promise<ApexTown> {
    const people = endpoints.slice(0, domains).map((endpoint) => new Application(endpoint))
    const stores = new Map<string, Store>(people.map(({ domain }) => [domain, createMemoryStore()]))
    const mortals = new Map<string, MortalStore>()
    const all = await domainsOf([...stores.keys()], { domainQueuedMax: 1000 }, (domain) => {
      const mortal = mortalStore(stores.get(domain) as Store, chance)
      mortals.set(domain, mortal)
      return mortal.store
    })
    const town = new ApexTown(all, people, mortals)
    for (const person of people) await town.attach(person)
    return town
  }

  say(what: string): void {
    this.log.push(`${Math.round((this.all.clock.monotonic() - this.#began) / 1000)} s: ${what}`)
  }

  send(from: Application, to: Application): void {
    const { hand } = from
    if (hand === undefined || hand.closed) return
    const transId = this.#sent.length + 1
    const id = `m${transId}`
    this.say(`${from.endpoint} sends ${id} to ${to.endpoint}`)
    const sent: Sent = { id, from, to, transId, killed: new Map(this.#kills), answer: undefined }
    this.#sent.push(sent)
    const asks = `<option internal='statusRequest' targetHop='all' transID='${transId}' />`
    hand.sayPayload(talk(from.endpoint, to.endpoint, id, asks)).then(
      (answer) => {
        sent.answer = answer
      },
      () => {},
    )
  }

  kill(domain: string): void {
    if (!this.all.has(domain)) return
    this.say(`the relay of ${domain} is killed`)
    this.#mortals.get(domain)?.kill()
    this.all.kill(domain)
    this.#kills.set(domain, (this.#kills.get(domain) ?? 0) + 1)
    for (const person of this.people) if (person.domain === domain) person.lost()
  }

  async start(domain: string): Promise<void> {
    if (this.all.has(domain)) return
    this.say(`the relay of ${domain} begins`)
    await this.all.begin(domain)
  }

  cut(domain: string): void {
    this.say(`sessions of ${domain} are cut`)
    this.all.wires.cut(domain)
  }

  /** Its application answers what it is given, or keeps silent. */
  answer(person: Application, isOn: boolean): void {
    this.say(`${person.endpoint} ${isOn ? 'answers' : 'is silent'}`)
    if (isOn) person.hand?.answerAll('<ok />')
    else if (person.hand !== undefined) person.hand.answers = undefined
  }

  async attach(person: Application): Promise<void> {
    await person.attach(this.all)
  }

  async quiet(): Promise<void> {
    for (let turns = 0; turns < 3; turns++) await everything()
    for (const person of this.people) person.look()
  }

  async pass(seconds: number): Promise<void> {
    await this.quiet()
    this.all.clock.advance(seconds * 1000)
    await this.quiet()
  }

  /** All relays run, everybody is attached and answers, and time passes until all is there and told. */
  async rest(): Promise<void> {
    for (const { domain } of this.people) await this.start(domain)
    for (const person of this.people) {
      await this.attach(person)
      this.answer(person, true)
    }
    for (let time = 0; time < restMinutes * 6; time++) {
      await this.pass(10)
      if (time > 6 && this.lost().length === 0 && this.untold().length === 0) return
    }
  }

  /** What had `ok` and did not arrive, though nobody was told so. */
  lost(): readonly string[] {
    return this.#accepted()
      .filter(({ id, to, from, transId }) => !to.texts.includes(id) && !hasFailed(from, transId))
      .map(({ id }) => id)
  }

  /**
   * Of what had `ok`, those whose author heard nothing from the last relay. A report that finds its author's relay away is in the memory of the one that
   * reports: where both were killed since, it may be lost (docs/specs/apex.md §5).
   */
  untold(): readonly string[] {
    return this.#accepted()
      .filter(({ from, to, transId, killed }) => {
        const bothDied = [from, to].every(({ domain }) => this.#killsOf(domain) > (killed.get(domain) ?? 0))
        if (bothDied) return false
        const word = new RegExp(`^apex=report@${to.domain} ${transId} (250|350)$`)
        return !from.reports.some((each) => word.test(each)) && !hasFailed(from, transId)
      })
      .map(({ id }) => id)
  }

  /** What came twice though neither relay was killed since it was sent. */
  doubled(): readonly string[] {
    return this.#sent
      .filter(({ id, from, to, killed }) => {
        const times = to.texts.filter((text) => text === id).length
        return (
          times > 1 && [from, to].every(({ domain }) => this.#killsOf(domain) === (killed.get(domain) ?? 0))
        )
      })
      .map(({ id }) => id)
  }

  get accepted(): number {
    return this.#accepted().length
  }

  end(): void {
    for (const person of this.people) person.hand?.drop()
    this.all.wires.cut()
  }

  #accepted(): readonly Sent[] {
    return this.#sent.filter(({ answer }) => answer === '<ok />')
  }

  #killsOf(domain: string): number {
    return this.#kills.get(domain) ?? 0
  }
}

function hasFailed({ reports }: Application, transId: number): boolean {
  return reports.some((each) => new RegExp(` ${transId} (4|5)\\d\\d$`).test(each))
}
