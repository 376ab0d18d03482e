// A simulated city: people of two domains, their devices, and everything they may do in any order.
import { setImmediate as turn } from 'node:timers/promises'
import type { AccessAction, Account, Store } from '#core'
import type { Address } from '#model'
import { Watcher } from '../../src/core/testing/devices.ts'
import { at, message, presence } from '../../src/core/testing/envelopes.ts'
import { createWorld, resident, settled, type World, wordOf } from '../../src/core/testing/world.ts'
import { Actor, type Kind } from './actors.ts'
import type { Chance } from './random.ts'

const people = [
  'romeo@verona.example',
  'juliet@verona.example',
  'nurse@verona.example',
  'paris@mantua.example',
]

export interface Sent {
  readonly said: string
  readonly from: string
  readonly to: string
  outcome: string | undefined
}

export interface Leased {
  readonly id: string
  readonly presentity: string
  readonly watcher: Watcher
}

export interface Nature {
  readonly kinds: readonly Kind[]
  readonly polite: boolean
  readonly history: boolean
  readonly confirmSameDomain: boolean
}

export class City {
  readonly world: World
  readonly nature: Nature
  readonly chance: Chance
  readonly actors: Actor[] = []
  readonly sent: Sent[] = []
  readonly leased: Leased[] = []
  /** Present now. */
  readonly present = new Map<Actor, Account>()
  readonly log: string[] = []
  #count = 0

  constructor(world: World, nature: Nature, chance: Chance) {
    this.world = world
    this.nature = nature
    this.chance = chance
  }

  static async create(nature: Nature, chance: Chance): Promise<City> {
    const { history, confirmSameDomain } = nature
    const store = (inner: Store): Store => dawdling(inner, chance)
    const policy = { history, confirmSameDomain, undeliveredMax: 10_000 }
    return new City(await createWorld({ accounts: people, policy, store }), nature, chance)
  }

  static readonly people = people

  someone(): Address {
    return at(this.chance.one(people))
  }

  /** One thing that somebody does; what follows may still be under way afterwards. */
  async step(): Promise<void> {
    const does = this.chance.one(this.#deeds)
    does.call(this)
    if (this.chance.percent(40)) await turn()
  }

  #say(what: string): void {
    this.log.push(what)
  }

  send(from = this.someone(), to = this.someone()): void {
    const said = `${++this.#count}`
    const sent: Sent = { said, from: from.key, to: to.key, outcome: undefined }
    this.sent.push(sent)
    this.#say(`${from.key} sends ${said} to ${to.key}`)
    const envelope = message({ from: from.key, to: to.key, id: said, text: said })
    this.world.service.messages.send(envelope, (outcome) => {
      if (sent.outcome !== undefined) throw new Error(`the outcome of ${said} came twice`)
      sent.outcome = wordOf(outcome)
    })
    envelope.poison()
  }

  signIn(owner = this.someone(), kind = this.chance.one(this.nature.kinds)): void {
    const actor = new Actor(owner, `d${++this.#count}`, kind, this.chance)
    this.#say(`${owner.key} signs in with ${actor.id}, ${kind}`)
    const { messages, presence: service } = this.world.service
    messages.attach(actor, (account) => {
      if ('kind' in account) throw new Error(account.condition)
      this.actors.push(actor)
      this.present.set(actor, account)
      this.#state(owner, actor.id, 'signed in', undefined)
      service.watchContacts(account, actor.watcher)
      messages.ready(account)
    })
  }

  signOut(actor = this.chance.one([...this.present.keys()])): void {
    const account = actor === undefined ? undefined : this.present.get(actor)
    if (account === undefined) return
    this.#say(`${actor.owner.key} signs out with ${actor.id}`)
    this.present.delete(actor)
    const { messages, presence: service } = this.world.service
    messages.detach(account, actor)
    service.unwatchContacts(account, actor.watcher)
    actor.leave()
    this.#state(actor.owner, actor.id, undefined, undefined)
  }

  publish(): void {
    const note = this.chance.one(['here', 'away', 'busy', undefined])
    const seconds = this.chance.one([undefined, 5, 60])
    this.#state(this.someone(), this.chance.one(['a', 'b', 'c']), note, seconds)
  }

  publishPermanent(): void {
    const note = this.chance.one(['call me', 'write to me', undefined])
    this.#state(this.someone(), '', note, Number.POSITIVE_INFINITY)
  }

  #state(owner: Address, tuple: string, note: string | undefined, seconds: number | undefined): void {
    this.#say(`${owner.key} says ${note} by ${tuple} for ${seconds}`)
    const source = note === undefined ? undefined : presence(owner.key, note)
    this.world.service.presence.publish({ presentity: owner, by: owner, tuple, source, seconds }, () => {})
    source?.poison()
  }

  agree(): void {
    const [owner, contact] = [this.someone(), this.someone()]
    if (owner.key === contact.key) return
    const deed = this.chance.one(['ask', 'ask', 'approve', 'approve', 'giveUp', 'refuse'] as const)
    this.#say(`${owner.key} ${deed} ${contact.key}`)
    this.world.service.contacts[deed](owner, contact, undefined, () => {})
  }

  list(): void {
    const [owner, contact] = [this.someone(), this.someone()]
    if (owner.key === contact.key) return
    const removes = this.chance.percent(50)
    this.#say(`${owner.key} ${removes ? 'removes' : 'lists'} ${contact.key}`)
    const { contacts } = this.world.service
    if (removes) contacts.remove(owner, contact, () => {})
    else contacts.put(owner, contact, 'name', [], () => {})
  }

  rule(): void {
    const owner = this.someone()
    const subject = this.chance.one([...people, 'verona.example', '*'])
    const actions: AccessAction[] = [
      'allow',
      'block',
      'confirm',
      ...(this.nature.polite ? ['polite-block' as const] : []),
    ]
    const action = this.chance.one(actions)
    const { contacts } = this.world.service
    if (this.chance.percent(50)) {
      this.#say(`${owner.key} has no rule for ${subject}`)
      return contacts.removeRule(owner, subject, () => {})
    }
    this.#say(`${owner.key} would ${action} ${subject}`)
    contacts.setRule(owner, { subject, action, visibility: this.chance.one(['full', 'basic']) }, () => {})
  }

  subscribe(): void {
    const [watcher, presentity] = [this.someone(), this.someone()]
    const seconds = this.chance.one([5, 60, 600])
    const leased = { id: `s${++this.#count}`, presentity: presentity.key, watcher: new Watcher(watcher.key) }
    this.#say(`${watcher.key} subscribes to ${presentity.key} as ${leased.id} for ${seconds}`)
    this.leased.push(leased)
    this.world.service.presence.subscribe(
      { id: leased.id, watcher, presentity, seconds, agent: leased.watcher },
      () => {},
    )
  }

  unsubscribe(): void {
    const leased = this.chance.one(this.leased)
    if (leased === undefined) return
    this.#say(`${leased.id} is given up`)
    this.world.service.presence.unsubscribe(
      at(leased.presentity),
      leased.id,
      leased.watcher.watcher,
      () => {},
    )
  }

  passTime(): void {
    const seconds = this.chance.one([1, 10, 100])
    this.#say(`${seconds} s pass`)
    this.world.clock.advance(seconds * 1000)
  }

  /** As the directory does when it is full. */
  forget(): void {
    const { directory } = this.world.service
    for (const account of directory.residents()) if (!account.inUse) directory.forget(account)
  }

  readonly #deeds = [
    this.send,
    this.send,
    this.send,
    this.send,
    this.signIn,
    this.signIn,
    this.signOut,
    this.signOut,
    this.publish,
    this.publish,
    this.publishPermanent,
    this.agree,
    this.agree,
    this.agree,
    this.list,
    this.rule,
    this.subscribe,
    this.unsubscribe,
    this.passTime,
    this.forget,
  ] as readonly (() => void)[]

  /** Everybody comes back with a device that takes everything, and all that is under way ends. */
  async rest(): Promise<void> {
    for (let i = 0; i < 5; i++) await settled()
    for (const person of people) this.signIn(at(person), 'prompt')
    for (let i = 0; i < 20; i++) await settled()
  }

  accounts(): Promise<Account[]> {
    return Promise.all(people.map((person) => resident(this.world, person)))
  }
}

/** The same store, whose answers take their time. What was asked still takes effect in the order of asking. */
function dawdling(inner: Store, chance: Chance): Store {
  return new Proxy(inner, {
    get: (target, name) => {
      const real = Reflect.get(target, name) as (...given: unknown[]) => unknown
      return (...given: unknown[]): unknown => {
        const answer = real.apply(target, given)
        if (!(answer instanceof Promise)) return answer
        const turns = chance.below(4)
        return answer.then(async (value) => {
          for (let i = 0; i < turns; i++) await turn()
          return value
        })
      }
    },
  })
}
