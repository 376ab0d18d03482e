// All other domains by this protocol (PeerProtocol): the pairs of domains, the links to them, and who comes from there.

import type { PeerExamination, PeerStatus, Way } from '#core'
import { type Connection, onlyPlace, type PlaceFinder } from '#net'
import { type Dial, Links, type OtherDomains, placeFinder, Strangers } from '#protocols/exchange'
import { protocolName } from '../binding.ts'
import type { DomainsEnvironment } from './environment.ts'
import { ForeignWatchers } from './foreign-watchers.ts'
import { ImppLink } from './link.ts'
import { openSession, tryServer } from './opening.ts'
import { DomainPair } from './pair.ts'
import { domainNames } from './places.ts'
import { takeRequest } from './requests.ts'
import { DomainSession } from './session.ts'
import { ResponderSetUp } from './set-up-responder.ts'

/** LIMIT: how long a server that stops waits until other domains have heard what it had to say, looking so often. */
const goodbyeMilliseconds = 2000
const goodbyeStep = 50

export class Domains implements OtherDomains {
  readonly protocol = protocolName
  readonly watchers: ForeignWatchers
  readonly #environment: DomainsEnvironment
  readonly #dial: Dial
  readonly #places: PlaceFinder
  readonly #pairs = new Map<string, DomainPair>()
  readonly #links: Links<ImppLink>
  /** Connections that have not proven anything yet, and how many of each source. */
  readonly #strangers = new Set<DomainSession>()
  readonly #strangersOf = new Strangers()

  constructor(environment: DomainsEnvironment, dial: Dial) {
    this.#environment = environment
    this.#dial = dial
    this.watchers = new ForeignWatchers(environment, (ours, theirs) => this.#pairOf(ours, theirs))
    this.#places = placeFinder(protocolName, domainNames, environment)
    this.#links = new Links(
      environment.settings.domainsMax,
      (domain) =>
        new ImppLink({
          domain,
          environment,
          pairOf: (ours) => this.#pairOf(ours, domain),
          direct: () => this.#directTo(domain),
        }),
    )
  }

  reaches(domain: string): Promise<Way | 'unanswered'> {
    return this.#places.reaches(domain)
  }

  examine(ours: string, domain: string): Promise<PeerExamination> {
    const parts = { environment: this.#environment, dial: this.#dial, ours, theirs: domain, bulk: false }
    return this.#places.examine(
      domain,
      (place, signal) => tryServer({ ...parts, places: onlyPlace(place) }, signal),
      this.#environment.settings.domainConnectSeconds * 1000,
    )
  }

  linkTo(domain: string): ImppLink {
    return this.#links.to(domain)
  }

  status(): readonly PeerStatus[] {
    return [...this.#pairs.values()].map((pair) => ({
      protocol: protocolName,
      domain: pair.theirs,
      state: pair.state,
      connections: [...pair.sessions].map((session) => lineOf(session)),
      identity: [...pair.sessions][0]?.parties?.identity ?? '',
      lastError: pair.lastError,
    }))
  }

  /** Every two domains that have met. */
  pairs(): Iterable<DomainPair> {
    return this.#pairs.values()
  }

  /** Takes a connection that somebody opened to us. */
  accept(connection: Connection): void {
    const { settings, service } = this.#environment
    const { address } = connection.remote
    const isFull = this.#strangers.size >= settings.domainStrangersMax
    const counted = isFull
      ? undefined
      : this.#strangersOf.admit(address, settings.domainStrangersPerAddressMax)
    if (counted === undefined) {
      service.log.debug('impp connection of a domain refused: too many are not ready', { address })
      return connection.destroy({ why: 'limit', detail: 'too many connections that are not ready' })
    }
    const proven = (stranger: DomainSession): void => {
      this.#strangers.delete(stranger)
      counted()
    }
    const session: DomainSession = new DomainSession({
      connection,
      environment: this.#environment,
      role: 'responder',
      bulk: false,
      setUp: new ResponderSetUp({
        admits: (ours, theirs) => this.#pairs.get(pairKey(ours, theirs))?.admits() ?? this.#makeRoom(),
        onReady: (ready, parties) => {
          proven(ready)
          this.#pairOf(parties.ours, parties.theirs).join(ready, parties)
        },
        onRefused: (_session, theirs, why) => this.#refused(theirs, address, why),
      }),
      onFailed: proven,
    })
    this.#strangers.add(session)
    session.start()
  }

  /** Waits a little for what is still to be said, then says goodbye to every domain. */
  async stop(): Promise<void> {
    const { clock } = this.#environment.service
    for (let left = goodbyeMilliseconds; left > 0; left -= goodbyeStep) {
      await new Promise<void>((resolve) => clock.schedule(goodbyeStep, resolve))
      if ([...this.#pairs.values()].every((pair) => !pair.isBusy)) break
    }
    this.#links.stop()
    for (const session of [...this.#strangers]) session.end('temporarily-unavailable', 'the server stops')
    for (const pair of this.#pairs.values()) pair.close()
  }

  #pairOf(ours: string, theirs: string): DomainPair {
    const key = pairKey(ours, theirs)
    const known = this.#pairs.get(key)
    if (known !== undefined) return known
    this.#makeRoom()
    const pair = new DomainPair({
      environment: this.#environment,
      ours,
      theirs,
      open: (opening, bulk, signal) =>
        openSession(
          {
            environment: this.#environment,
            places: this.#places,
            dial: this.#dial,
            ours,
            theirs,
            bulk,
            onReady: (session, parties) => opening.join(session, parties),
          },
          signal,
        ),
      take: (of, request, reply) =>
        takeRequest(of, request, reply, {
          watchers: this.watchers,
          watchOf: (watcher, presentity) => this.#links.get(of.theirs)?.watchOf(watcher, presentity),
        }),
    })
    this.#pairs.set(key, pair)
    return pair
  }

  /** LIMIT: one certificate may name as many domains as its owner likes; those that have been and gone are forgotten. */
  #makeRoom(): boolean {
    const { domainsMax } = this.#environment.settings
    if (this.#pairs.size < domainsMax) return true
    for (const [key, pair] of this.#pairs) {
      const isWatched = this.#links.get(pair.theirs)?.isWatching || this.watchers.hasAny(pair.theirs)
      if (pair.isForgettable && !isWatched) this.#pairs.delete(key)
    }
    return this.#pairs.size < domainsMax
  }

  /** Shown where we have to do with that domain; a stranger's claim alone leaves nothing but a line in the log. */
  #refused(theirs: string, address: string, why: string): void {
    const pairs = [...this.#pairs.values()].filter((pair) => pair.theirs === theirs)
    for (const pair of pairs) pair.failed(`from ${address}: ${why}`)
    const { log } = this.#environment.service
    // Anybody can claim to be anybody, as often as they like.
    const level = pairs.length > 0 ? 'warn' : 'debug'
    log[level]('a domain could not prove itself', { domain: theirs, address, why })
  }

  #directTo(domain: string): Promise<string | undefined> | undefined {
    if (this.#environment.settings.directDomains?.includes(domain) !== true) return undefined
    return this.#places.find(domain).then(
      ({ all: [first] }) => (first === undefined ? undefined : `${first.host}:${first.port}`),
      () => undefined,
    )
  }
}

function pairKey(ours: string, theirs: string): string {
  return `${ours} ${theirs}`
}

function lineOf({ connection, role, parties, since, environment, bulk }: DomainSession): string {
  const { address, port } = connection.remote
  const seconds = Math.round((environment.service.clock.now() - since) / 1000)
  const host = address.includes(':') ? `[${address}]` : address
  const kind = bulk ? ', for long messages' : ''
  return `${role === 'initiator' ? 'to' : 'from'} ${host}:${port} for ${parties?.ours}, ${connection.tls?.protocol ?? 'no TLS'}, ${seconds} s${kind}`
}
