// One connection with a server of another domain (docs/specs/prim.md §8): units, limits, idleness. Who it is with is for its set-up to
// say; what is asked over it, for its owner.

import type { Bytes } from '#base'
import type { Lease } from '#core'
import { type CloseReason, type Connection, type ConnectionHandler, ReadingPace } from '#net'
import { Exchange } from '#wire/exchange'
import {
  type PrimFault,
  type PrimRequest,
  type PrimResponse,
  requestBytes,
  type Strength,
  UnitFramer,
} from '../codec/index.ts'
import { Reply, type ReplySink } from '../reply.ts'
import type { DomainsEnvironment } from './environment.ts'

/** How a connection becomes one between two domains. */
export interface SetUp {
  begin(leg: Leg): void
  /** TLS is there. */
  secured(leg: Leg): void
  /** A request before it is ready; it is answered 401 where the set-up does not know it. */
  request(leg: Leg, request: PrimRequest, reply: Reply): void
}

export interface LegParts {
  readonly connection: Connection
  readonly environment: DomainsEnvironment
  readonly setUp: SetUp
  /** A request of the domain that has proven itself. */
  readonly onRequest: (leg: Leg, request: PrimRequest, reply: Reply) => void
  readonly onOver: (leg: Leg, why: string) => void
}

/** LIMIT: before a domain has proven itself nobody needs more. */
const strangerLimits = { bodyOctetsMax: 16_384 }

/** LIMIT: milliseconds by which a request may be early for its domain's share: so long reading rests; what comes earlier all the same is refused. */
const patience = 1000

export class Leg implements ConnectionHandler, ReplySink {
  readonly connection: Connection
  readonly environment: DomainsEnvironment
  /** Our requests over it. */
  readonly exchange: Exchange<PrimResponse>
  state: 'setting-up' | 'securing' | 'ready' | 'over' = 'setting-up'
  /** The domain that has proven itself. */
  theirs = ''
  /** How sure that is (§5.2). */
  strength: Strength = 'none'
  readonly since: number
  readonly #parts: LegParts
  readonly #pace: ReadingPace
  #framer = new UnitFramer(strangerLimits)
  #lease: Lease
  #pending = 0
  #lastId = 0

  constructor(parts: LegParts) {
    const { connection, environment } = parts
    const { service, settings } = environment
    this.#parts = parts
    this.connection = connection
    this.environment = environment
    this.since = service.clock.now()
    this.exchange = new Exchange(
      service.clock,
      {
        pendingMax: settings.domainPendingMax,
        queuedMax: settings.domainQueuedMax,
        timeout: settings.domainResponseSeconds * 1000,
      },
      (octets) => connection.write(octets),
    )
    this.#pace = new ReadingPace({
      connection,
      clock: service.clock,
      perSecondMax: settings.domainRequestsPerSecondMax,
      onAgain: () => this.#read(),
    })
    this.#lease = service.leases.grant(settings.domainConnectSeconds, () =>
      this.fail('it did not get ready in time'),
    )
  }

  start(): void {
    this.connection.start(this)
    this.#parts.setUp.begin(this)
  }

  readonly freshId = (): string => `d${++this.#lastId}`

  onData(octets: Bytes): void {
    this.#framer.push(octets)
    this.#read()
  }

  onSecure(): void {
    this.state = 'setting-up'
    this.#framer = new UnitFramer(strangerLimits)
    this.#parts.setUp.secured(this)
  }

  onClose({ why, detail }: CloseReason): void {
    this.#over(detail === undefined ? why : `${why}: ${detail}`)
  }

  /** The other domain has proven itself. */
  ready(theirs: string, strength: Strength): void {
    const { settings, service, metrics } = this.environment
    this.state = 'ready'
    this.theirs = theirs
    this.strength = strength
    this.#framer.limits = { bodyOctetsMax: settings.bodyOctetsMax }
    this.#lease.cancel()
    this.#lease = service.leases.grant(settings.domainIdleSeconds, () => this.#unused())
    metrics.connections.add(1)
  }

  startTls(server: boolean, ours: string, theirs: string): void {
    const { tls } = this.environment
    this.state = 'securing'
    if (server) return this.connection.startTls(tls, { server, requestCertificate: true })
    const own = { secureContext: () => tls.secureContext(ours) }
    this.connection.startTls(own, { server, servername: theirs })
  }

  respond(octets: Bytes | string): void {
    this.#pending--
    if (this.state === 'over' || octets.length === 0) return
    if (typeof octets === 'string') this.connection.writeUtf8(octets)
    else this.connection.write(octets)
  }

  /** It is in use. */
  use(): void {
    if (this.state === 'ready') this.#lease.renew(this.environment.settings.domainIdleSeconds)
  }

  close(why: string): void {
    if (this.state === 'over') return
    if (this.state === 'ready') this.connection.write(requestBytes('LOGOUT', 'PRIM', '-', []))
    this.connection.close()
    this.#over(why)
  }

  /** Cuts it: the far end is not who or what it should be. */
  fail(why: string): void {
    this.connection.destroy()
    this.#over(why)
  }

  #read(): void {
    for (;;) {
      if (this.state === 'securing' && this.#framer.pendingOctets > 0)
        return this.fail('octets came before the TLS handshake')
      if (this.state === 'securing' || this.state === 'over' || this.#pace.isResting) return
      const unit = this.#framer.next()
      if (unit === undefined) return
      this.use()
      if (unit.kind === 'request') this.#request(unit)
      else if (unit.kind === 'response') this.exchange.respond(unit)
      else this.#fault(unit)
    }
  }

  #request(request: PrimRequest): void {
    this.#pace.took()
    if (request.method === 'PING') return
    if (request.method === 'LOGOUT') {
      this.connection.close()
      return this.#over('the far end has closed it')
    }
    this.#pending++
    const reply = new Reply(request, this)
    // LIMIT: more than that wait for nothing but trouble (§3.4).
    if (this.#pending > this.environment.settings.domainPendingMax)
      return reply.give(500, [], undefined, 'Too Many Requests At A Time')
    if (this.state === 'ready' && request.method !== 'VERIFYSERVER') return this.#carried(request, reply)
    this.#parts.setUp.request(this, request, reply)
  }

  #carried(request: PrimRequest, reply: Reply): void {
    const rest = this.environment.service.shares.received(this.theirs, request.raw.length, patience)
    if (rest === 'refused') return reply.error('rate-exceeded')
    if (rest > 0) this.#pace.rest(rest)
    this.#parts.onRequest(this, request, reply)
  }

  #fault(fault: PrimFault): void {
    const { condition, offset } = fault
    const { log } = this.environment.service
    log.debug('prim unit of a domain refused', { connection: this.connection.id, condition, offset })
    if (!fault.response && fault.id !== '-') {
      this.#pending++
      new Reply(fault, this).error(condition)
    }
    if (!fault.fatal) return
    this.connection.close()
    this.#over(`the far end does not keep to the protocol (${condition} at octet ${offset})`)
  }

  #unused(): void {
    if (this.#pending === 0 && this.exchange.pending === 0) return this.close('it was idle')
    const { service, settings } = this.environment
    this.#lease = service.leases.grant(settings.domainIdleSeconds, () => this.#unused())
  }

  #over(why: string): void {
    if (this.state === 'over') return
    if (this.state === 'ready') this.environment.metrics.connections.add(-1)
    this.state = 'over'
    this.#lease.cancel()
    this.#pace.end()
    this.exchange.close()
    this.#parts.onOver(this, why)
  }
}
