// One connection to or from a server of another domain, from its first octet to its last (docs/specs/impp-1.0.md §12.2). How it
// gets ready is in set-up-initiator.ts and set-up-responder.ts; what its requests do, in requests.ts. It serves one domain of
// ours and one other, in both directions.

import { type Bytes, randomId } from '#base'
import type { Lease } from '#core'
import type { Condition } from '#model'
import { type CloseReason, type Connection, type ConnectionHandler, ReadingPace, type TlsContext } from '#net'
import { readUnits, type UnitTaker } from '#protocols/exchange'
import {
  type Fields,
  type ImppFault,
  type ImppRequest,
  type ImppResponse,
  type ImppUnit,
  requestBytes,
  responseBytes,
  UnitFramer,
} from '../codec/index.ts'
import { reasonOf, sentenceOf } from '../errors.ts'
import { Reply } from '../reply.ts'
import type { DomainsEnvironment } from './environment.ts'
import type { Carrier } from './outstanding.ts'

/** What a side takes when it does not say (docs/specs/impp-1.0.md §6.1). */
export const statedByDefault = { unitOctets: 65_536, pending: 16 }

/** LIMIT: before it has proven itself nobody needs more than a step of the set-up. */
const strangerLimits = { unitOctetsMax: 16_384, discardOctetsMax: 0 }

/** LIMIT: milliseconds by which a request may be early for its domain's share: so long reading rests; what comes earlier all the same is refused. */
const patience = 1000

/** How a connection gets ready: the initiator's way or the responder's. */
export interface SetUp {
  begin(session: DomainSession): void
  request(session: DomainSession, request: ImppRequest, reply: Reply): void
  response(session: DomainSession, response: ImppResponse): void
  /** TLS is there. */
  secured(session: DomainSession): void
}

/** Whom a ready connection joins, and how that was proven. */
export interface Parties {
  readonly ours: string
  readonly theirs: string
  readonly identity: string
}

/** Who is told of a session. */
export interface SessionOwner {
  /** A request other than those of the set-up, and whether its response is one of those that wait. */
  onRequest(session: DomainSession, request: ImppRequest): void
  /** False when it belongs to nothing. */
  onResponse(session: DomainSession, response: ImppResponse): boolean
  onOver(session: DomainSession, why: string): void
  /** Whether requests of ours wait for their response on it. */
  isAwaited(session: DomainSession): boolean
}

export interface SessionParts {
  readonly connection: Connection
  readonly environment: DomainsEnvironment
  readonly setUp: SetUp
  readonly role: 'initiator' | 'responder'
  /** For long units (IMPP §12, D42). */
  readonly bulk: boolean
  /** It never got ready; `broke`: nobody here ended it. */
  readonly onFailed: (session: DomainSession, why: string, broke: boolean) => void
}

export class DomainSession implements ConnectionHandler, Carrier, UnitTaker<ImppUnit | ImppFault> {
  readonly connection: Connection
  readonly environment: DomainsEnvironment
  readonly role: 'initiator' | 'responder'
  readonly bulk: boolean
  state: 'setting-up' | 'securing' | 'ready' | 'over' = 'setting-up'
  parties: Parties | undefined
  unitOctetsMax = statedByDefault.unitOctets
  pendingMax = statedByDefault.pending
  /** Milliseconds since the epoch. */
  readonly since: number
  readonly #parts: SessionParts
  #owner: SessionOwner | undefined
  #framer = new UnitFramer(strangerLimits)
  /** Requests of theirs whose responses are due. */
  #pending = 0
  /** How long they may be silent. */
  #silence: Lease
  #pinged = false
  /** How long nobody may need it. */
  #idle: Lease | undefined
  /** LIMIT: a domain that asks for more than its share is read more slowly, so that it waits and not the others. */
  readonly #pace: ReadingPace
  readonly #idPrefix = randomId(8)
  #lastId = 0

  constructor(parts: SessionParts) {
    this.#parts = parts
    this.connection = parts.connection
    this.environment = parts.environment
    this.role = parts.role
    this.bulk = parts.bulk
    const { service, settings } = parts.environment
    this.since = service.clock.now()
    this.#pace = new ReadingPace({
      connection: parts.connection,
      clock: service.clock,
      perSecondMax: settings.domainRequestsPerSecondMax,
    })
    this.#silence = service.leases.grant(settings.loginSeconds, () => this.#silent())
  }

  start(): void {
    this.connection.start(this)
    this.#parts.setUp.begin(this)
  }

  /** An id for a request of this connection itself: no other has it. */
  freshId(): string {
    return `${this.#idPrefix}.${++this.#lastId}`
  }

  onData(octets: Bytes): void {
    this.#heard()
    this.#framer.push(octets)
    readUnits(this.#framer, this)
  }

  take(unit: ImppUnit | ImppFault): void {
    if (unit.kind === 'request') this.#request(unit)
    else if (unit.kind === 'response') this.#response(unit)
    else this.#fault(unit)
  }

  /** docs/specs/impp-1.0.md §6.2. */
  tooEarly(): void {
    this.fail('octets came before the TLS handshake')
  }

  onSecure(): void {
    this.state = 'setting-up'
    this.#framer = new UnitFramer(strangerLimits)
    this.#parts.setUp.secured(this)
  }

  onClose({ why, detail }: CloseReason): void {
    this.#over(`the connection ended (${detail === undefined ? why : `${why}: ${detail}`})`, true)
  }

  /** Both sides are who they say: it carries requests from here on. */
  ready(parties: Parties, owner: SessionOwner): void {
    const { settings, service } = this.environment
    this.state = 'ready'
    this.parties = parties
    this.#owner = owner
    const unitOctetsMax = largestUnit(settings.messageOctetsMax)
    this.#framer.limits = { unitOctetsMax, discardOctetsMax: unitOctetsMax * 16 }
    this.#silence.renew(settings.connectionSeconds / 2)
    this.#idle = service.leases.grant(this.#idleSeconds, () => this.#unused())
  }

  /** What the far end stated in its HELLO, or its OK (IMPP §12, D43). */
  stated(unitOctets: number | undefined, pending: number | undefined): void {
    this.unitOctetsMax = unitOctets ?? statedByDefault.unitOctets
    this.pendingMax = pending ?? statedByDefault.pending
  }

  /** As the responder, or as the initiator with the certificate of `ours`, asking for that of `theirs` (RFC 6066 §3). */
  startTls(as: 'responder' | { readonly ours: string; readonly theirs: string }): void {
    const { tls } = this.environment
    this.state = 'securing'
    if (as === 'responder') return this.connection.startTls(tls, { server: true, requestCertificate: true })
    const own: TlsContext = { secureContext: () => tls.secureContext(as.ours) }
    this.connection.startTls(own, { server: false, servername: as.theirs })
  }

  /** A request of the connection itself: the set-up, PING, QUIT. */
  ask(method: string, fields: Fields): string {
    const id = this.freshId()
    this.connection.write(requestBytes(method, id, fields))
    return id
  }

  /** A request of somebody's (Carrier). A silence after it is noticed sooner. */
  write(octets: Bytes): void {
    this.#idle?.renew(this.#idleSeconds)
    if (!this.#pinged) this.#silence.renew(this.environment.settings.domainProbeSeconds)
    this.connection.write(octets)
  }

  /** The response to one of its requests. */
  respond(octets: Bytes | string): void {
    if (typeof octets === 'string') this.connection.writeUtf8(octets)
    else this.connection.write(octets)
  }

  /** One of its requests was taken, or its response was given. */
  count(pending: 1 | -1): void {
    this.#pending += pending
    this.#idle?.renew(this.#idleSeconds)
  }

  /** Ends it, saying why where that can still be said (§4 item 3). */
  end(condition: Condition, why: string): void {
    if (this.state === 'over') return
    if (this.state !== 'securing') {
      const fields: Fields = [
        ['Reason', reasonOf[condition]],
        ['Text', sentenceOf[condition]],
      ]
      this.connection.write(responseBytes(false, '-', '-', fields))
    }
    this.close(why)
  }

  close(why: string): void {
    this.connection.close()
    this.#over(why)
  }

  /** Cuts it: the far end is not who or what it should be. */
  fail(why: string): void {
    this.connection.destroy()
    this.#over(why)
  }

  get #idleSeconds(): number {
    const { domainIdleSeconds } = this.environment.settings
    // Who opened it closes it; the other side does so only when that one forgets.
    return this.role === 'initiator' ? domainIdleSeconds : domainIdleSeconds * 2
  }

  #request(request: ImppRequest): void {
    this.#pace.took()
    if (request.method === 'PING') return this.respond(okBytes(request))
    if (request.method === 'QUIT') {
      this.respond(okBytes(request))
      return this.close('the far end has closed it')
    }
    if (this.state === 'ready') return this.#carried(request)
    this.#parts.setUp.request(this, request, new Reply(request, this))
  }

  #carried(request: ImppRequest): void {
    const { settings, service } = this.environment
    const reply = new Reply(request, this)
    if (setUpMethods.has(request.method)) return reply.error('operation-not-supported')
    // IMPP §12 (D44): it was told how many.
    if (this.#pending >= settings.domainPendingMax) return reply.error('resource-limit')
    const { theirs = '' } = this.parties ?? {}
    const rest = service.shares.received(theirs, request.raw.length, patience)
    if (rest === 'refused') return reply.error('rate-exceeded')
    if (rest > 0) this.#pace.rest(rest)
    this.#owner?.onRequest(this, request)
  }

  #response(response: ImppResponse): void {
    if (response.id === '-') {
      const text = response.headers.get('text') ?? response.headers.get('reason') ?? ''
      return this.close(`the far end ends the connection: ${text}`)
    }
    if (this.state !== 'ready') return this.#parts.setUp.response(this, response)
    // Its own PING and QUIT are answered too; QUIT's end is the far end's closing.
    if (response.id.startsWith(this.#idPrefix)) return
    this.#idle?.renew(this.#idleSeconds)
    if (this.#owner?.onResponse(this, response) === true) return
    const { log } = this.environment.service
    if (log.debugging)
      log.debug('impp response to nothing', { connection: this.connection.id, id: response.id })
  }

  #fault(fault: ImppFault): void {
    const { log } = this.environment.service
    const { condition, offset } = fault
    log.debug('impp unit of a domain refused', { connection: this.connection.id, condition, offset })
    if (!fault.response) {
      const fields: Fields = [
        ['To', fault.headers?.get('from')],
        ['Connection-ID', fault.headers?.get('connection-id')],
        ['Reason', reasonOf[fault.condition]],
        ['Text', sentenceOf[fault.condition]],
      ]
      this.connection.write(responseBytes(false, fault.method, fault.id, fields))
    }
    if (fault.fatal) this.close(`the far end does not keep to the protocol (${condition} at octet ${offset})`)
  }

  #heard(): void {
    if (this.state !== 'ready') return
    const { connectionSeconds, domainProbeSeconds } = this.environment.settings
    this.#pinged = false
    const awaited = this.#owner?.isAwaited(this) === true
    this.#silence.renew(awaited ? domainProbeSeconds : connectionSeconds / 2)
  }

  #silent(): void {
    if (this.state === 'over') return
    if (this.state !== 'ready') return this.fail('it did not get ready in time')
    if (this.#pinged) return this.fail('the far end is silent')
    this.#pinged = true
    this.ask('PING', [])
    const { service, settings } = this.environment
    this.#silence = service.leases.grant(settings.domainProbeSeconds, () => this.#silent())
  }

  #unused(): void {
    if (this.state !== 'ready') return
    if (this.#pending > 0 || this.#owner?.isAwaited(this) === true) {
      this.#idle = this.environment.service.leases.grant(this.#idleSeconds, () => this.#unused())
      return
    }
    // It carries nothing more from here on; what crosses our goodbye comes again by another.
    this.ask('QUIT', [])
    this.close('it was idle')
  }

  #over(why: string, broke = false): void {
    if (this.state === 'over') return
    const owner = this.#owner
    this.state = 'over'
    this.#silence.cancel()
    this.#idle?.cancel()
    this.#pace.end()
    if (owner === undefined) this.#parts.onFailed(this, why, broke)
    else owner.onOver(this, why)
  }
}

const setUpMethods: ReadonlySet<string> = new Set(['HELLO', 'STARTTLS', 'AUTH'])

/** LIMIT: octets that we take of a unit between domains: a client's largest request, and the envelope before it. */
export function largestUnit(messageOctetsMax: number): number {
  return messageOctetsMax + 1024
}

function okBytes({ method, id, headers }: ImppRequest): Bytes {
  return responseBytes(true, method, id, [
    ['To', headers.get('from')],
    ['Connection-ID', headers.get('connection-id')],
  ])
}
