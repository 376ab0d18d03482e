// People of two domains that are joined by a link which drops and comes back: in the end, every watcher sees what it may see and
// nobody sees what it may not. The seed is printed; VERONA_SEED=n lives that one life again.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { text } from '#base'
import { type Account, isBlocked, maySubscribe, visible } from '#core'
import { Watcher } from '../../src/core/testing/devices.ts'
import { at, presence } from '../../src/core/testing/envelopes.ts'
import { createWorld, resident, settled, type World } from '../../src/core/testing/world.ts'
import { JoinedLink, protocolOf, Wire } from './joined-links.ts'
import { Chance } from './random.ts'

const lives = process.env.VERONA_SOAK ? 2000 : 40
const steps = 150
const given = Number(process.env.VERONA_SEED ?? Number.NaN)
const first = Number.isNaN(given) ? Math.floor(Math.random() * 1_000_000_000) : given

const sides = [
  { domain: 'verona.example', people: ['romeo@verona.example', 'juliet@verona.example'] },
  { domain: 'capulet.example', people: ['tybalt@capulet.example', 'paris@capulet.example'] },
] as const

interface Session {
  readonly side: Side
  readonly account: Account
  readonly watcher: Watcher
}

interface Side {
  readonly domain: string
  readonly people: readonly string[]
  readonly world: World
  readonly link: JoinedLink
}

class Pair {
  readonly wire: Wire
  readonly chance: Chance
  readonly sides: readonly Side[]
  readonly sessions = new Set<Session>()
  readonly leased: {
    readonly id: string
    readonly watcher: Watcher
    readonly presentity: string
    readonly side: Side
  }[] = []
  readonly log: string[] = []
  #count = 0

  constructor(wire: Wire, chance: Chance, made: readonly Side[]) {
    this.wire = wire
    this.chance = chance
    this.sides = made
  }

  static async create(words: boolean, chance: Chance): Promise<Pair> {
    const wire = new Wire(words, chance)
    const made: Side[] = []
    for (const [at, { domain, people }] of sides.entries()) {
      const other = sides[1 - at] as (typeof sides)[number]
      const link = new JoinedLink(other.domain, at as 0 | 1, wire)
      const world = await createWorld({
        accounts: people,
        domains: [domain],
        peers: [protocolOf(link, wire, chance)],
      })
      made.push({ domain, people, world, link })
    }
    const [one, two] = made as [Side, Side]
    for (const [side, other] of [
      [one, two],
      [two, one],
    ] as const) {
      side.link.here = side.world.service
      side.link.there = other.world.service
      side.link.back = other.link
    }
    return new Pair(wire, chance, made)
  }

  async step(): Promise<void> {
    this.chance.one(this.#deeds).call(this)
    if (this.chance.percent(40)) await turn()
  }

  #draw(): { side: Side; owner: string; far: string } {
    const side = this.chance.one(this.sides)
    const other = this.sides.find((one) => one !== side) as Side
    return { side, owner: this.chance.one(side.people), far: this.chance.one(other.people) }
  }

  agree(): void {
    const { side, owner, far } = this.#draw()
    const deed = this.chance.one(['ask', 'ask', 'approve', 'approve', 'giveUp', 'refuse'] as const)
    this.log.push(`${owner} ${deed} ${far}`)
    side.world.service.contacts[deed](at(owner), at(far), undefined, () => {})
  }

  takeOff(): void {
    const { side, owner, far } = this.#draw()
    this.log.push(`${owner} takes ${far} off the list`)
    side.world.service.contacts.remove(at(owner), at(far), () => {})
  }

  rule(): void {
    const { side, owner, far } = this.#draw()
    const { contacts } = side.world.service
    if (this.chance.percent(50)) {
      this.log.push(`${owner} has no rule for ${far}`)
      return contacts.removeRule(at(owner), far, () => {})
    }
    const action = this.chance.one(['allow', 'block', 'polite-block', 'confirm'] as const)
    const visibility = this.chance.one(['full', 'basic'] as const)
    this.log.push(`${owner} would ${action} ${far} ${visibility}`)
    contacts.setRule(at(owner), { subject: far, action, visibility }, () => {})
  }

  publish(): void {
    const { side, owner } = this.#draw()
    const note = this.chance.one(['here', 'away', 'busy', undefined])
    const tuple = this.chance.one(['a', 'b', 'c'])
    const seconds = this.chance.one([undefined, 5, 60])
    this.log.push(`${owner} says ${note} by ${tuple} for ${seconds}`)
    const source = note === undefined ? undefined : presence(owner, note)
    side.world.service.presence.publish(
      { presentity: at(owner), by: at(owner), tuple, source, seconds },
      () => {},
    )
    source?.poison()
  }

  signIn(): void {
    const { side, owner } = this.#draw()
    void this.#signIn(side, owner)
  }

  /** In the turn in which the account is found: a turn later it may be out of use, and another object when it is loaded again. */
  #signIn(side: Side, owner: string): Promise<void> {
    const { directory, presence } = side.world.service
    return new Promise((resolve, reject) => {
      directory.find(at(owner), (account) => {
        if (typeof account === 'string') return reject(new Error(`${owner}: ${account}`))
        const watcher = new Watcher(owner)
        this.log.push(`${owner} signs in`)
        this.sessions.add({ side, account, watcher })
        presence.watchContacts(account, watcher)
        resolve()
      })
    })
  }

  signOut(): void {
    const session = this.chance.one([...this.sessions])
    if (session === undefined) return
    this.log.push(`${session.account.address.key} signs out`)
    this.sessions.delete(session)
    session.side.world.service.presence.unwatchContacts(session.account, session.watcher)
  }

  subscribe(): void {
    const { side, owner, far } = this.#draw()
    const leased = { id: `s${++this.#count}`, watcher: new Watcher(owner), presentity: far, side }
    const seconds = this.chance.one([5, 60, 600])
    this.log.push(`${owner} subscribes to ${far} as ${leased.id} for ${seconds}`)
    this.leased.push(leased)
    side.world.service.presence.subscribe(
      { id: leased.id, watcher: at(owner), presentity: at(far), seconds, agent: leased.watcher },
      () => {},
    )
  }

  unsubscribe(): void {
    const leased = this.chance.one(this.leased)
    if (leased === undefined) return
    this.log.push(`${leased.id} is given up`)
    leased.side.world.service.presence.unsubscribe(
      at(leased.presentity),
      leased.id,
      leased.watcher.watcher,
      () => {},
    )
  }

  passTime(): void {
    const seconds = this.chance.one([1, 10, 100])
    this.log.push(`${seconds} s pass`)
    for (const { world } of this.sides) world.clock.advance(seconds * 1000)
  }

  forget(): void {
    for (const { world } of this.sides) {
      const { directory } = world.service
      for (const account of directory.residents()) if (!account.inUse) directory.forget(account)
    }
  }

  cut(): void {
    if (this.wire.up) {
      this.log.push('the wire is cut')
      this.wire.up = false
      return
    }
    this.mend()
  }

  mend(): void {
    this.log.push('the wire is mended')
    this.wire.up = true
    for (const { world, link } of this.sides) world.service.remotePresence.reachable(link.domain)
  }

  readonly #deeds: readonly (() => void)[] = [
    this.agree,
    this.agree,
    this.agree,
    this.agree,
    this.takeOff,
    this.rule,
    this.publish,
    this.publish,
    this.publish,
    this.signIn,
    this.signIn,
    this.signOut,
    this.signOut,
    this.subscribe,
    this.subscribe,
    this.unsubscribe,
    this.passTime,
    this.forget,
    this.cut,
  ]

  async quiet(): Promise<void> {
    for (let i = 0; i < 20; i++) await settled()
    while (!this.wire.idle) await settled()
    for (let i = 0; i < 10; i++) await settled()
    assert.ok(this.wire.idle)
  }

  /** DNS answers, the wire is whole, everybody signs in, and all that is under way ends. */
  async rest(): Promise<void> {
    await this.quiet()
    this.wire.dnsFails = false
    for (const { world } of this.sides) world.clock.advance(60_000)
    await this.quiet()
    this.mend()
    await this.quiet()
    for (const side of this.sides) for (const person of side.people) await this.#signIn(side, person)
    await this.quiet()
  }

  account(name: string): Promise<Account> {
    const side = this.sides.find(({ people }) => people.includes(name)) as Side
    return resident(side.world, name)
  }
}

/** What the watcher is to see of the presentity, by tuple. */
function due(watcher: Account, presentity: Account): [string, string][] {
  if (watcher.contacts.get(presentity.address.key)?.authorization.to !== true) return []
  if (maySubscribe(presentity, watcher.address, { confirmSameDomain: true }) !== 'allow') return []
  const sees = visible(presentity, watcher.address)
  if (sees === 'nothing' || isBlocked(watcher.rules, presentity.address)) return []
  return presentity.presentity
    .sources()
    .map(({ tuple, source }) => [tuple, sees === 'basic' ? 'basic' : text(source.raw)])
}

async function check(pair: Pair): Promise<void> {
  for (const { side, account, watcher } of pair.sessions)
    for (const other of pair.sides) {
      if (other === side) continue
      for (const far of other.people) {
        const believed = [...(watcher.believes.get(far) ?? [])]
        const expected = due(account, await pair.account(far))
        const who = `a session of ${account.address.key} of ${far}`
        assert.deepEqual(believed.toSorted(), expected.toSorted(), who)
      }
    }
  for (const { id, watcher, presentity, side } of pair.leased) {
    const account = await resident(side.world, watcher.watcher.key)
    const held = account.foreign.get(presentity)?.subscriptions.get(id)
    if (held === undefined) continue
    const expected = held.state === 'active' ? due(account, await pair.account(presentity)) : []
    const believed = [...(watcher.believes.get(presentity) ?? [])]
    assert.deepEqual(believed.toSorted(), expected.toSorted(), `${id} of ${presentity}`)
  }
  await authorizationsHold(pair)
}

/** Who believes that it may see or be waiting is right; its domain would have been told otherwise (RFC 6121 §4.3.2). */
async function authorizationsHold(pair: Pair): Promise<void> {
  for (const side of pair.sides)
    for (const owner of side.people)
      for (const far of pair.sides.find((one) => one !== side)?.people ?? []) {
        const mine = (await pair.account(owner)).contacts.get(far)?.authorization
        const presentity = await pair.account(far)
        const theirs = presentity.contacts.get(owner)?.authorization
        const decision = maySubscribe(presentity, at(owner), { confirmSameDomain: true })
        // XEP-0191 §3.3: who is blocked is answered nothing, and keeps its belief.
        if (decision === 'block') continue
        if (mine?.to === true)
          assert.ok(
            decision === 'allow' || decision === 'polite-block' || theirs?.from === true,
            `${owner} of ${far}: to`,
          )
        if (mine?.pendingOut === true) assert.equal(theirs?.pendingIn, true, `${owner} of ${far}: pending`)
      }
}

/** When everybody has left, nothing is held. */
async function nothingLeft(pair: Pair): Promise<void> {
  for (const { side, account, watcher } of pair.sessions)
    side.world.service.presence.unwatchContacts(account, watcher)
  for (let i = 0; i < 5; i++) {
    for (const { world } of pair.sides) world.clock.advance(1_000_000)
    await pair.quiet()
  }
  for (const side of pair.sides) {
    assert.equal(side.world.service.leases.size.active, 0)
    for (const person of side.people) assert.equal((await pair.account(person)).foreign.size, 0)
    assert.deepEqual(side.world.faults, [])
  }
}

async function live(seed: number): Promise<void> {
  const chance = new Chance(seed)
  const pair = await Pair.create(seed % 2 === 0, chance)
  try {
    for (let step = 0; step < steps; step++) await pair.step()
    await pair.rest()
    await check(pair)
    await nothingLeft(pair)
  } catch (cause) {
    throw new Error(
      `VERONA_SEED=${seed} (${pair.wire.words ? 'words' : 'leases'})\n${pair.log.slice(-200).join('\n')}`,
      {
        cause,
      },
    )
  }
}

const count = Number.isNaN(given) ? lives : 1
test(`two domains whose link drops and comes back agree in the end (${count} lives from seed ${first})`, async () => {
  for (let seed = first; seed < first + count; seed++) await live(seed)
})
