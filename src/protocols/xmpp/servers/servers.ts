// All other domains by this protocol (PeerProtocol): the pairs of domains, the links to them, and the servers that come from there.
import { namedWay, type PeerExamination, type PeerProtocol, type PeerStatus, type Way } from '#core'
import { type Connection, knownPlaces, onlyPlace, type Place, PlaceFinder } from '#net'
import type { Frame } from '#wire/xml'
import { type StanzaCondition, stanzaErrorTypes } from '../codec/stanza-error.ts'
import { Aftermath } from './aftermath.ts'
import type { Channel, ChannelOwner } from './channel.ts'
import { Components } from './components.ts'
import type { ReceivingPolicy } from './dialback-requests.ts'
import { proofBy, proofPolicyOf, type ServersEnvironment } from './environment.ts'
import { tryServer } from './examination.ts'
import { Fetches } from './fetches.ts'
import { Incoming } from './incoming.ts'
import type { Ready } from './initiating-stream.ts'
import { PastStreams } from './lapsed.ts'
import { ServerLink } from './link.ts'
import { Looks } from './looks.ts'
import { Multiplexing } from './multiplexing.ts'
import { type Dial, NoServer, openStream } from './opening.ts'
import { ServerPair } from './pair.ts'
import { serverNames } from './places.ts'
import { ReceivingStream } from './receiving-stream.ts'
import { Sessions } from './sessions.ts'
import { Sharing } from './sharing.ts'
import { Strangers } from './strangers.ts'

/** LIMIT: keys that are being verified at a time. */
const verifyingMax = 100
/** LIMIT: pairs of domains, and links, that are remembered though nothing connects them; past it the longest known is forgotten. */
const rememberedMax = 10_000

export class Servers implements PeerProtocol, ChannelOwner {
  readonly protocol = 'xmpp'
  readonly #environment: ServersEnvironment
  readonly #dial: Dial
  readonly #places: PlaceFinder
  readonly #policy: ReceivingPolicy
  readonly #sharing: Sharing
  readonly #incoming: Incoming
  readonly components: Components
  readonly sessions: Sessions
  readonly #pairs = new Map<string, ServerPair>()
  readonly #links = new Map<string, ServerLink>()
  readonly #looks = new Looks()
  readonly #fetches: Fetches
  /** Whom each channel serves. */
  readonly #served = new Map<Channel, Set<ServerPair>>()
  readonly #streams = new Set<ReceivingStream>()
  readonly #past = new PastStreams()
  readonly #strangers: Strangers
  #verifying = 0
  #stopped = false

  constructor(environment: ServersEnvironment, dial: Dial) {
    const { service, routeTo, resolver } = environment
    this.#environment = environment
    this.#dial = dial
    this.#strangers = new Strangers(environment)
    this.#fetches = new Fetches(service)
    this.#places = new PlaceFinder({
      resolver,
      names: serverNames,
      serversOf: (domain) => routeTo(domain).servers,
      isChosen: (domain) => service.peers.policyFor(domain).protocol === this.protocol,
    })
    this.#policy = {
      isOurs: (domain) => service.router.isLocal(domain) || this.components.has(domain),
      isAllowed: (domain) => service.peers.policyFor(domain).allowed,
      proofOf: (domain) => proofPolicyOf(environment, domain),
    }
    this.components = new Components(environment, this, (domain, channel) => this.#connected(domain, channel))
    this.#sharing = new Sharing({
      environment,
      places: this.#places,
      served: this.#served,
      onShared: (channel, pair) => this.#serve(channel, pair),
    })
    this.sessions = new Sessions(environment, (ours, theirs, at) => this.#pairOf(ours, theirs, at))
    const { components, sessions } = this
    const linkTo = (domain: string): ServerLink => this.linkTo(domain)
    this.#incoming = new Incoming({ environment, linkTo, components, sessions })
  }

  // As a PeerProtocol.

  reaches(domain: string): Promise<Way | 'unanswered'> {
    if (this.components.has(domain)) return Promise.resolve(namedWay)
    return this.#places.reaches(domain)
  }

  async examine(ours: string, domain: string): Promise<PeerExamination> {
    if (this.components.has(domain))
      return { reached: namedWay, source: 'the configuration: a component', tries: [] }
    const parts = { environment: this.#environment, dial: this.#dial, ours, theirs: domain }
    return this.#places.examine(
      domain,
      (place, signal) => tryServer({ ...parts, places: onlyPlace(place) }, signal),
      this.#environment.settings.serverConnectSeconds * 1000,
    )
  }

  linkTo(domain: string): ServerLink {
    const known = this.#links.get(domain)
    if (known !== undefined) return known
    if (this.#links.size >= rememberedMax) this.#forgetLink()
    const link = new ServerLink({
      domain,
      environment: this.#environment,
      pairOf: (ours) => this.#pairOf(ours, domain),
      looks: this.#looks,
      fetches: this.#fetches,
    })
    this.#links.set(domain, link)
    return link
  }

  status(): readonly PeerStatus[] {
    return [...this.#pairs.values()].map((pair) => ({
      protocol: this.protocol,
      domain: pair.theirs,
      state: pair.state,
      connections: [...pair.channels].map((channel) => this.#lineOf(channel, pair)),
      identity: identityOf(pair),
      lastError: pair.lastError,
    }))
  }

  // As the owner of channels.

  take(channel: Channel, frame: Frame): void {
    this.#incoming.take(channel, frame)
  }

  onOver(channel: Channel, why: string, broke: boolean): void {
    const served = this.#served.get(channel)
    this.#served.delete(channel)
    const { resumptionId, admitted, management } = channel
    if (resumptionId !== undefined && management !== undefined)
      this.#past.remember(resumptionId, admitted, management.handled)
    this.components.left(channel)
    for (const pair of served ?? []) {
      pair.left(channel, why, broke)
      // Presence of theirs may have been lost: whoever looks asks anew (RFC 6121 §4.3.1).
      if (broke && !this.#stopped && this.#looks.isFrom(pair.ours, pair.theirs)) pair.want()
    }
    const { log } = this.#environment.service
    log.debug('an XMPP stream with another server is over', { domains: [...channel.admitted].join(), why })
  }

  onAway(channel: Channel, why: string): void {
    for (const pair of this.#served.get(channel) ?? []) pair.away(channel, why)
  }

  /** Takes a connection that somebody opened to us. */
  accept(connection: Connection): void {
    const known = this.#strangers.admit(connection)
    if (known === undefined) return
    const stream: ReceivingStream = new ReceivingStream({
      connection,
      environment: this.#environment,
      policy: this.#policy,
      owner: this,
      verify: (question, onAnswer) => this.#verify(question, onAnswer),
      admits: (theirs) => this.#admits(theirs),
      onAuthorized: (channel, ours, theirs) => {
        known()
        this.#serve(channel, this.#pairOf(ours, theirs))
      },
      onOutward: (channel) => {
        for (const pair of this.#served.get(channel) ?? []) pair.join(channel)
      },
      onRefused: (theirs, why) => this.#refused(theirs, connection.remote.address, why),
      resumable: (id, theirs) => this.#resumable(id, theirs),
      takenBy: (id, theirs) => this.#takenBy(id, theirs),
      onOver: (over) => {
        known()
        this.#streams.delete(over)
      },
    })
    this.#streams.add(stream)
    stream.start()
  }

  /** Says goodbye to every domain. */
  stop(): void {
    this.#stopped = true
    this.#fetches.stop()
    this.components.stop()
    for (const pair of this.#pairs.values()) pair.close()
    for (const stream of [...this.#streams]) stream.close('system-shutdown', 'the server stops')
  }

  /** A component serves its domain from now on: for each domain of ours, and for others that write to it. */
  #connected(domain: string, channel: Channel): void {
    for (const ours of this.#environment.service.router.domains) this.#pairOf(ours, domain)
    for (const pair of this.#pairs.values()) if (pair.theirs === domain) this.#joinComponent(pair, channel)
  }

  #joinComponent(pair: ServerPair, channel: Channel): void {
    channel.outward.add(pair.key)
    this.#serve(channel, pair)
  }

  #serve(channel: Channel, pair: ServerPair): void {
    const served = this.#served.get(channel)
    if (served === undefined) this.#served.set(channel, new Set([pair]))
    else served.add(pair)
    if (!pair.channels.has(channel)) pair.join(channel)
  }

  /** @param at where its streams are opened, where that is not what DNS says of the domain (`sessions.ts`) */
  #pairOf(ours: string, theirs: string, at?: readonly Place[]): ServerPair {
    const key = [ours, theirs, ...(at ?? []).map(({ host, port }) => `${host}:${port}`)].join(' ')
    const known = this.#pairs.get(key)
    if (known !== undefined) return known
    if (this.#pairs.size >= rememberedMax) this.#forgetPair()
    const { clock } = this.#environment.service
    const pair = new ServerPair({
      environment: this.#environment,
      ours,
      theirs,
      owner: this,
      aftermath: at === undefined ? new Aftermath(clock) : this.#pairOf(ours, theirs).aftermath,
      siblings: () => [...this.#pairs.values()].filter((one) => one.ours === ours && one.theirs === theirs),
      isPlaced: at !== undefined,
      open: async (opening, resume, onReady, signal) => {
        if (this.components.has(theirs)) throw new Error('the component is not connected')
        await openStream(
          {
            environment: this.#environment,
            places: at === undefined ? this.#places : knownPlaces(at),
            dial: this.#dial,
            ours,
            theirs,
            purpose: 'carry',
            resume,
            onReady: (ready) => {
              const channel = onReady(ready)
              channel.multiplexing = this.#multiplexing(channel, ready, opening)
              this.#serve(channel, opening)
              return channel
            },
          },
          signal,
        )
      },
      share: (asking) =>
        at !== undefined || this.components.has(theirs) ? undefined : this.#sharing.ask(asking),
      onReachable: () => {
        const { remotePresence, relay } = this.#environment.service
        remotePresence.reachable(theirs)
        relay.retry(theirs)
      },
    })
    this.#pairs.set(key, pair)
    const component = this.components.channelOf(theirs)
    if (component !== undefined) this.#joinComponent(pair, component)
    return pair
  }

  #forgetPair(): void {
    for (const [key, { state, channels, aftermath }] of this.#pairs)
      if (state === 'idle' && channels.size === 0 && aftermath.isEmpty) return void this.#pairs.delete(key)
  }

  /** One that is looked by stays: to be found another would ask for all presence anew. */
  #forgetLink(): void {
    for (const domain of this.#links.keys())
      if (!this.#looks.isInto(domain)) return void this.#links.delete(domain)
  }

  #admits(theirs: string): boolean {
    let streams = 0
    for (const { role, admitted } of this.#served.keys())
      if (role === 'receiver' && admitted.has(theirs)) streams++
    return streams < this.#environment.settings.serverStreamsOfDomainMax
  }

  #resumable(id: string, theirs: string): Channel | undefined {
    for (const channel of this.#served.keys())
      if (channel.role === 'receiver' && channel.resumptionId === id && channel.admitted.has(theirs))
        return channel
    return undefined
  }

  #multiplexing(channel: Channel, ready: Ready, { ours, theirs }: ServerPair): Multiplexing {
    return new Multiplexing({
      ...ready.dialback,
      octets: ready.octets,
      environment: this.#environment,
      policy: this.#policy,
      ours,
      theirs,
      isBothWays: ready.bidi,
      verify: (question, onAnswer) => this.#verify(question, onAnswer),
      onAdmitted: (to, from) => {
        channel.admitted.add(from)
        const proof = proofBy(this.#environment, ready.octets.connection.tls, from)
        channel.identities.set(from, proof.proven ? proof.identity : `dialback of ${from}`)
        // XEP-0220 §2.6.2: whoever sends by a stream for both ways is sent to by it.
        const pair = this.#pairOf(to, from)
        channel.outward.add(pair.key)
        this.#serve(channel, pair)
      },
      onRefused: (from, why) => this.#refused(from, ready.octets.connection.remote.address, why),
    })
  }

  #takenBy(id: string, theirs: string): number | undefined {
    for (const channel of this.#served.keys()) {
      if (channel.resumptionId !== id || !channel.admitted.has(theirs)) continue
      // They have given it up: what may still come by it is not taken.
      channel.octets?.destroy('the other side has given it up')
      return channel.management?.handled.count
    }
    return this.#past.countOf(id, theirs)
  }

  /** As the receiving server (XEP-0220 §2.1.2): by a stream of its own to the server that answers for the domain. */
  #verify(
    {
      from,
      to,
      key,
      id,
    }: { readonly from: string; readonly to: string; readonly key: string; readonly id: string },
    onAnswer: (answer: 'valid' | 'invalid' | StanzaCondition, why: string) => void,
  ): void {
    if (this.#verifying >= verifyingMax)
      return onAnswer('resource-constraint', 'too many keys are being verified')
    this.#verifying++
    const { service, settings } = this.#environment
    const abort = new AbortController()
    const late = service.clock.schedule(settings.serverConnectSeconds * 1000, () => abort.abort())
    let answer: string | undefined
    openStream(
      {
        environment: this.#environment,
        places: this.#places,
        dial: this.#dial,
        ours: to,
        theirs: from,
        purpose: 'verify',
        question: { key, id },
        onReady: () => {
          throw new Error('a stream that asks about a key carries nothing')
        },
        onAnswer: (said) => {
          answer = said
        },
      },
      abort.signal,
    )
      .then(
        () => onAnswer(verdictOf(answer), `${from} says of the dialback key: ${answer}`),
        (error: Error) =>
          onAnswer(
            error instanceof NoServer ? 'remote-server-not-found' : 'remote-server-timeout',
            `the dialback key could not be verified: ${error.message}`,
          ),
      )
      .finally(() => {
        this.#verifying--
        late.cancel()
      })
  }

  /** Shown where we have to do with that domain; a stranger's claim alone leaves nothing but a line in the log. */
  #refused(theirs: string, address: string, why: string): void {
    this.#environment.service.log.warn('a domain could not prove itself', { domain: theirs, address, why })
    for (const pair of this.#pairs.values())
      if (pair.theirs === theirs) pair.failed(`from ${address}: ${why}`)
  }

  #lineOf({ role, octets, since, outward, management }: Channel, pair: ServerPair): string {
    const seconds = Math.round((this.#environment.service.clock.now() - since) / 1000)
    const direction = role === 'initiator' ? 'to' : 'from'
    const ways = outward.has(pair.key) && role === 'receiver' ? ', both ways' : ''
    const managed = management === undefined ? '' : ', acknowledged'
    if (octets === undefined) return `${direction} nowhere for ${pair.ours}, broken and awaited, ${seconds} s`
    const { remote, tls } = octets.connection
    const host = remote.address.includes(':') ? `[${remote.address}]` : remote.address
    return `${direction} ${host}:${remote.port} for ${pair.ours}, ${tls?.protocol ?? 'no TLS'}${ways}${managed}, ${seconds} s`
  }
}

function verdictOf(answer: string | undefined): 'valid' | 'invalid' | StanzaCondition {
  if (answer === 'valid' || answer === 'invalid') return answer
  // XEP-0220 §2.4: whatever is wrong there, the key was not confirmed.
  return answer !== undefined && answer in stanzaErrorTypes ? 'remote-server-timeout' : 'undefined-condition'
}

function identityOf({ channels, theirs }: ServerPair): string {
  for (const { identities } of channels) {
    const identity = identities.get(theirs)
    if (identity !== undefined) return identity
  }
  return ''
}
