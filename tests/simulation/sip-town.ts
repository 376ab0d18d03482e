// A town of phones under a server that dies and comes back: the parts of a simulation of presence by SIP. The store and the clock outlive the server.
import { BackOff, Derivation, Digest, StoreAuthenticator, serverKeyOf } from '#auth'
import { type Clock, type Timer, text, VirtualClock } from '#base'
import {
  type Account,
  type AccountRecord,
  type Authorization,
  type Contact,
  createService,
  noAuthorization,
  noPeers,
  type PresenceNotification,
  type Secrets,
  type Service,
  type Store,
  type WatcherAgent,
} from '#core'
import { flushConnections } from '#net'
import { type Log, Metrics, silentLog } from '#observe'
import { createMemoryStore } from '#store'
import { writePidf } from '#wire/pidf'
import { at } from '../../src/core/testing/envelopes.ts'
import type { SipContext } from '../../src/protocols/sip/context.ts'
import { composeSip } from '../../src/protocols/sip/sip-server.ts'
import { settings } from '../../src/protocols/sip/testing/sip-domain.ts'
import type { Chance } from './random.ts'
import { calm, Network, serverAt, type Weather } from './sip-network.ts'
import { leaseSeconds, notesOf, Phone } from './sip-phone.ts'

export const domain = 'example.com'
export const people = ['alice', 'bob', 'carol'] as const
type Person = (typeof people)[number]

export interface Nature {
  readonly weather: Weather
  readonly notifySecondsMin: number
}

/** The secrets of every account, derived once for all runs. */
let prepared: Promise<Secrets> | undefined

async function derivedSecrets(): Promise<Secrets> {
  const names = people.map((person) => at(`${person}@${domain}`))
  const derived = await new Derivation({ iterations: 4096 }).derive(names, 'secret')
  if ('refused' in derived) throw new Error(derived.refused)
  return derived.secrets
}

/** The clock of one life: its timers end with it. */
class LifeClock implements Clock {
  readonly #clock: Clock
  readonly timers = new Set<Timer>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  now(): number {
    return this.#clock.now()
  }

  monotonic(): number {
    return this.#clock.monotonic()
  }

  schedule(delay: number, fire: () => void): Timer {
    const inner = this.#clock.schedule(delay, () => {
      this.timers.delete(timer)
      fire()
    })
    const timer = {
      cancel: () => {
        this.timers.delete(timer)
        inner.cancel()
      },
    }
    this.timers.add(timer)
    return timer
  }

  end(): void {
    for (const timer of [...this.timers]) timer.cancel()
  }
}

/** Of another protocol: one that follows the changes of all it is authorized to see (XMPP), or leases a subscription to whole documents (IMPP). */
export class ForeignWatcher implements WatcherAgent {
  readonly protocol: string
  readonly watcher
  readonly sees = new Map<string, Map<string, string>>()
  readonly documents = new Map<string, readonly string[]>()

  constructor(protocol: string, person: Person) {
    this.protocol = protocol
    this.watcher = at(`${person}@${domain}`)
  }

  notify(notification: PresenceNotification): void {
    const { presentity, changes, full } = notification
    this.documents.set(presentity.user, notesOf(text(writePidf(notification.document()))))
    const known = full
      ? new Map<string, string>()
      : (this.sees.get(presentity.user) ?? new Map<string, string>())
    for (const { kind, tuple } of changes) {
      const said = notification.document().tuples.find(({ id }) => id === tuple)
      if (kind === 'removed' || said === undefined) known.delete(tuple)
      else known.set(tuple, said.notes[0]?.text ?? '-')
    }
    this.sees.set(presentity.user, known)
  }

  terminated(): void {
    this.documents.clear()
  }

  /** What it sees of somebody, either way. */
  followed(person: string): readonly string[] {
    return [...(this.sees.get(person)?.values() ?? [])].toSorted()
  }
}

export interface Life {
  readonly clock: LifeClock
  readonly service: Service
  readonly context: SipContext
  readonly xmpp: ForeignWatcher
  readonly impp: ForeignWatcher
}

export class Town {
  readonly clock = new VirtualClock()
  readonly network: Network
  readonly chance: Chance
  readonly nature: Nature
  readonly store: Store
  readonly phones: Phone[] = []
  readonly faults: string[] = []
  readonly log: string[] = []
  life: Life | undefined
  #names = 0
  #ports = 5060

  private constructor(nature: Nature, chance: Chance, store: Store) {
    this.nature = nature
    this.chance = chance
    this.store = store
    this.network = new Network(this.clock, chance)
    this.network.weather = nature.weather
  }

  static async create(nature: Nature, chance: Chance): Promise<Town> {
    const store = createMemoryStore()
    const town = new Town(nature, chance, store)
    await addPeople(store)
    await town.serve()
    return town
  }

  say(what: string): void {
    this.log.push(`${((this.clock.now() - Date.UTC(2026, 0, 1)) / 1000).toFixed(3)} ${what}`)
  }

  /** A new life of the server: nothing of the last one is left but what was stored. */
  async serve(): Promise<void> {
    const clock = new LifeClock(this.clock)
    const { store } = this
    const authenticator = new StoreAuthenticator(store)
    const log: Log = { ...silentLog, error: (...said) => this.faults.push(JSON.stringify(said)) }
    const service = createService({
      clock,
      log,
      metrics: new Metrics(),
      store,
      peers: noPeers,
      domains: [domain],
      policy: { history: false, undeliveredMax: 100, confirmSameDomain: false },
      authenticator,
      passwords: {
        derive: () => Promise.reject(new Error('no passwords here')),
        adopt: () => ({ refused: 'not-acceptable' }),
      },
      revive: () => undefined,
      random: () => 0.5,
    })
    const serverKey = await serverKeyOf(store)
    const digest = new Digest({
      authenticator,
      clock,
      backOff: new BackOff(clock),
      serverKey,
      withoutQop: true,
    })
    const { notifySecondsMin } = this.nature
    const context = composeSip(service, { ...settings, notifySecondsMin, contactsMax: 16 }, digest)
    context.transport.useDatagrams({
      name: 'sip udp',
      host: serverAt.address,
      port: serverAt.port,
      local: serverAt,
      send: (octets, port, address) => {
        if (this.life?.context === context) this.network.toPhone(octets, { address, port })
        return true
      },
      close: () => Promise.resolve(),
    })
    this.life = {
      clock,
      service,
      context,
      xmpp: new ForeignWatcher('xmpp', 'carol'),
      impp: new ForeignWatcher('impp', 'carol'),
    }
    this.network.server = {
      datagram: (octets, source) => context.transport.datagram(octets, source),
      connected: (connection) => void context.transport.connected(connection, 'TCP'),
    }
    this.#lookOn(this.life)
  }

  /** Those who watch by other protocols come back with the server. */
  #lookOn({ service, xmpp, impp }: Life): void {
    service.directory.find(xmpp.watcher, (account: Account | string) => {
      if (typeof account === 'string') return this.faults.push(account)
      return service.presence.watchContacts(account, xmpp)
    })
    for (const person of people) {
      const request = { id: `impp ${person}`, watcher: impp.watcher, presentity: at(`${person}@${domain}`) }
      service.presence.subscribe({ ...request, seconds: 1e9, agent: impp }, ({ kind }) => {
        if (kind !== 'active') this.faults.push(`the IMPP watcher of ${person} is ${kind}`)
      })
    }
  }

  kill(): void {
    const { life } = this
    if (life === undefined) return
    this.life = undefined
    this.network.serverOff()
    life.clock.end()
  }

  phone(person: Person = this.chance.one(people)): Phone {
    const place = { address: `198.51.100.${1 + (this.#names % 250)}`, port: this.#ports++ }
    const parts = { user: person, domain, place, overTcp: this.chance.percent(40), clock: this.clock }
    const name = `${person}${++this.#names}${parts.overTcp ? ' by TCP' : ''}`
    const phone = new Phone(name, { ...parts, network: this.network }, this.chance.percent(75), this.chance)
    this.phones.push(phone)
    return phone
  }

  /** Time passes, and all that follows from each moment before the next. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.clock.monotonic() + milliseconds
    await this.settle()
    for (let due = this.clock.nextDue(); due !== undefined && due <= end; due = this.clock.nextDue()) {
      this.clock.advance(Math.max(0, due - this.clock.monotonic()))
      await this.settle()
    }
    this.clock.advance(Math.max(0, end - this.clock.monotonic()))
    await this.settle()
  }

  /** What follows in microtasks; who waits longer, for the store, goes on at the next moment. */
  async settle(): Promise<void> {
    flushConnections()
    for (let turn = 0; turn < 5; turn++) await undefined
    flushConnections()
    await undefined
  }

  /** Everything is well, for as long as leases and requests under way last. */
  async rest(): Promise<void> {
    this.network.weather = calm
    for (const { agent } of this.phones) this.network.mend(agent.place.address)
    if (this.life === undefined) await this.serve()
    await this.pass((leaseSeconds + 2 * 32 + 30) * 1000)
  }

  /** What there is to see of somebody. */
  truth(person: string): readonly string[] {
    return this.phones
      .filter(({ agent }) => agent.user === person)
      .flatMap(({ shows }) => shows ?? [])
      .toSorted()
  }
}

async function addPeople(store: Store): Promise<void> {
  prepared ??= derivedSecrets()
  const secrets = await prepared
  const record = (person: Person): AccountRecord => ({
    address: at(`${person}@${domain}`),
    aliases: [],
    created: 0,
    disabled: false,
  })
  await store.addAccounts(people.map((person) => ({ record: record(person), secrets })))
  const contact = (person: Person, authorization: Partial<Authorization>): Contact => ({
    address: at(`${person}@${domain}`),
    listed: true,
    name: '',
    groups: [],
    authorization: { ...noAuthorization, ...authorization },
  })
  // Whom carol watches by XMPP.
  for (const person of people.filter((one) => one !== 'carol')) {
    await store.putContact(at(`${person}@${domain}`), contact('carol', { from: true }))
    await store.putContact(at(`carol@${domain}`), contact(person, { to: true }))
  }
}
