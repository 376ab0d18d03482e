// One connection of a client, from its first octet to its last (docs/specs/prim.md §4): what state it is in, which requests that
// allows, and whose they are. What a request does is in methods/.

import type { SaslMechanism } from '#auth'
import { type Bytes, randomId } from '#base'
import type { Account, Lease, Service } from '#core'
import type { Address, Condition } from '#model'
import type { CloseReason, Connection, ConnectionHandler } from '#net'
import { readUnits, type UnitTaker } from '#protocols/exchange'
import { Exchange } from '#wire/exchange'
import { PrimAgent } from './agent.ts'
import {
  addressOfId,
  field,
  type PrimFault,
  type PrimRequest,
  type PrimResponse,
  type PrimUnit,
  requestBytes,
  type Scheme,
  type Strength,
  statusOf,
  UnitFramer,
} from './codec/index.ts'
import { type Method, methods, serviceOf } from './methods/index.ts'
import { Reply, type ReplySink } from './reply.ts'
import type { SessionEnvironment } from './session-environment.ts'
import type { PrimWatch } from './subscription.ts'
import type { WatcherFeed } from './watcher-feed.ts'

/** docs/specs/prim.md §4.1; `securing`: TLS was agreed and its handshake is under way. */
export type SessionState = 'new' | 'securing' | 'ready' | 'over'

/** Who logged in, and what is theirs. */
export interface Login {
  readonly account: Account
  /** The identifiers that were logged in with, a service each: From of all its requests. */
  readonly names: { [scheme in Scheme]?: Address }
  readonly agent: PrimAgent
  readonly watches: Set<PrimWatch>
  feed: WatcherFeed | undefined
}

/** The SASL exchange in progress. */
export interface Exchanging {
  readonly mechanism: SaslMechanism
  readonly name: Address
  readonly service: Scheme
}

/** LIMIT: before login nobody needs more: a step of SASL. */
const strangerLimits = { bodyOctetsMax: 16_384 }

/** What a client takes when it does not say (§5.4). */
const clientBodyOctets = 262_144

export class ClientSession implements ConnectionHandler, ReplySink, UnitTaker<PrimUnit | PrimFault> {
  readonly connection: Connection
  readonly environment: SessionEnvironment
  readonly exchange: Exchange<PrimResponse>
  state: SessionState = 'new'
  /** Octets of a body that the client takes. */
  bodyOctetsMax = clientBodyOctets
  login: Login | undefined
  exchanging: Exchanging | undefined
  /** How sure it is who speaks here (§5.2). */
  strength: Strength = 'none'
  /** True while a login is being decided elsewhere. */
  deciding = false
  #framer = new UnitFramer(strangerLimits)
  #pending = 0
  /** Requests beyond a limit since the last that was within. */
  #excesses = 0
  #lease: Lease
  #heard = false
  #lastId = 0

  constructor(connection: Connection, environment: SessionEnvironment) {
    this.connection = connection
    this.environment = environment
    const { service, settings } = environment
    this.exchange = new Exchange(
      service.clock,
      {
        pendingMax: settings.pendingMax,
        queuedMax: settings.queuedMax,
        timeout: settings.responseSeconds * 1000,
      },
      (octets) => connection.write(octets),
    )
    this.#lease = service.leases.grant(settings.loginSeconds, () => this.close())
  }

  get service(): Service {
    return this.environment.service
  }

  /** An id for a request of ours: no other that waits on this connection has it. */
  readonly freshId = (): string => `s${++this.#lastId}`

  onData(octets: Bytes): void {
    this.#heard = true
    this.#framer.push(octets)
    readUnits(this.#framer, this)
  }

  take(unit: PrimUnit | PrimFault): void {
    if (unit.kind === 'request') this.#request(unit)
    else if (unit.kind === 'response') this.#response(unit)
    else this.#fault(unit)
  }

  /** §4.2: not the client's word. */
  tooEarly(): void {
    this.connection.destroy({ why: 'tls', detail: 'octets before the handshake' })
  }

  onSecure(): void {
    // §4.2: all that was said before is forgotten.
    this.state = 'new'
    this.exchanging = undefined
    this.#framer = new UnitFramer(strangerLimits)
  }

  onClose(reason: CloseReason): void {
    const { log } = this.service
    if (log.debugging) log.debug('prim connection over', { connection: this.connection.id, ...reason })
    this.#over()
  }

  /** The account is gone, or the server stops: PRIM has no word for it but the end of the connection. */
  signOut(reason: Condition): void {
    const { log } = this.service
    if (log.debugging) log.debug('prim client signed out', { connection: this.connection.id, reason })
    this.close()
  }

  close(): void {
    if (this.state === 'over') return
    this.#over()
    this.connection.close()
  }

  /** A request that nobody answers. */
  say(octets: Bytes): void {
    if (this.state === 'ready') this.connection.write(octets)
  }

  /** An agent for this connection, not signed in yet. */
  agentFor(owner: Address, address: Address): PrimAgent {
    const { router, clock } = this.service
    return new PrimAgent({
      owner,
      id: `prim-${randomId(8)}`,
      address: () => this.login?.names.im ?? address,
      exchange: this.exchange,
      bodyOctetsMax: () => this.bodyOctetsMax,
      freshId: this.freshId,
      now: () => clock.now(),
      isLocal: (domain) => router.isLocal(domain),
      signOut: (reason) => this.signOut(reason),
    })
  }

  /** The login to a service is complete: the connection is its user's from here on. */
  ready(account: Account, agent: PrimAgent, service: Scheme, name: Address): void {
    if (this.login !== undefined) {
      this.login.names[service] = name
      return
    }
    this.state = 'ready'
    const login: Login = {
      account,
      names: { [service]: name },
      agent,
      watches: new Set(),
      feed: undefined,
    }
    this.login = login
    this.#lease.cancel()
    this.#await()
    this.#framer.limits = { bodyOctetsMax: this.environment.settings.bodyOctetsMax }
    this.environment.sessions.metrics.loggedIn.add(1)
    this.exchange.onIdle = () => this.#caughtUp(login)
  }

  /** The response to one of its requests. */
  respond(response: Bytes | string): void {
    this.#pending--
    if (this.state === 'over' || response.length === 0) return
    if (typeof response === 'string') this.connection.writeUtf8(response)
    else this.connection.write(response)
  }

  #request(request: PrimRequest): void {
    this.environment.sessions.metrics.requests.add()
    const method = methods.get(request.method)
    if (method !== undefined && !method.isAnswered) return method.take(this, request, noReply)
    this.#pending++
    const reply = new Reply(request, this)
    if (this.#pending > this.environment.settings.pendingMax) {
      reply.give(500, [], undefined, 'Too Many Requests At A Time')
      return this.#exceeded()
    }
    this.#excesses = 0
    const refusal = this.#refusal(request, method)
    if (refusal !== undefined) reply.give(refusal)
    else method?.take(this, request, reply)
  }

  /** What forbids a request before its method looks at it: a status. */
  #refusal(request: PrimRequest, method: Method | undefined): number | undefined {
    if (method?.when === 'before-login') return request.body.length > 0 && !method.hasBody ? 400 : undefined
    const service = method === undefined ? undefined : serviceOf(request, method)
    if (this.login === undefined || (service !== undefined && this.login.names[service] === undefined))
      return statusOf['authentication-required']
    if (method === undefined) return statusOf['operation-not-supported']
    if (service === undefined || (request.body.length > 0 && !method.hasBody)) return 400
    return unownedFrom(request, service, this.login)
  }

  #response(response: PrimResponse): void {
    if (this.exchange.respond(response)) return
    const { log } = this.service
    // A response that came too late, or to nothing we asked.
    if (log.debugging)
      log.debug('prim response to nothing', { connection: this.connection.id, id: response.id })
  }

  #fault(fault: PrimFault): void {
    const { log } = this.service
    if (log.debugging) {
      const { condition, offset } = fault
      log.debug('prim unit refused', { connection: this.connection.id, condition, offset })
    }
    if (!fault.response && fault.id !== '-') {
      this.#pending++
      new Reply(fault, this).error(fault.condition)
    }
    if (fault.fatal) this.close()
  }

  #exceeded(): void {
    if (++this.#excesses >= this.environment.settings.excessesMax) this.close()
  }

  /** A client that was too slow gets what the store took meanwhile, and the latest of what it watches. */
  #caughtUp({ account, agent, watches, feed }: Login): void {
    for (const watch of [...watches]) watch.catchUp(this)
    feed?.catchUp()
    if (agent.hasMissed()) this.service.messages.ready(account)
  }

  /** §4.5: PING provokes an error of the transport on a dead connection; a silent client that is there is never closed. */
  #await(): void {
    this.#heard = false
    this.#lease = this.service.leases.grant(this.environment.settings.pingSeconds, () => {
      if (!this.#heard) this.connection.write(requestBytes('PING', this.#token(), '-', []))
      this.#await()
    })
  }

  #token(): 'PRIM-PR' | 'PRIM-IM' {
    return this.login?.names.pres === undefined ? 'PRIM-IM' : 'PRIM-PR'
  }

  #over(): void {
    if (this.state === 'over') return
    this.state = 'over'
    this.#lease.cancel()
    this.environment.sessions.open.delete(this)
    const { login } = this
    if (login === undefined) return this.exchange.close()
    this.environment.sessions.metrics.loggedIn.add(-1)
    if (login.feed !== undefined) this.service.presence.unwatchWatchers(login.account, login.feed)
    for (const watch of [...login.watches]) watch.leave(this)
    // Out of the inbox first: what could not be delivered must not come back here.
    this.service.messages.detach(login.account, login.agent)
    this.exchange.close()
  }
}

/** §4.3: a connection speaks for its principal alone, and a line that names nobody is a fault of the line. */
function unownedFrom({ headers }: PrimRequest, service: Scheme, { names }: Login): number | undefined {
  const written = field(headers, 'From') ?? ''
  const from = addressOfId(written, service)
  if (from !== undefined && from.key === names[service]?.key) return undefined
  const isIdentifier = (addressOfId(written, 'pres') ?? addressOfId(written, 'im')) !== undefined
  return isIdentifier ? statusOf['permission-denied'] : statusOf.malformed
}

/** For what is never answered. */
const noReply = new Reply({ id: '-', token: 'PRIM', headers: undefined }, { respond: () => {} })
