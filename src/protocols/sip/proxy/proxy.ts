// The proxy core, RFC 3261 §16: what passes between SIP parties and is neither message nor presence. A new request goes to every phone
// of its target that access lets it reach; one in a dialog goes by the route that we put into its first.

import type { Account } from '#core'
import type { Address, Outcome } from '#model'
import type { Identity } from '../authentication.ts'
import { addressOfSipUri } from '../binding.ts'
import { SipTransitEnvelope, transitHead } from '../binding-transit.ts'
import { header } from '../codec/header-names.ts'
import { findHeader, headerValue, ownRequest, requestUri } from '../codec/message.ts'
import { forwardedRequest } from '../codec/splice.ts'
import { type SipUri, uriParam } from '../codec/uri.ts'
import { defaultPort, viasOf } from '../codec/via.ts'
import { contactUri, type SipContext, transportParam, viaFor } from '../context.ts'
import { contactOf } from '../dialog.ts'
import type { Journey } from '../domains/journey.ts'
import { fieldsOf, statusOf } from '../errors.ts'
import { type Flow, hostPort, isSecureTransport } from '../flow.ts'
import type { Forwardable, Incoming } from '../incoming.ts'
import {
  type ContactFacts,
  type RegisteredContact,
  targetOf,
  wantsConnection,
} from '../registered-contact.ts'
import { targetFlow } from '../target-flow.ts'
import type { Received } from '../transaction/transaction-layer.ts'
import type { Branch } from './branch.ts'
import { type DomainName, FlowTokens } from './flow-token.ts'
import { groupsOf } from './groups.ts'
import { loopMark, markOf } from './loop-mark.ts'
import { nextHopIn, type OwnRoutes, ownRoutesOf } from './own-routes.ts'
import { ResponseContext } from './response-context.ts'

/** RFC 5393 §5.3.3: "if [Max-Breadth] is missing, [...] the value 60 is RECOMMENDED". */
const breadthDefault = 60

/** Octets that a hop adds at most: Via, Record-Route for both sides. */
const hopOctets = 400

/** Requests that make no dialog: nothing later needs us in its way (RFC 3261 §16.6 step 4). */
const dialogless: ReadonlySet<string> = new Set(['OPTIONS', 'MESSAGE', 'PUBLISH', 'INFO'])

/** Where a copy goes. */
interface Target {
  readonly flow: Flow
  readonly uri: string | undefined
  readonly routes: readonly string[]
  readonly routesDropped: number
  readonly breadth: number | undefined
  readonly recordRoute: string | undefined
}

/** Where a copy goes that goes to another domain: which flow leads there is found on the way. */
interface FarTarget extends Omit<Target, 'flow' | 'recordRoute'> {
  readonly journey: Journey
  readonly ends: DomainName
  readonly recordRoute: ((flow: Flow) => string) | undefined
}

export class ProxyCore {
  readonly #given: () => SipContext
  readonly #tokens: FlowTokens
  /** Requests of a person that wait for their final answer. */
  readonly #waiting = new Map<string, number>()

  /** @param given the context, which has this in it @param secret what routes are signed with */
  constructor(given: () => SipContext, secret: Uint8Array) {
    this.#given = given
    this.#tokens = new FlowTokens(secret)
  }

  get #context(): SipContext {
    return this.#given()
  }

  /** The Route values at the top that are ours; those with flows mean a dialog that we are in the way of. */
  routesOf({ request, parts }: Forwardable): OwnRoutes {
    const { transport } = this.#context
    return ownRoutesOf(request, parts.callId, this.#tokens, (sentBy) => transport.isOurs(sentBy))
  }

  /** RFC 3261 §16.3 point 4: a Via of ours, and all the same by which we chose its way then. */
  isLoop({ request, parts }: Received): boolean {
    const { transport } = this.#context
    const ours = (viasOf(request) ?? []).filter(({ host, port, transport: name }) =>
      transport.isOurs(hostPort(host, port ?? defaultPort(name))),
    )
    if (ours.length === 0) return false
    const mark = loopMark(request, parts)
    // One without a mark was of a request that we do not let come back at all.
    return ours.some(({ branch }) => [mark, ''].includes(markOf(branch)))
  }

  /** A new request for a person of ours. `alone` answers where they have no phone, but may be reached. */
  request(incoming: Incoming, routes: OwnRoutes, alone?: () => void): void {
    const { service, authentication, registrar } = this.#context
    const { parts } = incoming
    // No route of ours, and yet a dialog: we have no part in it.
    if (parts.toTag !== undefined) return incoming.answer(481)
    if (parts.maxForwards === 0) return incoming.answer(483)
    authentication.identify(incoming, 'proxy', (identity) => {
      const aim = registrar.gruus.aimOf(parts.uri, requestUri(incoming.request))
      if (aim === undefined) return incoming.answer(404)
      if (!service.router.isLocal(aim.to.domain)) return this.#leave(incoming, identity, aim.to)
      incoming.keep()
      service.directory.find(aim.to, (found) => {
        if (found === 'fault') incoming.answer(500)
        else if (found === 'unknown') incoming.answer(404)
        else if (!this.#isTaken(incoming, identity, aim.to))
          this.#fork(incoming, identity, found, aim.agent, routes, alone)
      })
    })
  }

  /** A request in a dialog, by a route of ours: who has that may follow it, and is not asked for a password. */
  inDialog(incoming: Incoming, routes: OwnRoutes): void {
    const target = this.#dialogTarget(incoming, routes)
    if (typeof target === 'number') return incoming.answer(target)
    const context = new ResponseContext(this.#context, incoming, () => undefined)
    if ('flow' in target) this.#send(incoming, context.branch(), target)
    else this.#goAfar(incoming, context, target)
    context.started()
  }

  /** The ACK for a 2xx goes its way without a transaction (RFC 3261 §16.11, RFC 6026 §8.3). */
  ack(received: Received): void {
    const routes = this.routesOf(received)
    if (routes.flows === 'forged' || routes.flows.length === 0 || this.isLoop(received)) return
    const target = this.#dialogTarget(received, routes)
    if (typeof target === 'number') return
    const send = (flow: Flow): void => {
      const branch = this.#context.layer.newBranch() + markIn(received)
      const octets = this.#copy(received, { ...target, flow, recordRoute: undefined }, branch)
      if (octets !== undefined) flow.send(octets)
    }
    if ('flow' in target) return send(target.flow)
    const kept = ownRequest(received.request)
    received = { ...received, request: kept }
    target.journey.next((flow) => {
      if (flow !== undefined) send(flow)
    })
  }

  /** Somebody who drives calls with other domains has it. */
  #isTaken(incoming: Incoming, { principal }: Identity, to: Address): boolean {
    const { domains, service } = this.#context
    if (domains === undefined || incoming.request.method !== 'INVITE') return false
    if (service.router.isLocal(principal.address.domain)) return false
    return domains.agent.offer(incoming, principal, to.domain)
  }

  /** From one of our people to somebody of another domain; for nobody else we are a way there. */
  #leave(incoming: Incoming, { principal, owner }: Identity, to: Address): void {
    const { domains, registrar, service } = this.#context
    if (domains === undefined) return incoming.answer(404)
    if (!service.peers.policyFor(to.domain, principal.address.domain).calls) return incoming.answer(403)
    incoming.keep()
    const sender = registrar.contactAt(service.directory.resident(owner), incoming.flow)
    const from = principal.address
    const head = transitHead(incoming, from, sender?.id ?? '', to, '')
    const envelope = new SipTransitEnvelope(
      head,
      incoming.request,
      () => undefined,
      () => this.#left(incoming, owner.key, { ours: from.domain, theirs: to.domain }),
    )
    service.transit.forward(envelope, (outcome) => {
      if (outcome.kind === 'refused') incoming.answer(statusOf[outcome.condition], fieldsOf(outcome))
    })
  }

  #left(incoming: Incoming, owner: string, ends: DomainName): void {
    const { request } = incoming
    const { domains } = this.#context
    if (domains === undefined) return incoming.answer(404)
    const breadth = breadthOf(incoming)
    if (breadth === 0) return incoming.answer(440)
    if (!this.#enter(owner)) return incoming.answer(503, [['Retry-After', '5']])
    const context = new ResponseContext(this.#context, incoming, () => this.#exit(owner))
    const size = request.raw.length + hopOctets
    this.#goAfar(incoming, context, {
      journey: domains.reach.journey({ ...ends, uri: requestUri(request), size }),
      ends,
      uri: undefined,
      routes: [],
      // The way there is ours to find.
      routesDropped: Number.POSITIVE_INFINITY,
      breadth,
      recordRoute: dialogless.has(request.method)
        ? undefined
        : (flow) => this.#recordRoute(incoming, flow, ends),
    })
    context.started()
  }

  /** One server of another domain after the other (RFC 3263 §4.3). */
  #goAfar(incoming: Incoming, context: ResponseContext, target: FarTarget): void {
    const { journey, ends, recordRoute } = target
    const branch = context.branch()
    branch.isToServer = true
    branch.otherwise = () => this.#goAfar(incoming, context, target)
    journey.next((flow) => {
      if (flow !== undefined)
        return this.#send(incoming, branch, { ...target, flow, recordRoute: recordRoute?.(flow) })
      branch.otherwise = undefined
      this.#context.domains?.reach.failed(ends.theirs, journey.why)
      branch.end(statusOf['connection-failed'])
    })
  }

  /** Where a request in a dialog goes, or the status that refuses it. */
  #dialogTarget({ request, parts }: Forwardable, routes: OwnRoutes): Target | FarTarget | number {
    const { transport, domains } = this.#context
    // RFC 5626 §5.3.1: "If the flow token has been tampered with, the proxy SHOULD send a 403".
    if (routes.flows === 'forged') return 403
    if (parts.maxForwards === 0) return 483
    const contact = this.#namedContact(parts.uri, requestUri(request))
    const last = routes.flows.at(-1)
    const common = { routes: [], routesDropped: routes.count, breadth: undefined, recordRoute: undefined }
    if (contact === undefined && last !== undefined && 'theirs' in last) {
      if (domains === undefined) return 430
      const size = request.raw.length + hopOctets
      const journey = domains.reach.journey({ ...last, uri: nextHopIn(request, routes.count), size })
      return { ...common, journey, ends: last, uri: undefined }
    }
    const flow =
      contact?.facts.flow ?? (last === undefined || 'theirs' in last ? undefined : transport.flowTo(last))
    // "If the flow no longer exists, the proxy SHOULD send a 430".
    if (flow === undefined || !flow.open) return 430
    return { ...common, flow, uri: contact === undefined ? undefined : targetOf(contact.facts) }
  }

  /** The phone whose GRUU is the remote target of a dialog (RFC 5627 §5.1): it may have moved since. */
  #namedContact(uri: SipUri, text: string): RegisteredContact | undefined {
    if (uriParam(uri, 'gr') === undefined) return undefined
    const { service, registrar } = this.#context
    const aim = registrar.gruus.aimOf(uri, text)
    const account = aim === undefined ? undefined : service.directory.resident(aim.to)
    return account === undefined
      ? undefined
      : registrar.contactsOf(account).find(({ id }) => id === aim?.agent)
  }

  #fork(
    incoming: Incoming,
    identity: Identity,
    account: Account,
    agent: string,
    routes: OwnRoutes,
    alone: (() => void) | undefined,
  ): void {
    const reached = this.#reachable(incoming, identity, account, agent)
    if (!Array.isArray(reached)) {
      const isAbsent = reached.kind === 'refused' && reached.condition === 'temporarily-unavailable'
      if (alone !== undefined && isAbsent) return alone()
      return reached.kind === 'refused'
        ? incoming.answer(statusOf[reached.condition], fieldsOf(reached))
        : incoming.answer(480)
    }
    const breadth = breadthOf(incoming)
    // RFC 5393 §5.3.3.1
    if (breadth === 0) return incoming.answer(440)
    const owner = identity.owner.key
    if (!this.#enter(owner)) return incoming.answer(503, [['Retry-After', '5']])
    const targets = reached.slice(0, breadth)
    const share = Math.floor(breadth / targets.length)
    const context = new ResponseContext(this.#context, incoming, () => this.#exit(owner))
    for (const group of groupsOf(incoming, targets))
      context.later(() => {
        for (const one of group) this.#ring(incoming, context, waysOf(incoming, one), share, routes.count)
      })
    context.started()
  }

  /** The phones that access lets it through to, the preferred ones first; else why there is none. */
  #reachable(
    incoming: Incoming,
    identity: Identity,
    account: Account,
    agent: string,
  ): RegisteredContact[] | Outcome {
    const { service, registrar } = this.#context
    const sender = registrar.contactAt(service.directory.resident(identity.owner), incoming.flow)
    const wanted = registrar
      .contactsOf(account)
      .filter((one) => (agent === '' ? one !== sender : one.id === agent))
      .filter((one) => waysOf(incoming, one).length > 0)
      .sort((a, b) => b.facts.q - a.facts.q)
    const reached: RegisteredContact[] = []
    let outcome: Outcome = { kind: 'refused', condition: 'temporarily-unavailable' }
    const from = identity.principal.address
    for (const id of wanted.length === 0 ? [''] : wanted.map((one) => one.id)) {
      const head = transitHead(incoming, from, sender?.id ?? '', account.address, id)
      const envelope = new SipTransitEnvelope(head, incoming.request, (contact) => void reached.push(contact))
      service.transit.forward(envelope, (said) => {
        outcome = said
      })
    }
    return reached.length > 0 ? reached : outcome
  }

  /** One phone's copy: by a connection where it is too large for a datagram (RFC 3261 §18.1.1). */
  #ring(
    incoming: Incoming,
    context: ResponseContext,
    [way, ...others]: ContactFacts[],
    breadth: number,
    routesDropped: number,
  ): void {
    if (way === undefined) return
    const branch = context.branch()
    if (others.length > 0)
      branch.otherwise = () => this.#ring(incoming, context, others, breadth, routesDropped)
    const isDialogless = dialogless.has(incoming.request.method)
    const target = (flow: Flow): Target => ({
      flow,
      uri: targetOf(way),
      routes: way.path,
      routesDropped,
      breadth,
      recordRoute: isDialogless ? undefined : this.#recordRoute(incoming, flow),
    })
    const { flow } = way
    if (!wantsConnection(way, incoming.request.raw.length + hopOctets))
      return this.#send(incoming, branch, target(flow))
    this.#context.transport.streamFlow(flow.remote, (stream) =>
      this.#send(incoming, branch, target(stream ?? flow)),
    )
  }

  #send(incoming: Incoming, branch: Branch, target: Target): void {
    const { request } = incoming
    const id = this.#context.layer.newBranch() + markIn(incoming)
    branch.begin(target.flow, request.method, id, this.#copy(incoming, target, id))
  }

  /** RFC 3261 §16.6: the request for the next hop. */
  #copy(forwardable: Forwardable, target: Target, branch: string): Buffer | undefined {
    const { request, parts, stamp } = forwardable
    const { recordRoute, breadth } = target
    return forwardedRequest(request, {
      uri: target.uri,
      via: viaFor(target.flow, branch),
      topVia: parts.via,
      stamp,
      routesDropped: target.routesDropped,
      routes: target.routes,
      consumedRealm: addressOfSipUri(parts.from.uri)?.domain ?? '',
      unasserted: forwardable.isAsserted !== true,
      ...(recordRoute === undefined ? {} : { recordRoute }),
      ...(breadth === undefined ? {} : { maxBreadth: breadth }),
    })
  }

  /**
   * Two values, one for each side (RFC 5658 §3.2): each names its flow, and the transport that its side speaks; or its domain, by a URI
   * that our certificate proves (RFC 5922 §7.5).
   */
  #recordRoute(incoming: Incoming, target: Flow, ends?: DomainName): string {
    const { flow, request, parts } = incoming
    const { transport: all, domains, settings } = this.#context
    const value = (side: Flow, domain: DomainName | undefined): string => {
      const { transport, remote, sentBy } = side
      const token = this.#tokens.write(domain ?? { transport, ...remote }, parts.callId)
      if (domain === undefined) return `<sip:${token}@${sentBy}${transportParam(side)};lr>`
      return `<sip:${token}@${contactUri(side, settings.host, domain.ours).slice('sip:'.length)};lr>`
    }
    const from = domains?.endsOf(incoming)
    const source = from === undefined ? targetFlow(all, flow, parts.via, contactOf(request) ?? '', []) : flow
    return `${value(target, ends)}\r\nRecord-Route: ${value(source, from)}`
  }

  #enter(owner: string): boolean {
    const count = this.#waiting.get(owner) ?? 0
    if (count >= this.#context.settings.requestsPendingMax) return false
    this.#waiting.set(owner, count + 1)
    return true
  }

  #exit(owner: string): void {
    const count = (this.#waiting.get(owner) ?? 1) - 1
    if (count > 0) this.#waiting.set(owner, count)
    else this.#waiting.delete(owner)
  }
}

/** RFC 3261 §26.2.2: a sips URI is for TLS on every hop. */
function waysOf({ parts }: Incoming, contact: RegisteredContact): ContactFacts[] {
  const isSecure = parts.uri.scheme === 'sips'
  return contact.ways.filter(({ flow }) => !isSecure || isSecureTransport(flow.transport))
}

const markIn = ({ request, parts }: Forwardable): string => loopMark(request, parts)
/** How many copies there may be of it, and of what comes of them (RFC 5393 §5.3). */
function breadthOf({ request }: Incoming): number {
  if (findHeader(request, header.maxBreadth) < 0) return breadthDefault
  const value = Number(headerValue(request, header.maxBreadth))
  return Number.isInteger(value) && value >= 0 ? value : breadthDefault
}
