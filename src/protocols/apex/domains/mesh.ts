// The mesh (RFC 3340 §2.1, §3.1): relays of other domains, found by SRV, each proven by its certificate before it is believed or told
// anything.

import { Answered, type PeerExamination, type PeerProtocol, type PeerStatus, type Way } from '#core'
import type { Outcome } from '#model'
import { type Connection, onlyPlace, PlaceFinder, type Proof, proofOfDomain, sourceOf } from '#net'
import {
  type BeepError,
  type BeepProfile,
  beginSession,
  type Channel,
  type ChannelHandler,
  type OutgoingEntity,
  type Session,
  sessionLimits,
  tlsProfileOf,
} from '#protocols/beep'
import type { Element } from '#wire/xml'
import { apexProfile, protocolName } from '../binding.ts'
import {
  dataDocument,
  type EndpointName,
  entityOf,
  personOf,
  readServiceMessage,
  serviceOf,
  terminateText,
  xmlPayload,
} from '../codec/index.ts'
import type { Mesh as MeshContract } from '../relay.ts'
import { AnswersDue } from './answers-due.ts'
import { externalProfile } from './external.ts'
import { freshMark } from './marks.ts'
import { MeshChannel } from './mesh-channel.ts'
import { MeshLink } from './mesh-link.ts'
import type { MeshParts } from './mesh-parts.ts'
import { type MeshMetrics, meshMetrics } from './metrics.ts'
import { openLine } from './opening.ts'
import { type Line, MeshPair } from './pair.ts'
import { domainNames } from './places.ts'
import { outcomeOfCarried, type Wish } from './sending.ts'
import { Visitors } from './visitors.ts'

/** LIMIT: pairs of domains, and links, that are remembered though nothing needs them; past it the longest known is forgotten. */
const rememberedMax = 10_000

/** LIMIT: milliseconds between two words in the log on one domain that speaks in others' names. */
const forgeryTellMilliseconds = 60_000

export class Mesh implements PeerProtocol, MeshContract {
  readonly protocol = protocolName
  readonly freshMark = freshMark
  readonly #parts: MeshParts
  readonly #metrics: MeshMetrics
  readonly #places: PlaceFinder
  readonly #links = new Map<string, MeshLink>()
  readonly #due = new AnswersDue()
  readonly #pairs = new Map<string, MeshPair>()
  readonly #sessions = new Set<Session>()
  readonly #channels = new WeakMap<Session, Set<MeshChannel>>()
  readonly #visitors: Visitors
  readonly #answered: Answered<BeepError | undefined>
  #forgeryTold = Number.NEGATIVE_INFINITY

  constructor(parts: MeshParts) {
    this.#parts = parts
    const { relay, others } = parts
    const { service, settings } = relay
    this.#metrics = meshMetrics(service.metrics)
    this.#visitors = new Visitors(service.clock, settings, this.#metrics)
    this.#answered = new Answered(service.clock, {
      seconds: settings.domainAnswersSeconds,
      countMax: settings.domainAnswersMax,
    })
    this.#places = new PlaceFinder({
      resolver: others.resolver,
      names: domainNames,
      serversOf: (domain) => others.routeTo(domain).servers,
      isChosen: (domain) => service.peers.policyFor(domain).protocol === protocolName,
    })
  }

  reaches(domain: string): Promise<Way | 'unanswered'> {
    return this.#places.reaches(domain)
  }

  linkTo(domain: string): MeshLink {
    const known = this.#links.get(domain)
    if (known !== undefined) return known
    if (this.#links.size >= rememberedMax) this.#forgetLink()
    const { relay } = this.#parts
    const pairOf = (ours: string): MeshPair => this.#pairOf(ours, domain)
    const link = new MeshLink({ relay, domain, due: this.#due, pairOf })
    this.#links.set(domain, link)
    return link
  }

  post(
    document: string,
    to: EndpointName,
    from: string,
    onOutcome: (outcome: Outcome) => void = () => {},
  ): void {
    const entity = entityOf(xmlPayload(document))
    this.#carry({ entity, lane: to.written, isPatient: true }, from, to.domain, onOutcome)
  }

  whenHeardOf(ours: string, domain: string, run: () => void): () => void {
    const pair = this.#pairOf(ours, domain)
    pair.trying.add(run)
    return () => pair.trying.delete(run)
  }

  async carries(domain: string): Promise<boolean> {
    const way = await this.reaches(domain)
    return way !== 'unanswered' && way.messages
  }

  pass(entity: OutgoingEntity, ours: string, domain: string, onOutcome: (outcome: Outcome) => void): void {
    this.#carry({ entity, lane: '' }, ours, domain, onOutcome)
  }

  status(): readonly PeerStatus[] {
    const known = new Set<string>()
    const shown = [...this.#pairs.values()].map((pair): PeerStatus => {
      // Who came is shown with the first of our domains that has to do with them.
      const visitors = known.has(pair.theirs) ? [] : this.#visitors.linesOf(pair.theirs)
      known.add(pair.theirs)
      return {
        protocol: protocolName,
        domain: pair.theirs,
        state: pair.state,
        connections: [...(pair.line === undefined ? [] : [this.#lineOf(pair, pair.line)]), ...visitors],
        identity: pair.line?.identity ?? this.#visitors.identityOf(pair.theirs),
        lastError: pair.lastError,
      }
    })
    return [...shown, ...this.#visitors.strangersTo(known)]
  }

  examine(ours: string, theirs: string): Promise<PeerExamination> {
    const { settings } = this.#parts.relay
    return this.#places.examine(
      theirs,
      async (place) => {
        const { session, identity } = await this.#open({
          ours,
          theirs,
          places: onlyPlace(place),
          channels: 1,
          onChannel: () => {},
          onChannelClosed: () => {},
          onDrain: () => {},
          onOver: () => {},
        })
        const { tls } = session.connection
        session.release()
        return `ready, ${tls?.protocol ?? 'no TLS'}, ${identity}`
      },
      settings.beepTuningSeconds * 1000,
    )
  }

  /** Serves a connection that another relay opened; it says by bind for whom (§4.4.2). */
  accept(connection: Connection): void {
    const { relay, tls } = this.#parts
    const source = sourceOf(connection.remote.address)
    if (!this.#visitors.admits(source)) {
      relay.service.log.debug('apex connection of a relay refused: too many', { source })
      return connection.destroy({ why: 'limit', detail: 'too many connections' })
    }
    const refusal = (domain: string): string | undefined => this.#refused(connection, domain)
    const apex: BeepProfile = {
      uri: apexProfile,
      start: (start) => this.#channel(start.session, refusal).begun(start),
    }
    const profiles = [
      tlsProfileOf({ context: tls, requestCertificate: true }),
      ...externalProfile({ relay, connection, refusal }),
      apex,
    ]
    const session = this.#begin(
      connection,
      'listener',
      profiles,
      () => {},
      (closed) => this.#visitors.left(closed),
    )
    this.#visitors.came(session, source)
  }

  stop(): void {
    for (const link of this.#links.values()) link.stop()
    for (const pair of this.#pairs.values()) pair.close()
    for (const session of [...this.#sessions]) session.release()
  }

  #carry(wish: Wish, ours: string, domain: string, onOutcome: (outcome: Outcome) => void): void {
    this.#pairOf(ours, domain).request(wish, (carried) => onOutcome(outcomeOfCarried(carried)))
  }

  #pairOf(ours: string, theirs: string): MeshPair {
    const key = `${ours} ${theirs}`
    const known = this.#pairs.get(key)
    if (known !== undefined) return known
    if (this.#pairs.size >= rememberedMax) this.#forgetPair()
    const pair: MeshPair = new MeshPair({
      relay: this.#parts.relay,
      metrics: this.#metrics,
      ours,
      theirs,
      open: () => this.#openFor(pair),
    })
    this.#pairs.set(key, pair)
    return pair
  }

  /** One that is watched over stays: who watches asks it again. */
  #forgetPair(): void {
    for (const [key, pair] of this.#pairs) {
      const isWatched = this.#links.get(pair.theirs)?.isWatching === true
      if (pair.isForgettable && !isWatched) return void this.#pairs.delete(key)
    }
  }

  #forgetLink(): void {
    for (const [domain, link] of this.#links) if (!link.isWatching) return void this.#links.delete(domain)
  }

  #openFor(pair: MeshPair): Promise<Line> {
    const { ours, theirs } = pair
    return this.#open({
      ours,
      theirs,
      places: this.#places,
      channels: this.#parts.relay.settings.domainChannels,
      onChannel: (channel) => pair.joined(channel),
      onChannelClosed: (channel) => pair.left(channel),
      onDrain: () => pair.drained(),
      onOver: (session, why) => pair.ended(session, why),
    })
  }

  #open(wish: {
    readonly ours: string
    readonly theirs: string
    readonly places: Pick<PlaceFinder, 'find'>
    readonly channels: number
    readonly onChannel: (channel: Channel) => void
    readonly onChannelClosed: (channel: Channel) => void
    readonly onDrain: () => void
    readonly onOver: (session: Session, detail: string) => void
  }): Promise<Line> {
    return openLine({
      ...this.#parts,
      ...wish,
      proof: ({ connection }) => this.#proof(connection, wish.theirs),
      handler: (session, onDrain, onClosed) => this.#own(session, wish.theirs, onDrain, onClosed),
      begin: (connection, profiles, onGreeting, onOver) =>
        void this.#begin(connection, 'initiator', profiles, onGreeting, onOver),
    })
  }

  /** A channel that we opened: who was looked for as that domain, and has proven to be, may use it, too. */
  #own(session: Session, theirs: string, onDrain: () => void, onClosed: () => void): ChannelHandler {
    const refusal = (domain: string): string | undefined => this.#refused(session.connection, domain)
    const handler = this.#channel(session, refusal, { onDrain, onClosed })
    handler.serves(theirs)
    return handler
  }

  #channel(
    session: Session,
    refusal: (domain: string) => string | undefined,
    more: { readonly onDrain?: () => void; readonly onClosed?: () => void } = {},
  ): MeshChannel {
    const siblings = this.#channels.get(session) ?? new Set()
    this.#channels.set(session, siblings)
    return new MeshChannel({
      relay: this.#parts.relay,
      siblings,
      metrics: this.#metrics,
      answered: this.#answered,
      refusal,
      onBound: (domain) => this.#bound(session, domain),
      onForged: (originator) => this.#forged(session, originator),
      onService: (service, to, element) => this.#heard(service, to, element),
      ...more,
    })
  }

  /** Another domain is there: what waits for it is tried. Of a session's channels the first to bind says so. */
  #bound(session: Session, domain: string): void {
    const proof = this.#proof(session.connection, domain)
    const isNews = this.#visitors.bound(session, domain, proof.proven ? proof.identity : '')
    if (!isNews) return
    for (const pair of this.#pairs.values()) if (pair.theirs === domain) pair.heardOf()
    this.#parts.relay.service.relay.retry(domain)
  }

  #proof(connection: Connection, domain: string): Proof {
    const { relay, others } = this.#parts
    if (relay.isOurs(domain)) return { proven: false, why: `${domain} is ours` }
    const { allowed } = relay.service.peers.policyFor(domain)
    if (!allowed) return { proven: false, why: `our policy does not allow ${domain}` }
    return proofOfDomain(connection.tls, domain, others.routeTo(domain))
  }

  /** Why it may not speak for the domain; told to the operator where we have to do with that domain. */
  #refused(connection: Connection, domain: string): string | undefined {
    const proof = this.#proof(connection, domain)
    if (proof.proven) return undefined
    const { address } = connection.remote
    const pairs = [...this.#pairs.values()].filter(({ theirs }) => theirs === domain)
    for (const pair of pairs) pair.failed(`from ${address}: ${proof.why}`)
    // Anybody can claim to be anybody, as often as they like.
    const level = pairs.length > 0 ? 'warn' : 'debug'
    this.#parts.relay.service.log[level]('a relay may not bind', { domain, address, why: proof.why })
    return proof.why
  }

  #forged({ connection }: Session, originator: EndpointName): void {
    this.#metrics.forged.add()
    const { clock, log } = this.#parts.relay.service
    if (clock.monotonic() - this.#forgeryTold < forgeryTellMilliseconds) return
    this.#forgeryTold = clock.monotonic()
    log.warn('a relay speaks in the name of a domain that it is not', {
      address: connection.remote.address,
      from: originator.written,
    })
  }

  /** What a service of another domain says to one of our people, as we asked on his behalf. */
  #heard(service: EndpointName, to: EndpointName, element: Element | undefined): boolean {
    const person = to.subaddress === '' ? personOf(to) : undefined
    if (person === undefined || element === undefined) return false
    const said = readServiceMessage(element)
    const link = this.#links.get(service.domain)
    switch (serviceOf(service)) {
      case 'report':
        if (said.kind !== 'statusResponse' || said.destinations.length !== 1) return false
        return link?.reported(person, said.transId, said.destinations[0]?.code ?? 550) === true
      case 'presence':
        if (link?.heard(person, said) === true) return true
        if (said.kind === 'reply') return this.#due.has(said.transId, person)
        if (said.kind !== 'publish') return false
        // Of a person we are the one who subscribes: of this nobody knows any more.
        this.#due.expect(said.transId, person)
        this.#terminate(service, to, said.transId)
        return true
      default:
        return false
    }
  }

  #terminate(service: EndpointName, originator: EndpointName, transId: number): void {
    const document = dataDocument({
      content: '#Content',
      originator,
      recipient: service,
      inline: terminateText(transId),
      options: freshMark(),
    })
    this.post(document, service, originator.domain)
  }

  #lineOf(pair: MeshPair, { session, since }: Line): string {
    const { size, octets, underWay } = pair.sending
    const seconds = Math.round((this.#parts.relay.service.clock.now() - since) / 1000)
    const { tls, remote } = session.connection
    const queue = `${underWay} under way, ${size - underWay} waiting, ${octets} octets`
    const host = remote.address.includes(':') ? `[${remote.address}]` : remote.address
    return `to ${host}:${remote.port} for ${pair.ours}, ${tls?.protocol ?? 'no TLS'}, ${seconds} s, ${pair.channels} channels, ${queue}`
  }

  #begin(
    connection: Connection,
    role: 'listener' | 'initiator',
    profiles: readonly BeepProfile[],
    onGreeting: (session: Session) => void,
    onOver: (session: Session, detail: string) => void,
  ): Session {
    const { service, settings } = this.#parts.relay
    const session = beginSession(connection, {
      role,
      clock: service.clock,
      log: service.log,
      limits: sessionLimits(settings),
      profiles,
      serves: (name) => service.router.isLocal(name),
      onGreeting,
      onClosed: (closed, { why, detail }) => {
        this.#sessions.delete(closed)
        onOver(closed, detail ?? why)
      },
    })
    this.#sessions.add(session)
    return session
  }
}
