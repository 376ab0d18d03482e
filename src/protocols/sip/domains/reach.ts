// How a request of ours gets to another domain: its servers, the connections to them, who rests, and what failed last.

import { PlaceFinder, type Places, type Reached } from '#net'
import { parseSipUri, type SipUri } from '../codec/uri.ts'
import type { Flow } from '../flow.ts'
import type { DomainsEnvironment, Ends } from './environment.ts'
import { Journey } from './journey.ts'
import { namedPlaces, type Place, placesOf } from './locate.ts'
import { type Hop, Ways } from './ways.ts'

/** LIMIT: servers that said when to come again, and domains whose last failure is remembered; past it the oldest goes. */
const rememberedMax = 10_000
/** LIMIT: seconds for which a server that wants to be left alone is. */
const restSecondsMax = 3600
/** Seconds for which a server that accepted a request and said nothing is asked after all others. */
const silentSeconds = 300

/** Where a request goes: to the domain itself, or, in a dialog, by the URI that the far end gave. */
export interface Way extends Ends {
  /** The next hop; undefined: the domain. */
  readonly uri?: string | undefined
  /** Octets of the request, about. */
  readonly size: number
  readonly first?: Flow | undefined
  readonly last?: Flow | undefined
}

export class Reach {
  readonly ways: Ways
  readonly #environment: DomainsEnvironment
  /** By hop, Clock.monotonic() until which it takes nothing. */
  readonly #resting = new Map<string, number>()
  /** By hop, Clock.monotonic() until which others are asked first. */
  readonly #silent = new Map<string, number>()
  /** By domain, with its time, for people. */
  readonly #errors = new Map<string, string>()

  /** Those that did not answer when they were asked last. */
  readonly #failing = new Set<string>()
  readonly #onReachable: (domain: string) => void
  readonly #labels: PlaceFinder

  constructor(
    environment: DomainsEnvironment,
    onReachable: (domain: string) => void,
    ways = new Ways(environment),
  ) {
    this.#environment = environment
    this.#labels = new PlaceFinder({
      resolver: environment.resolver,
      names: { own: [], label: 'sip', port: 5061, atAddresses: false },
      serversOf: () => undefined,
      isChosen: () => false,
    })
    this.#onReachable = onReachable
    this.ways = ways
  }

  /** Clock.monotonic(). */
  get now(): number {
    return this.#environment.service.clock.monotonic()
  }

  /** A way for a request of `ours` to `theirs`. */
  journey({ ours, theirs, places, uri, size, first, last }: Way): Journey {
    const environment = this.#environment
    const parsed = uri === undefined ? undefined : parseSipUri(uri)
    // RFC 5922 §7.3 wants the name of what was asked for: the domain, and in a dialog the host that its party named as the way to itself.
    const proven = environment.routeTo(theirs).identity ?? theirs
    const names = parsed === undefined || parsed.host === theirs ? [proven] : [proven, parsed.host]
    return new Journey({
      environment,
      ways: this.ways,
      wish: { ours, theirs, names },
      places: () =>
        places === undefined || (parsed !== undefined && parsed.host !== theirs)
          ? this.placesOf(theirs, parsed, true)
          : places(),
      size,
      first,
      last,
      isResting: (hop) => (this.#resting.get(keyOf(hop)) ?? 0) > environment.service.clock.monotonic(),
      isSilent: (hop) => (this.#silent.get(keyOf(hop)) ?? 0) > environment.service.clock.monotonic(),
    })
  }

  /** The servers of the domain, or of the next hop that one of its people named. @throws DnsError */
  async placesOf(theirs: string, uri: SipUri | undefined, atAddresses: boolean): Promise<readonly Place[]> {
    const named = await this.recordsOf(theirs, uri)
    if (named.length > 0) return named
    const secure = this.#isSecure(theirs, uri)
    const target = uri ?? parseSipUri(`sip:${theirs}`)
    if (target === undefined) return []
    const labelled = isPlain(target, theirs) ? (await this.#labels.find(theirs)).all : []
    if (labelled.length > 0)
      return labelled.map(({ host, port }) => ({ transport: secure ? 'TLS' : 'TCP', host, port }))
    return atAddresses ? placesOf(target, { resolver: this.#environment.resolver, secure }) : []
  }

  /** Those that the operator or the records of RFC 3263 name. @throws DnsError */
  async recordsOf(theirs: string, uri: SipUri | undefined): Promise<readonly Place[]> {
    const { resolver, routeTo } = this.#environment
    const { servers } = routeTo(theirs)
    const secure = this.#isSecure(theirs, uri)
    if (servers !== undefined && servers.length > 0) return namedPlaces(servers, secure)
    const target = uri ?? parseSipUri(`sip:${theirs}`)
    return target === undefined ? [] : placesOf(target, { resolver, secure, atAddresses: false })
  }

  #isSecure(theirs: string, uri: SipUri | undefined): boolean {
    return this.#environment.routeTo(theirs).tls !== 'none' || uri?.scheme === 'sips'
  }

  /** What the labels of RFC 3861 say of a domain that has no records of RFC 3263. */
  labelled(theirs: string): Promise<Reached | 'unanswered'> {
    return this.#labels.reaches(theirs)
  }

  /** Where those labels lead. @throws DnsError */
  labels(theirs: string): Promise<Places> {
    return this.#labels.find(theirs)
  }

  /** RFC 3261 §21.5.4: "the client MUST act as if it had received a 500" where no time is given; with one, it comes again then. */
  rests(hop: Hop | undefined, seconds: number): void {
    if (hop === undefined || seconds <= 0) return
    remember(
      this.#resting,
      keyOf(hop),
      this.#environment.service.clock.monotonic() + Math.min(seconds, restSecondsMax) * 1000,
    )
  }

  /** RFC 3263 §4.3: it failed, though it may have taken the request; who comes next goes to another, as long as there is one. */
  fellSilent(hop: Hop | undefined): void {
    if (hop !== undefined) remember(this.#silent, keyOf(hop), this.now + silentSeconds * 1000)
  }

  /** It answers. */
  spoke(hop: Hop | undefined): void {
    if (this.#silent.size > 0 && hop !== undefined) this.#silent.delete(keyOf(hop))
  }

  failed(theirs: string, why: string): void {
    if (this.#failing.size < rememberedMax) this.#failing.add(theirs)
    this.noted(theirs, why)
    const { log } = this.#environment.service
    log.debug('a domain could not be reached by SIP', { domain: theirs, why })
  }

  /** What an operator is shown, though it ends nothing. */
  noted(theirs: string, why: string): void {
    remember(this.#errors, theirs, `${new Date(this.#environment.service.clock.now()).toISOString()} ${why}`)
  }

  lastError(theirs: string): string {
    return this.#errors.get(theirs) ?? ''
  }

  isFailing(theirs: string): boolean {
    return this.#failing.has(theirs)
  }

  get failing(): Iterable<string> {
    return this.#failing
  }

  /** It was heard of. */
  answered(theirs: string): void {
    if (this.#failing.size > 0 && this.#failing.delete(theirs)) this.#onReachable(theirs)
  }
}

/** It names the domain and nothing else. */
const isPlain = ({ scheme, host, port, params }: SipUri, domain: string): boolean =>
  scheme === 'sip' &&
  host === domain &&
  port === undefined &&
  !params.some(({ name }) => name === 'transport' || name === 'maddr')

const keyOf = ({ transport, address, port }: Hop): string => `${transport} ${address} ${port}`

function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key)
  if (map.size >= rememberedMax)
    for (const oldest of map.keys()) {
      map.delete(oldest)
      break
    }
  map.set(key, value)
}
