// Random lives of two domains of UMPP: people of both speak in threads and without, legs break and come back, certificates expire, servers die; whatever befell them,
// in the end no accepted message is lost, and none came twice but what a killed server had taken. The seed is printed; VERONA_SEED=n lives that one life again.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Chance } from './random.ts'
import { messagesHold } from './umpp-breaches.ts'
import { legs } from './umpp-legs.ts'
import { capulet, domainNames, montague, Towns } from './umpp-towns.ts'

const lives = process.env.VERONA_SOAK ? 1000 : 40
const steps = 60
const given = Number(process.env.VERONA_SEED ?? Number.NaN)
const first = Number.isNaN(given) ? Math.floor(Math.random() * 1_000_000_000) : given

const people = [`romeo@${montague}`, `mercutio@${montague}`, `juliet@${capulet}`, `nurse@${capulet}`]
const threads = [undefined, undefined, 'one', 'two']

class Life {
  readonly towns: Towns
  readonly chance: Chance
  /** Servers die in every other life: in the rest nothing may come twice. */
  readonly isMortal: boolean
  readonly log: string[] = []

  constructor(towns: Towns, chance: Chance, isMortal: boolean) {
    this.towns = towns
    this.chance = chance
    this.isMortal = isMortal
  }

  #note(what: string): void {
    this.log.push(`${((this.towns.clock.now() - Date.UTC(2026, 0, 1)) / 1000).toFixed(1)} ${what}`)
  }

  say(): void {
    const from = this.chance.one(people)
    const far = people.filter((one) => one.split('@')[1] !== from.split('@')[1])
    const to = this.chance.one(far)
    const { id } = this.towns.say(from, to, this.chance.one(threads))
    this.#note(`${id} to ${to}`)
  }

  async wait(): Promise<void> {
    const seconds = this.chance.one([0, 0, 1, 3, 20, 150])
    if (seconds === 0) await this.towns.turns(1 + this.chance.below(8))
    else await this.towns.pass(seconds)
  }

  cut(): void {
    const leg = this.chance.one(legs)
    this.#note(`${leg} is cut`)
    this.towns.legs.cut(leg)
  }

  /** Behind or before the next that crosses. */
  cutInTheMidst(): void {
    const leg = this.chance.one(legs)
    let left = 1 + this.chance.below(12)
    const verdict = this.chance.one(['cut-before', 'cut-behind'] as const)
    this.#note(`${leg} will be cut, ${verdict} ${left}`)
    this.towns.legs.look = (on) => (on === leg && --left === 0 ? verdict : 'pass')
  }

  open(): void {
    const leg = this.chance.one(legs)
    const { up } = this.towns.legs
    up[leg] = !up[leg]
    this.#note(`${leg} is ${up[leg] ? 'up' : 'down'}`)
    if (!up[leg]) this.towns.legs.cut(leg)
  }

  /**
   * In a life where nothing may double, not for XMPP: where we cannot open a stream to them and they can to us, what they took by one that was given up is never known
   * (decision 0088).
   */
  expire(): void {
    const leg = this.isMortal ? this.chance.one(legs) : 'sip'
    const [domain, isExpired] = [this.chance.one(domainNames), this.chance.percent(40)]
    this.#note(`the certificate of ${domain} for ${leg} is ${isExpired ? 'expired' : 'valid'}`)
    this.towns.expire(domain, leg, isExpired)
  }

  async kill(): Promise<void> {
    if (!this.isMortal) return
    const domain = this.chance.one(domainNames)
    if (this.towns.lives.has(domain)) {
      this.#note(`${domain} is killed`)
      this.towns.kill(domain)
    } else {
      this.#note(`${domain} lives again`)
      await this.towns.serve(domain)
    }
  }

  readonly #deeds: readonly (() => void | Promise<void>)[] = [
    this.say,
    this.say,
    this.say,
    this.say,
    this.say,
    this.wait,
    this.wait,
    this.wait,
    this.cut,
    this.cutInTheMidst,
    this.open,
    this.expire,
    this.kill,
  ]

  async step(): Promise<void> {
    await this.chance.one(this.#deeds).call(this)
  }

  /** All is well for as long as the relay may wait, and both ways are used. */
  async rest(): Promise<void> {
    const { towns } = this
    towns.legs.look = () => 'pass'
    for (const leg of legs) towns.legs.up[leg] = true
    for (const domain of domainNames) {
      for (const leg of legs) towns.expire(domain, leg, false)
      if (!towns.lives.has(domain)) await towns.serve(domain)
    }
    // What was opened with an expired certificate is not believed until it is left.
    for (const leg of legs) towns.legs.cut(leg)
    await towns.pass(1500)
    for (const { domain } of towns.lives.values())
      assert.deepEqual(await domain.service.relay.status(), [], 'something waits still')
  }
}

async function live(seed: number): Promise<void> {
  const chance = new Chance(seed)
  const life = new Life(await Towns.open({ chance }), chance, seed % 2 === 1)
  try {
    for (let step = 0; step < steps; step++) await life.step()
    await life.rest()
    await messagesHold(life.towns, people, life.isMortal)
  } catch (cause) {
    throw new Error(`VERONA_SEED=${seed}\n${life.log.join('\n')}`, { cause })
  }
}

const count = Number.isNaN(given) ? lives : 1
test(`two domains of UMPP lose and double nothing, whatever befalls them (${count} lives from seed ${first})`, async () => {
  for (let seed = first; seed < first + count; seed++) await live(seed)
})
