// All other domains by this protocol (PeerProtocol): the pairs of domains, the links to them, who comes from there, and how each is verified.

import { Answered, type PeerExamination, type PeerStatus, type Way } from '#core'
import { type Connection, DnsError, type Place, type PlaceFinder } from '#net'
import { type Dial, Links, type OtherDomains, placeFinder, Strangers } from '#protocols/exchange'
import { protocolName } from '../binding.ts'
import { requestBytes } from '../codec/index.ts'
import type { DomainsEnvironment } from './environment.ts'
import { ForeignWatchers } from './foreign-watchers.ts'
import { Leg } from './leg.ts'
import { PrimLink } from './link.ts'
import { DomainPair } from './pair.ts'
import { domainNames } from './places.ts'
import { type Takers, takeRequest } from './requests.ts'
import { InitiatorSetUp, ResponderSetUp } from './set-up.ts'

/** LIMIT: addresses that are tried for one connection. */
const addressesMax = 8
/** LIMIT: pairs of domains, and links, that are remembered though nothing needs them; past it the longest known is forgotten. */
export const rememberedMax = 10_000

export class Domains implements OtherDomains {
  readonly protocol = protocolName
  readonly watchers: ForeignWatchers
  readonly #environment: DomainsEnvironment
  readonly #dial: Dial
  readonly #places: PlaceFinder
  readonly #takers: Takers
  readonly #pairs = new Map<string, DomainPair>()
  readonly #links: Links<PrimLink>
  /** Those that others opened to us. */
  readonly #accepted = new Set<Leg>()
  /** Of them, those that have not proven anything yet. */
  readonly #strangers = new Strangers()

  constructor(environment: DomainsEnvironment, dial: Dial) {
    const { service, settings } = environment
    this.#environment = environment
    this.#dial = dial
    this.watchers = new ForeignWatchers(environment, (ours, theirs) => this.#pairOf(ours, theirs))
    this.#places = placeFinder(protocolName, domainNames, environment)
    this.#links = new Links(
      rememberedMax,
      (domain) =>
        new PrimLink({
          domain,
          environment,
          pairOf: (ours) => this.#pairOf(ours, domain),
        }),
    )
    this.#takers = {
      watchers: this.watchers,
      watchOf: (watcher, presentity, id) =>
        this.#links.get(presentity.domain)?.watchOf(watcher, presentity, id),
      answered: new Answered(service.clock, {
        seconds: settings.domainAnswersSeconds,
        countMax: settings.domainAnswersMax,
      }),
    }
  }

  reaches(domain: string): Promise<Way | 'unanswered'> {
    return this.#places.reaches(domain)
  }

  /** The time that a connection may take to get ready bounds each try. */
  examine(ours: string, theirs: string): Promise<PeerExamination> {
    const milliseconds = this.#environment.settings.domainConnectSeconds * 1000
    return this.#places.examine(
      theirs,
      async (place) => {
        const leg = await this.#setUp(ours, theirs, await this.#dial(place), () => {})
        leg.close('it was opened to see whether it can be')
        const proof = leg.strength === 'strong' ? `certificate of ${theirs}` : 'it did not prove itself'
        return `ready, ${leg.connection.tls?.protocol ?? 'no TLS'}, ${proof}`
      },
      milliseconds,
    )
  }

  linkTo(domain: string): PrimLink {
    return this.#links.to(domain)
  }

  status(): readonly PeerStatus[] {
    return [...this.#pairs.values()].map((pair) => ({
      protocol: protocolName,
      domain: pair.theirs,
      state: pair.state,
      connections: this.#legsOf(pair).map(lineOf),
      identity: pair.leg?.strength === 'strong' ? `certificate of ${pair.theirs}` : '',
      lastError: pair.lastError,
    }))
  }

  /** Takes a connection that somebody opened to us. */
  accept(connection: Connection): void {
    const { settings, service } = this.#environment
    const { address } = connection.remote
    const isFull = this.#accepted.size >= settings.domainConnectionsMax
    const proven = isFull ? undefined : this.#strangers.admit(address, settings.domainStrangersPerAddressMax)
    if (proven === undefined) {
      service.log.debug('prim connection of a domain refused: too many', { address })
      return connection.destroy({ why: 'limit', detail: 'too many connections' })
    }
    const leg: Leg = new Leg({
      connection,
      environment: this.#environment,
      setUp: new ResponderSetUp({
        verifies: (domain, address) => this.#verifies(domain, address),
        isOurs: (address) => this.#isOurs(address),
        onReady: proven,
        onRefused: (theirs, why) =>
          service.log.debug('a domain could not prove itself', { domain: theirs, address, why }),
      }),
      onRequest: (of, request, reply) => takeRequest(of, request, reply, this.#takers),
      onOver: (over) => {
        this.#accepted.delete(over)
        proven()
      },
    })
    this.#accepted.add(leg)
    leg.start()
  }

  stop(): void {
    this.#links.stop()
    for (const pair of this.#pairs.values()) pair.close()
    for (const leg of [...this.#accepted]) leg.close('the server stops')
  }

  #pairOf(ours: string, theirs: string): DomainPair {
    const key = `${ours} ${theirs}`
    const known = this.#pairs.get(key)
    if (known !== undefined) return known
    if (this.#pairs.size >= rememberedMax) this.#forgetPair()
    const pair: DomainPair = new DomainPair({
      environment: this.#environment,
      ours,
      theirs,
      open: () => this.#open(pair),
    })
    this.#pairs.set(key, pair)
    return pair
  }

  /** One that is watched over stays: who watches asks it again. */
  #forgetPair(): void {
    for (const [key, pair] of this.#pairs) {
      const isWatched = this.#links.get(pair.theirs)?.isWatching || this.watchers.hasAny(pair.theirs)
      if (pair.state === 'idle' && !isWatched) return void this.#pairs.delete(key)
    }
  }

  /** One address after another, until one is ready. */
  async #open(pair: DomainPair): Promise<Leg> {
    const failures: string[] = []
    let tried = 0
    for (const { host: name, port } of (await this.#places.find(pair.theirs)).all) {
      for (const host of await this.#addressesOf(name, failures)) {
        if (++tried > addressesMax) break
        try {
          const connection = await this.#dial({ host, port, direct: false })
          return await this.#setUp(pair.ours, pair.theirs, connection, (leg, why) => pair.over(leg, why))
        } catch (error) {
          failures.push(`${host}:${port}: ${(error as Error).message}`)
        }
      }
    }
    throw new Error(failures.join('; ') || `${pair.theirs} has no server for PRIM`)
  }

  async #addressesOf(host: string, failures: string[]): Promise<readonly string[]> {
    try {
      return await this.#environment.resolver.addresses(host)
    } catch (error) {
      // Another server of the domain may be found.
      failures.push((error as Error).message)
      return []
    }
  }

  #setUp(
    ours: string,
    theirs: string,
    connection: Connection,
    onOver: (leg: Leg, why: string) => void,
  ): Promise<Leg> {
    return new Promise((resolve, reject) => {
      new Leg({
        connection,
        environment: this.#environment,
        setUp: new InitiatorSetUp({ ours, theirs, onReady: resolve }),
        onRequest: (of, request, reply) => takeRequest(of, request, reply, this.#takers),
        onOver: (over, why) => {
          onOver(over, why)
          reject(new Error(why))
        },
      }).start()
    })
  }

  /** §8.2: the address is among those of the domain's servers, or one of them says that it is theirs. */
  async #verifies(domain: string, address: string): Promise<boolean> {
    try {
      const { all } = await this.#places.find(domain)
      const found = await Promise.all(all.map(({ host }) => this.#addressesOf(host, [])))
      if (found.flat().includes(address)) return true
      for (const [at, { port }] of all.entries())
        for (const host of found[at] ?? [])
          if (await this.#says({ host, port, direct: false }, address)) return true
    } catch (error) {
      if (!(error instanceof DnsError))
        this.#environment.service.log.debug('a server could not be verified', { error })
    }
    return false
  }

  /** One that can't be asked says nothing; another of the domain may. */
  async #says(place: Place, address: string): Promise<boolean> {
    try {
      return await this.#ask(place, address)
    } catch (error) {
      this.#environment.service.log.debug('a server could not be asked', { host: place.host, error })
      return false
    }
  }

  /** VERIFYSERVER, of a server of the domain found by DNS, before any LOGIN. */
  async #ask(place: Place, address: string): Promise<boolean> {
    const connection = await this.#dial(place)
    return new Promise((resolve) => {
      const leg: Leg = new Leg({
        connection,
        environment: this.#environment,
        setUp: {
          begin: (begun) => {
            const id = begun.freshId()
            const octets = requestBytes('VERIFYSERVER', 'PRIM', id, [['Server-Address', address]])
            begun.exchange.request({ id }, [octets], (settled) => {
              resolve(typeof settled === 'object' && settled.status === 200)
              begun.connection.write(requestBytes('LOGOUT', 'PRIM', '-', []))
              begun.close('it was asked')
            })
          },
          secured: () => {},
          request: (_leg, _request, reply) => reply.error('domain-authentication-required'),
        },
        onRequest: (_leg, _request, reply) => reply.error('domain-authentication-required'),
        onOver: () => resolve(false),
      })
      leg.start()
    })
  }

  /** Whether an address is one of a server of any of our domains. */
  async #isOurs(address: string): Promise<boolean> {
    for (const domain of this.#environment.service.router.domains) {
      const places = await this.#placesOf(domain)
      for (const { host } of places) if ((await this.#addressesOf(host, [])).includes(address)) return true
    }
    return false
  }

  /** None while nobody can say: an address that nobody vouches for proves nothing. */
  async #placesOf(domain: string): Promise<readonly Place[]> {
    try {
      return (await this.#places.find(domain)).all
    } catch (error) {
      this.#environment.service.log.debug('the servers of a domain could not be looked up', { domain, error })
      return []
    }
  }

  #legsOf({ leg, theirs }: DomainPair): readonly Leg[] {
    const accepted = [...this.#accepted].filter((each) => each.theirs === theirs)
    return leg === undefined ? accepted : [leg, ...accepted]
  }
}

function lineOf({ connection, since, environment }: Leg): string {
  const { address, port } = connection.remote
  const seconds = Math.round((environment.service.clock.now() - since) / 1000)
  const host = address.includes(':') ? `[${address}]` : address
  return `${host}:${port}, ${connection.tls?.protocol ?? 'no TLS'}, ${seconds} s`
}
