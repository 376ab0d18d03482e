// The mesh (RFC 3340 §2.1, §3.1): relays of other domains, found by SRV, each proven by its certificate before it is believed or told
// anything.

import { utf8 } from '#base'
import type { PeerEnvironment, PeerExamination, PeerProtocol, PeerStatus, Way } from '#core'
import type { Outcome } from '#model'
import {
  type Connection,
  onlyPlace,
  type Place,
  PlaceFinder,
  proofOfDomain,
  type Resolver,
  type TlsContext,
} from '#net'
import {
  type BeepProfile,
  beginSession,
  type Channel,
  type OutgoingEntity,
  type Session,
  sessionLimits,
  startTls,
  tlsProfile,
  tlsProfileOf,
} from '#protocols/beep'
import { apexProfile, protocolName } from '../binding.ts'
import {
  bindDocument,
  type EndpointName,
  entityOf,
  isRefusal,
  readMessage,
  xmlPayload,
} from '../codec/index.ts'
import type { Mesh as MeshContract, Relay } from '../relay.ts'
import { MeshChannel } from './mesh-channel.ts'
import { MeshLink } from './mesh-link.ts'
import { domainNames } from './places.ts'

export interface MeshParts {
  readonly relay: Relay
  /** Our certificates, by domain; it trusts whom the operator trusts. */
  readonly tls: TlsContext
  readonly others: PeerEnvironment<Resolver>
  /** Opens a TCP connection; rejects with an Error that says why there is none. */
  readonly dial: (place: Place) => Promise<Connection>
}

/** LIMIT: addresses that are tried for one connection. */
const addressesMax = 8

export class Mesh implements PeerProtocol, MeshContract {
  readonly protocol = protocolName
  readonly #parts: MeshParts
  readonly #places: PlaceFinder
  readonly #links = new Map<string, MeshLink>()
  readonly #sessions = new Set<Session>()

  constructor(parts: MeshParts) {
    this.#parts = parts
    const { relay, others } = parts
    this.#places = new PlaceFinder({
      resolver: others.resolver,
      names: domainNames,
      serversOf: (domain) => others.routeTo(domain).servers,
      isChosen: (domain) => relay.service.peers.policyFor(domain).protocol === protocolName,
    })
  }

  /** Messages alone: whom to watch goes by another protocol. */
  async reaches(domain: string): Promise<Way | 'unanswered'> {
    const way = await this.#places.reaches(domain)
    return way === 'unanswered' ? way : { ...way, presence: false }
  }

  linkTo(domain: string): MeshLink {
    const known = this.#links.get(domain)
    if (known !== undefined) return known
    const { relay } = this.#parts
    const open = (ours: string, onGone: () => void): Promise<Channel> =>
      this.#open(ours, domain, this.#places, onGone)
    const link = new MeshLink({ relay, domain, open })
    this.#links.set(domain, link)
    return link
  }

  post(document: string, to: EndpointName, from: string): void {
    this.linkTo(to.domain).carry(from, entityOf(xmlPayload(document)), () => {})
  }

  async carries(domain: string): Promise<boolean> {
    const way = await this.reaches(domain)
    return way !== 'unanswered' && way.messages
  }

  pass(entity: OutgoingEntity, ours: string, domain: string, onOutcome: (outcome: Outcome) => void): void {
    this.linkTo(domain).carry(ours, entity, onOutcome)
  }

  status(): readonly PeerStatus[] {
    return [...this.#links.values()].map((link) => ({
      protocol: protocolName,
      domain: link.domain,
      state: link.isConnected ? 'connected' : 'idle',
      connections: [],
      identity: link.isConnected ? `certificate of ${link.domain}` : '',
      lastError: link.lastError,
    }))
  }

  examine(ours: string, theirs: string): Promise<PeerExamination> {
    const { settings } = this.#parts.relay
    return this.#places.examine(
      theirs,
      async (place) => {
        const channel = await this.#open(ours, theirs, onlyPlace(place), () => {})
        const { tls } = channel.session.connection
        channel.session.release()
        return `ready, ${tls?.protocol ?? 'no TLS'}, certificate of ${theirs}`
      },
      settings.beepTuningSeconds * 1000,
    )
  }

  /** Serves a connection that another relay opened; it says by bind for whom (§4.4.2). */
  accept(connection: Connection): void {
    const { relay, tls } = this.#parts
    const apex: BeepProfile = {
      uri: apexProfile,
      start: (start) =>
        new MeshChannel({
          relay,
          refusal: (domain) => this.#refusal(start.session, domain),
        }).begun(start),
    }
    this.#begin(connection, 'listener', [tlsProfileOf({ context: tls, requestCertificate: true }), apex])
  }

  stop(): void {
    for (const session of [...this.#sessions]) session.release()
  }

  /** Why the far end may not speak for the domain. */
  #refusal({ connection }: Session, domain: string): string | undefined {
    const { relay, others } = this.#parts
    if (relay.isOurs(domain)) return 'it is ours'
    const { allowed, messages } = relay.service.peers.policyFor(domain)
    if (!allowed || !messages) return 'our policy does not allow it'
    const proof = proofOfDomain(connection.tls, domain, others.routeTo(domain))
    return proof.proven ? undefined : proof.why
  }

  /** One place after another, until a relay there takes our bind. */
  async #open(
    ours: string,
    theirs: string,
    places: Pick<PlaceFinder, 'find'>,
    onGone: () => void,
  ): Promise<Channel> {
    const failures: string[] = []
    let tried = 0
    for (const { host: name, port } of (await places.find(theirs)).all) {
      for (const host of await this.#addressesOf(name, failures)) {
        if (++tried > addressesMax) break
        try {
          const connection = await this.#parts.dial({ host, port, direct: false })
          return await this.#bound(ours, theirs, connection, onGone)
        } catch (error) {
          failures.push(`${host}:${port}: ${(error as Error).message}`)
        }
      }
    }
    throw new Error(failures.join('; ') || `${theirs} has no relay`)
  }

  async #addressesOf(host: string, failures: string[]): Promise<readonly string[]> {
    try {
      return await this.#parts.others.resolver.addresses(host)
    } catch (error) {
      // Another relay of the domain may be found.
      failures.push((error as Error).message)
      return []
    }
  }

  /** TLS, proof, bind. Rejects when the session ends before, and calls `onGone` when it ends later. */
  #bound(ours: string, theirs: string, connection: Connection, onGone: () => void): Promise<Channel> {
    const { tls } = this.#parts
    const context = { secureContext: () => tls.secureContext(ours) }
    return new Promise((resolve, reject) => {
      const fail = (session: Session, why: string): void => {
        reject(new Error(why))
        session.terminate({ why: 'us', detail: why })
      }
      const greeted = (session: Session): void => {
        if (session.connection.tls === undefined && session.peer?.profiles.includes(tlsProfile))
          return startTls(session, { context, serverName: theirs }, (error) => {
            if (error !== undefined) fail(session, `TLS was refused: ${error.code} ${error.text ?? ''}`)
          })
        const refusal = this.#refusal(session, theirs)
        if (refusal !== undefined) return fail(session, refusal)
        this.#bind(session, ours, theirs, resolve, (why) => fail(session, why))
      }
      this.#begin(connection, 'initiator', [], greeted, (detail) => {
        reject(new Error(detail))
        onGone()
      })
    })
  }

  #bind(
    session: Session,
    ours: string,
    theirs: string,
    onBound: (channel: Channel) => void,
    onFailed: (why: string) => void,
  ): void {
    const handler = new MeshChannel({
      relay: this.#parts.relay,
      refusal: (domain) => this.#refusal(session, domain),
    })
    handler.serves(theirs)
    const profiles = [{ uri: apexProfile, content: utf8(bindDocument(ours, 1)) }]
    session.start({ profiles, serverName: theirs, handler }, (outcome) => {
      if (outcome.kind === 'lost') return onFailed('the session ended')
      if (outcome.kind === 'refused') return onFailed(`APEX was refused: ${outcome.error.code}`)
      const answer = readMessage(outcome.content)
      if (!isRefusal(answer) && answer.kind === 'ok') return onBound(outcome.channel)
      onFailed(
        `bind was refused: ${isRefusal(answer) || answer.kind !== 'error' ? 'no answer' : answer.code}`,
      )
    })
  }

  #begin(
    connection: Connection,
    role: 'listener' | 'initiator',
    profiles: readonly BeepProfile[],
    onGreeting: (session: Session) => void = () => {},
    onOver: (detail: string) => void = () => {},
  ): void {
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
        onOver(detail ?? why)
      },
    })
    this.#sessions.add(session)
  }
}
