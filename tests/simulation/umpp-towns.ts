// Two domains that speak UMPP alone with each other, in memory on one virtual clock: the real server of each, its people at clients of XMPP, and whatever may
// befall the legs between them, their certificates and the servers themselves.
import assert from 'node:assert/strict'
import { VirtualClock } from '#base'
import { createPeers, type PeerPolicy, type Store } from '#core'
import type { Outcome } from '#model'
import { type Connection, fixedResolver, flushConnections } from '#net'
import { createMemoryStore } from '#store'
import type { SipContext } from '../../src/protocols/sip/context.ts'
import { composeSip } from '../../src/protocols/sip/sip-server.ts'
import { settings as sipSettings } from '../../src/protocols/sip/testing/sip-domain.ts'
import { Domains } from '../../src/protocols/umpp/domains.ts'
import type { UmppEnvironment } from '../../src/protocols/umpp/environment.ts'
import { umppMetrics } from '../../src/protocols/umpp/metrics.ts'
import { finderOf, sipPlaces } from '../../src/protocols/umpp/places.ts'
import type { UmppSettings } from '../../src/protocols/umpp/settings.ts'
import { messageEnvelope } from '../../src/protocols/xmpp/binding.ts'
import { parseJid } from '../../src/protocols/xmpp/codec/jid.ts'
import { readStanza } from '../../src/protocols/xmpp/codec/stanza.ts'
import { DialbackKeys } from '../../src/protocols/xmpp/servers/dialback-key.ts'
import type { ServersEnvironment } from '../../src/protocols/xmpp/servers/environment.ts'
import { serverMetrics } from '../../src/protocols/xmpp/servers/metrics.ts'
import { Servers } from '../../src/protocols/xmpp/servers/servers.ts'
import type { TestClient } from '../../src/protocols/xmpp/testing/test-client.ts'
import { type TestDomain, testDomain } from '../../src/protocols/xmpp/testing/test-domain.ts'
import type { Certificate } from '../../src/protocols/xmpp/testing/two-servers.ts'
import { settings as umppDefaults } from '../conformance/umpp-house.ts'
import { mortalStore } from './mortal-store.ts'
import type { Chance } from './random.ts'
import { type Leg, Legs } from './umpp-legs.ts'

export const montague = 'montague.example'
export const capulet = 'capulet.example'
export type DomainName = typeof montague | typeof capulet
export const domainNames: readonly DomainName[] = [montague, capulet]
const addresses: Record<DomainName, string> = { [montague]: '192.0.2.1', [capulet]: '192.0.2.2' }
const ports: Record<Leg, number> = { sip: 5061, xmpp: 5269 }
const people: Record<DomainName, readonly string[]> = {
  [montague]: ['romeo', 'mercutio'],
  [capulet]: ['juliet', 'nurse'],
}

const welcome: PeerPolicy = {
  allowed: true,
  protocol: undefined,
  trusted: true,
  messages: true,
  presence: true,
  calls: true,
}

/** What outlives the process. */
interface Estate {
  readonly domain: DomainName
  readonly store: Store
  readonly certificates: Record<Leg, Certificate>
}

/** One life of a server. */
export interface Life {
  readonly domain: TestDomain
  readonly umpp: Domains
  readonly sip: SipContext
  readonly servers: Servers
  /** By user. */
  readonly clients: Map<string, TestClient>
  readonly dies: () => void
}

export interface Sent {
  readonly id: string
  readonly from: string
  readonly to: string
  /** Undefined: it was not acknowledged to its sender. */
  outcome?: Outcome
}

export interface TownsParts {
  readonly chance: Chance
  readonly settings?: Partial<UmppSettings>
  /** Seconds of a subscription, and for which a broken stream is kept. */
  readonly leaseSeconds?: number
  readonly resumptionSeconds?: number
}

export class Towns {
  readonly clock = new VirtualClock(Date.UTC(2026, 0, 1))
  readonly legs = new Legs(this.clock)
  readonly lives = new Map<DomainName, Life>()
  readonly sent: Sent[] = []
  /** Identifiers of what senders were told has failed. */
  readonly failed = new Set<string>()
  /** Whether names are answered a second late: then a server says 100 before it says 200. */
  slowNames = false
  /** What is being done about something that befell them; time waits for it. */
  readonly errands: Promise<void>[] = []
  readonly #parts: TownsParts
  readonly #estates = new Map<DomainName, Estate>()
  #count = 0
  #sentCount = 0

  private constructor(parts: TownsParts) {
    this.#parts = parts
  }

  static async open(parts: TownsParts): Promise<Towns> {
    const towns = new Towns(parts)
    for (const domain of domainNames) {
      const certificate = (): Certificate => ({ names: [domain], trusted: true })
      const certificates = { sip: certificate(), xmpp: certificate() }
      towns.#estates.set(domain, { domain, store: createMemoryStore(), certificates })
      await towns.serve(domain)
    }
    return towns
  }

  life(domain: DomainName): Life {
    return this.lives.get(domain) ?? assert.fail(`${domain} is dead`)
  }

  // What may befall them.

  /** As kill -9: nothing more is stored, nobody told, and every connection breaks. */
  kill(domain: DomainName): void {
    this.listen()
    const life = this.lives.get(domain)
    this.lives.delete(domain)
    life?.dies()
    this.legs.cutOff(domain)
    for (const session of [...(life?.domain.sessions ?? [])]) session.stop()
  }

  /** A life of the server, on what the one before has stored; its people sign in. */
  async serve(domain: DomainName): Promise<void> {
    const estate = this.#estates.get(domain) ?? assert.fail(`there is no ${domain}`)
    const isFirst = this.#count < domainNames.length
    this.#count++
    const life = await this.#begin(estate, isFirst ? people[domain] : [])
    this.lives.set(domain, life)
    await life.domain.service.relay.load()
    life.domain.service.relay.start()
    for (const user of people[domain]) await this.signIn(domain, user)
  }

  async signIn(domain: DomainName, user: string): Promise<void> {
    const { domain: home, clients } = this.life(domain)
    clients.set(user, await home.available(user, 'home'))
  }

  /** From now on its certificate on that leg is shown as expired, or not; sessions of TLS that there are do not notice. */
  expire(domain: DomainName, leg: Leg, isExpired: boolean): void {
    const estate = this.#estates.get(domain) ?? assert.fail(`there is no ${domain}`)
    estate.certificates[leg] = { names: [domain], trusted: !isExpired }
  }

  // What people do.

  /** Somebody says something to somebody of the other domain, as from the named device. */
  say(from: string, to: string, thread?: string): Sent {
    const id = `${from.split('@')[0]}-${this.#sentCount++}`
    const life = this.lives.get(from.split('@')[1] as DomainName)
    const sent: Sent = { id, from, to }
    // Nobody is there to be asked.
    if (life === undefined) return sent
    this.sent.push(sent)
    const threaded = thread === undefined ? '' : `<thread>${thread}</thread>`
    const written = `<message xmlns='jabber:client' to='${to}' type='chat' id='${id}'><body>${id}</body>${threaded}</message>`
    const stanza = readStanza(Buffer.from(written))
    const sender = parseJid(`${from}/home`)
    const recipient = parseJid(to)
    assert.ok(stanza !== undefined && sender !== undefined && recipient !== undefined)
    life.domain.service.messages.send(
      messageEnvelope(stanza, sender.address, sender.resource, recipient, undefined),
      (outcome) => {
        if (this.lives.get(sender.address.domain as DomainName) === life) sent.outcome = outcome
      },
    )
    return sent
  }

  // Time.

  async turns(count = 6): Promise<void> {
    for (let turn = 0; turn < count; turn++) {
      flushConnections()
      await new Promise(setImmediate)
    }
  }

  /** Time passes from timer to timer, each with its consequences. */
  async pass(seconds: number): Promise<void> {
    const { clock } = this
    await this.turns(20)
    for (const end = clock.now() + seconds * 1000; clock.now() < end; ) {
      const due = Math.max(clock.now(), clock.nextDue() ?? end)
      clock.advance(Math.min(end, due) - clock.now() || 1)
      await this.turns(5)
      while (this.errands.length > 0) await this.errands.shift()
    }
    await this.turns(20)
  }

  // What is there to see.

  /** Identifiers of what came to somebody, in order. */
  async arrived(person: string): Promise<string[]> {
    const address = parseJid(person)?.address ?? assert.fail(person)
    const { store } = this.#estates.get(address.domain as DomainName) ?? assert.fail(person)
    const history = await store.history(address, { limit: 1000 })
    return history
      .filter(({ head }) => head.to.key === address.key && head.kind === 'message')
      .map(({ head }) => head.id)
  }

  /** Takes note of the errors that came to senders, by all that came to them since they signed in. */
  listen(): void {
    for (const { clients } of this.lives.values())
      for (const { octets } of clients.values())
        for (const [start] of octets.matchAll(/<message [^>]*type=['"]error['"][^>]*>/g))
          this.failed.add(/ id=['"]([^'"]*)/.exec(start)?.[1] ?? '')
  }

  async #begin(estate: Estate, users: readonly string[]): Promise<Life> {
    const { clock, legs } = this
    const { domain: name } = estate
    const { settings, leaseSeconds = 600, resumptionSeconds = 120, chance } = this.#parts
    const mortal = mortalStore(estate.store, chance)
    const fault = (cause: unknown): void => {
      throw cause
    }
    const peers = createPeers({ clock, strangers: welcome, domains: new Map(), order: [], fault })
    const domain = await testDomain({
      settings: { serverResumptionSeconds: resumptionSeconds, idleSeconds: 1_000_000 },
      domain: name,
      clock,
      peers,
      policy: { history: true, undeliveredMax: 10_000, confirmSameDomain: false },
      users,
      store: mortal.store,
    })
    let alive = true
    const resolver = this.#resolver()
    const routeTo = () => ({ servers: undefined, tls: 'verified' }) as const
    const end = (who: DomainName, leg: Leg) => ({
      domain: who,
      address: addresses[who],
      certificate: (this.#estates.get(who) as Estate).certificates[leg],
    })
    const dial = (leg: Leg, host: string): Connection => {
      const other = domainNames.find((each) => addresses[each] === host)
      const far = other === undefined ? undefined : this.lives.get(other)
      if (!alive || other === undefined || far === undefined) throw new Error('nobody answers')
      return legs.connect(leg, end(name, leg), end(other, leg), ports[leg], (connection) => {
        if (leg === 'sip') far.sip.transport.connected(connection, 'TLS')
        else far.servers.accept(connection)
      })
    }
    const { service, logins } = domain
    const tls = { secureContext: () => ({}) as never }
    const sip = composeSip(
      service,
      { ...sipSettings, otherDomains: true, domainLeaseSeconds: leaseSeconds },
      logins.digest,
      {
        tls,
        resolver,
        routeTo,
        connect: async ({ host }) => dial('sip', host),
      },
    )
    const serversEnvironment: ServersEnvironment = {
      service,
      settings: domain.settings,
      version: '1.2.3',
      tls,
      resolver,
      routeTo,
      keys: new DialbackKeys(`the secret of ${name}`),
      metrics: serverMetrics(service.metrics),
    }
    const servers = new Servers(serversEnvironment, async ({ host }) => dial('xmpp', host))
    const agent = sip.domains?.agent ?? assert.fail('SIP has no other domains')
    const finder = finderOf({ service, resolver, routeTo })
    const environment: UmppEnvironment = {
      service,
      settings: { ...umppDefaults, queuedMax: 100, sessionsMax: 100, ...settings },
      metrics: umppMetrics(service.metrics),
      resolver,
      routeTo,
      userAgent: agent,
      streams: servers.sessions,
      placesFor: (other) => async () => sipPlaces((await finder.find(other)).all, routeTo()),
      ownPlace: () => ({ host: `xmpp.${name}`, port: ports.xmpp }),
      mayBePrivate: () => false,
    }
    const umpp = new Domains({ environment, finder, xmppLink: undefined })
    agent.onInvite((call, invite, from) => umpp.sessions.offered(call, invite, from))
    servers.sessions.onMessage((from, to) => umpp.sessions.targetOf(from, to))
    peers.add(umpp)
    const dies = (): void => {
      alive = false
      mortal.kill()
    }
    return { domain, umpp, sip, servers, clients: new Map(), dies }
  }

  /** Names lead to servers of UMPP alone. */
  #resolver() {
    const srv = domainNames.flatMap((name) =>
      ['_im._umpp', '_pres._umpp'].map(
        (label) =>
          [`${label}.${name}`, [{ priority: 0, weight: 0, target: `sip.${name}`, port: ports.sip }]] as const,
      ),
    )
    const hosts = domainNames.flatMap((name) =>
      ['sip', 'xmpp'].map((host) => [`${host}.${name}`, [addresses[name]]] as const),
    )
    const fixed = fixedResolver({ srv: Object.fromEntries(srv), addresses: Object.fromEntries(hosts) })
    return {
      ...fixed,
      addresses: async (host: string) => {
        if (this.slowNames && host.startsWith('xmpp.'))
          await new Promise<void>((resolve) => this.clock.schedule(1000, resolve))
        return fixed.addresses(host)
      },
    }
  }
}
