// One connection of a client, from its first octet to its last (docs/specs/impp-1.0.md §6): what state it is in, which
// requests that allows, and whose they are. What a request does is in methods/.

import type { SaslMechanism } from '#auth'
import { type Bytes, randomId } from '#base'
import type { Account, Lease, Service } from '#core'
import type { Address, Condition } from '#model'
import type { CloseReason, Connection, ConnectionHandler } from '#net'
import { readUnits, type UnitTaker } from '#protocols/exchange'
import { ImppAgent } from './agent.ts'
import {
  addressOfUrl,
  Exchange,
  type ImppFault,
  type ImppRequest,
  type ImppResponse,
  type ImppUnit,
  requestBytes,
  responseBytes,
  UnitFramer,
  urlOf,
} from './codec/index.ts'
import { reasonOf, sentenceOf } from './errors.ts'
import { Feeds } from './feeds.ts'
import { methods } from './methods/index.ts'
import { Reply, type ReplySink } from './reply.ts'
import type { SessionEnvironment } from './session-environment.ts'
import type { ImppSubscription } from './subscription.ts'

/** docs/specs/impp-1.0.md §6; `securing`: TLS was agreed and its handshake is under way. */
export type SessionState = 'new' | 'greeted' | 'securing' | 'ready' | 'over'

/** Who logged in, and what is theirs. */
export interface Login {
  readonly account: Account
  /** The address that was logged in with: From of all its requests. */
  readonly address: Address
  readonly url: string
  readonly connectionId: string
  readonly agent: ImppAgent
  readonly subscriptions: Map<string, ImppSubscription>
  readonly feeds: Feeds
  /** True while a page of the history is read. */
  readingHistory: boolean
  /** True while something is published for as long as the connection lives. */
  published: boolean
}

/** LIMIT: before login nobody needs more: a step of SASL. */
const strangerLimits = { unitOctetsMax: 16_384, discardOctetsMax: 0 }

/** What a client takes when it does not say (§6.1). */
const clientUnitOctets = 65_536
const clientPending = 16

export class ClientSession implements ConnectionHandler, ReplySink, UnitTaker<ImppUnit | ImppFault> {
  readonly connection: Connection
  readonly environment: SessionEnvironment
  readonly exchange: Exchange
  state: SessionState = 'new'
  /** The domain of HELLO. */
  domain = ''
  /** Octets of a unit that the client takes. */
  unitOctetsMax = clientUnitOctets
  login: Login | undefined
  /** The SASL exchange in progress. */
  mechanism: SaslMechanism | undefined
  failedLogins = 0
  /** Of the AUTH in progress: what its first step asked for. */
  device = ''
  inboxOpen = true
  /** It takes messages of so many octets and more alone (§8.5). */
  largeFrom = 0
  /** True while a login is being decided elsewhere. */
  deciding = false
  #framer: UnitFramer
  #pending = 0
  /** Requests beyond a limit since the last that was within. */
  #excesses = 0
  #lease: Lease
  #pinged = false
  #lastId = 0
  readonly #idPrefix = randomId(8)

  constructor(connection: Connection, environment: SessionEnvironment) {
    this.connection = connection
    this.environment = environment
    const { service, settings } = environment
    this.exchange = new Exchange(
      service.clock,
      { pendingMax: clientPending, queuedMax: settings.queuedMax, timeout: settings.responseSeconds * 1000 },
      (octets) => connection.write(octets),
    )
    this.#framer = new UnitFramer(strangerLimits)
    this.#lease = service.leases.grant(settings.loginSeconds, () => this.#silent())
  }

  get service(): Service {
    return this.environment.service
  }

  /** An id for a request of ours: no other of this connection has it. */
  readonly freshId = (): string => `${this.#idPrefix}.${++this.#lastId}`

  onData(octets: Bytes): void {
    if (this.state === 'ready') this.#renew()
    this.#framer.push(octets)
    readUnits(this.#framer, this)
  }

  take(unit: ImppUnit | ImppFault): void {
    if (unit.kind === 'request') this.#request(unit)
    else if (unit.kind === 'response') this.#response(unit)
    else this.#fault(unit)
  }

  /** §6.2: not the client's word. */
  tooEarly(): void {
    this.connection.destroy({ why: 'tls', detail: 'octets before the handshake' })
  }

  onSecure(): void {
    // §6.2: all that was said before is forgotten.
    this.state = 'new'
    this.domain = ''
    this.mechanism = undefined
    this.#framer = new UnitFramer(strangerLimits)
  }

  onClose(reason: CloseReason): void {
    const { log } = this.service
    if (log.debugging) log.debug('impp connection over', { connection: this.connection.id, ...reason })
    this.#over()
  }

  /** Says why and closes (§4 item 3: `-` is no request's id). */
  signOut(reason: Condition): void {
    if (this.state === 'over') return
    const fields: [string, string][] = [
      ['Reason', reasonOf[reason]],
      ['Text', sentenceOf[reason]],
    ]
    if (this.state !== 'securing') this.connection.write(responseBytes(false, '-', '-', fields))
    this.close()
  }

  close(): void {
    this.#over()
    this.connection.close()
  }

  /** Takes over what HELLO said. */
  greet(domain: string, unitOctetsMax: number | undefined, pendingMax: number | undefined): void {
    this.state = 'greeted'
    this.domain = domain
    this.unitOctetsMax = unitOctetsMax ?? clientUnitOctets
    this.exchange.limits.pendingMax = Math.min(
      pendingMax ?? clientPending,
      this.environment.settings.queuedMax,
    )
  }

  /** The login is complete: the connection is its user's from here on. */
  ready(account: Account, address: Address, agent: ImppAgent): Login {
    this.state = 'ready'
    this.login = {
      account,
      address,
      url: urlOf(address),
      connectionId: agent.id,
      agent,
      subscriptions: new Map(),
      feeds: new Feeds(),
      readingHistory: false,
      published: false,
    }
    this.#renew()
    const { messageOctetsMax } = this.environment.settings
    this.#framer.limits = { unitOctetsMax: messageOctetsMax, discardOctetsMax: messageOctetsMax * 16 }
    this.environment.sessions.metrics.loggedIn.add(1)
    const { login } = this
    this.exchange.onIdle = () => this.#caughtUp(login)
    return login
  }

  /** An agent for this connection, not signed in yet. */
  agentFor(owner: Address, address: Address, connectionId: string): ImppAgent {
    return new ImppAgent({
      owner,
      address,
      connectionId,
      takesMessages: this.inboxOpen,
      exchange: this.exchange,
      unitOctetsMax: this.unitOctetsMax,
      unitOctetsMin: this.largeFrom,
      freshId: this.freshId,
      signOut: (reason) => this.signOut(reason),
    })
  }

  /** The response to one of its requests. */
  respond(response: Bytes | string): void {
    this.#pending--
    if (this.state === 'over') return
    if (typeof response === 'string') this.connection.writeUtf8(response)
    else this.connection.write(response)
  }

  #request(request: ImppRequest): void {
    this.environment.sessions.metrics.requests.add()
    this.#pending++
    const reply = new Reply(request, this)
    const condition = this.#refusal(request)
    if (condition !== undefined) reply.error(condition)
    if (condition === 'resource-limit') return this.#exceeded()
    this.#excesses = 0
    if (condition === undefined) methods.get(request.method)?.take(this, request, reply)
  }

  /** What forbids a request before its method looks at it. */
  #refusal(request: ImppRequest): Condition | undefined {
    const method = methods.get(request.method)
    if (request.envelope !== undefined) return 'malformed' // §4 item 5: only servers send them
    if (this.#pending > this.environment.settings.pendingMax) return 'resource-limit'
    if (method === undefined) return 'operation-not-supported'
    if (method.when === 'always') return undefined
    if (method.when === 'before-login') return this.state === 'ready' ? 'operation-not-supported' : undefined
    if (this.login === undefined) return 'authentication-required'
    return this.#isOwn(request, this.login) ? undefined : 'permission-denied'
  }

  /** IMPP §19 (D91): the local domain checks both headers for correctness. */
  #isOwn({ headers }: ImppRequest, { url, address, connectionId }: Login): boolean {
    if (headers.get('connection-id') !== connectionId) return false
    const from = headers.get('from') ?? ''
    return from === url || addressOfUrl(from)?.key === address.key
  }

  #response(response: ImppResponse): void {
    if (this.exchange.respond(response)) return
    const { log } = this.service
    // A response that came too late, or to nothing we asked.
    if (log.debugging)
      log.debug('impp response to nothing', { connection: this.connection.id, id: response.id })
  }

  #fault(fault: ImppFault): void {
    const { log } = this.service
    if (log.debugging) {
      const { condition, offset } = fault
      log.debug('impp unit refused', { connection: this.connection.id, condition, offset })
    }
    if (!fault.response) {
      const fields: [string, string | undefined][] = [
        ['To', fault.headers?.get('from')],
        ['Connection-ID', fault.headers?.get('connection-id')],
        ['Reason', reasonOf[fault.condition]],
        ['Text', sentenceOf[fault.condition]],
      ]
      this.connection.write(responseBytes(false, fault.method, fault.id, fields))
    }
    if (fault.fatal) this.close()
    else if (fault.condition === 'message-too-large') this.#exceeded()
  }

  /** IMPP §12 (D44): who goes on beyond what was stated is disconnected. */
  #exceeded(): void {
    if (++this.#excesses >= this.environment.settings.excessesMax) this.signOut('resource-limit')
  }

  /** A client that was too slow gets what the store took meanwhile, and the latest of what it watches. */
  #caughtUp({ account, agent, subscriptions, feeds }: Login): void {
    feeds.catchUp()
    for (const subscription of [...subscriptions.values()]) subscription.catchUp()
    if (agent.hasMissed()) this.service.messages.ready(account)
  }

  /** Any octet renews the lease of the connection (§8.4). */
  #renew(): void {
    this.#pinged = false
    this.#lease.renew(this.environment.settings.connectionSeconds / 2)
  }

  #silent(): void {
    if (this.state === 'over') return
    if (this.state !== 'ready' || this.#pinged) return this.signOut('remote-timeout')
    this.#pinged = true
    const id = this.freshId()
    this.exchange.request(
      { id, from: undefined, connectionId: undefined },
      [requestBytes('PING', id, [])],
      () => {},
    )
    const half = this.environment.settings.connectionSeconds / 2
    this.#lease = this.service.leases.grant(half, () => this.#silent())
  }

  #over(): void {
    if (this.state === 'over') return
    this.state = 'over'
    this.#lease.cancel()
    this.environment.sessions.open.delete(this)
    const { login } = this
    if (login === undefined) return this.exchange.close()
    this.environment.sessions.metrics.loggedIn.add(-1)
    const { messages, presence, contacts } = this.service
    contacts.detach(login.account, login.feeds)
    presence.unwatchWatchers(login.account, login.feeds)
    // Out of the inbox first: what could not be delivered must not come back here.
    messages.detach(login.account, login.agent)
    this.exchange.close()
    for (const subscription of [...login.subscriptions.values()]) {
      subscription.end()
      presence.unsubscribe(subscription.presentity, subscription.id, login.account.address, () => {})
    }
    if (!login.published) return
    const owner = login.account.address
    const gone = {
      presentity: owner,
      by: owner,
      tuple: login.connectionId,
      source: undefined,
      seconds: undefined,
    }
    presence.publish(gone, () => {})
  }
}
