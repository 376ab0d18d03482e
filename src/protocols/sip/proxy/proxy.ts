// The proxy core, RFC 3261 §16: what passes between SIP parties and is neither message nor presence. A new request goes to every phone
// of its target that access lets it reach; one in a dialog goes by the route that we put into its first.

import { type Account, mayReach, moved } from '#core'
import { type Address, type Outcome, type Refused, refused } from '#model'
import type { Identity } from '../authentication.ts'
import { SipTransitEnvelope, transitHead } from '../binding-transit.ts'
import { header } from '../codec/header-names.ts'
import { findHeader, headerValue, ownRequest, requestUri } from '../codec/message.ts'
import { type SipUri, uriParam } from '../codec/uri.ts'
import { defaultPort, viasOf } from '../codec/via.ts'
import type { SipContext } from '../context.ts'
import { type Flow, hostPort } from '../flow.ts'
import type { Forwardable, Incoming } from '../incoming.ts'
import { refuse } from '../refusal.ts'
import { type RegisteredContact, targetOf } from '../registered-contact.ts'
import type { Received } from '../transaction/transaction-layer.ts'
import { Copies, type FarTarget, hopOctets, markIn, type Target, waysOf } from './copies.ts'
import { type DomainName, FlowTokens } from './flow-token.ts'
import { groupsOf } from './groups.ts'
import { loopMark, markOf } from './loop-mark.ts'
import { nextHopIn, type OwnRoutes, ownRoutesOf } from './own-routes.ts'
import { ResponseContext } from './response-context.ts'
import { ScriptedCall } from './scripted-call.ts'

/** RFC 5393 §5.3.3: "if [Max-Breadth] is missing, [...] the value 60 is RECOMMENDED". */
const breadthDefault = 60

export class ProxyCore {
  readonly #given: () => SipContext
  readonly #tokens: FlowTokens
  readonly #copies: Copies
  /** Requests of a person that wait for their final answer. */
  readonly #waiting = new Map<string, number>()

  /** @param given the context, which has this in it @param secret what routes are signed with */
  constructor(given: () => SipContext, secret: Uint8Array) {
    this.#given = given
    this.#tokens = new FlowTokens(secret)
    this.#copies = new Copies(given, this.#tokens)
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
      const sender = service.directory.hasOutgoingScripts
        ? service.directory.resident(identity.owner)
        : undefined
      if (sender?.script !== undefined && this.#isScripted(incoming, identity, sender, 'outgoing', routes))
        return
      if (!service.router.isLocal(aim.to.domain)) return this.#leave(incoming, identity, aim.to)
      incoming.keep()
      service.directory.find(aim.to, (found) => {
        if (found === 'fault') incoming.answer(500)
        else if (found === 'unknown') incoming.answer(404)
        else if (
          !this.#isTaken(incoming, identity, aim.to) &&
          !this.#isOfScript(incoming, identity, found, routes)
        )
          this.#fork(incoming, identity, found, aim.agent, routes, alone)
      })
    })
  }

  /** A request in a dialog, by a route of ours: who has that may follow it, and is not asked for a password. */
  inDialog(incoming: Incoming, routes: OwnRoutes): void {
    const target = this.#dialogTarget(incoming, routes)
    if (typeof target === 'number') return incoming.answer(target)
    const context = new ResponseContext(this.#context, incoming, () => undefined)
    if ('flow' in target) this.#copies.send(incoming, context.branch(), target)
    else this.#copies.toServers(incoming, context, target)
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
      const octets = this.#copies.copy(received, { ...target, flow, recordRoute: undefined }, branch)
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

  /** The step of scripts (RFC 3880): behind the access rules, which tell who may not reach the account. */
  #isOfScript(incoming: Incoming, identity: Identity, account: Account, routes: OwnRoutes): boolean {
    if (account.script === undefined) return false
    if (
      !mayReach(account, identity.principal.address) ||
      moved(account, identity.principal.address) !== undefined
    )
      return false
    return this.#isScripted(incoming, identity, account, 'incoming', routes)
  }

  #isScripted(
    incoming: Incoming,
    identity: Identity,
    account: Account,
    side: 'incoming' | 'outgoing',
    routes: OwnRoutes,
  ): boolean {
    incoming.keep()
    const breadth = breadthOf(incoming)
    const call = new ScriptedCall({
      context: this.#context,
      incoming,
      from: identity.principal.address,
      roads: {
        reachable: (other, agent) => this.#reachable(incoming, identity, other, agent),
        ring: (branches, contact, among) =>
          this.#copies.ring(
            incoming,
            branches,
            waysOf(incoming, contact),
            Math.max(1, Math.floor(breadth / among)),
            routes.count,
          ),
        leave: (branches, to, uri, onRefused) =>
          this.#leaveFor(incoming, identity, to, onRefused, (ends) =>
            this.#copies.toDomain(incoming, branches, ends, uri, breadth),
          ),
      },
      respond: () => this.#respond(incoming, identity.owner.key, breadth),
    })
    return call.begin(account, side)
  }

  /** From one of our people to somebody of another domain; for nobody else we are a way there. */
  #leave(incoming: Incoming, identity: Identity, to: Address): void {
    incoming.keep()
    this.#leaveFor(
      incoming,
      identity,
      to,
      (refusal) => refuse(incoming, refusal),
      (ends) => {
        const breadth = breadthOf(incoming)
        const context = this.#respond(incoming, identity.owner.key, breadth)
        if (context === undefined) return
        this.#copies.toDomain(incoming, context, ends, undefined, breadth)
        context.started()
      },
    )
  }

  #leaveFor(
    incoming: Incoming,
    { principal, owner }: Identity,
    to: Address,
    onRefused: (refusal: Refused) => void,
    go: (ends: DomainName) => void,
  ): void {
    const { domains, registrar, service } = this.#context
    if (domains === undefined) return onRefused(refused('domain-unknown'))
    const from = principal.address
    if (!service.peers.policyFor(to.domain, from.domain).calls) return onRefused(refused('permission-denied'))
    const sender = registrar.contactAt(service.directory.resident(owner), incoming.flow)
    const head = transitHead(incoming, from, sender?.id ?? '', to, '')
    const envelope = new SipTransitEnvelope(
      head,
      incoming.request,
      () => undefined,
      () => go({ ours: from.domain, theirs: to.domain }),
    )
    service.transit.forward(envelope, (outcome) => {
      if (outcome.kind === 'refused') onRefused(outcome)
    })
  }

  /** What is answered, where there may be copies and the sender has not too many under way. */
  #respond(incoming: Incoming, owner: string, breadth: number): ResponseContext | undefined {
    // RFC 5393 §5.3.3.1
    if (breadth === 0) incoming.answer(440)
    else if (!this.#enter(owner)) incoming.answer(503, [['Retry-After', '5']])
    else return new ResponseContext(this.#context, incoming, () => this.#exit(owner))
    return undefined
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
      return reached.kind === 'refused' ? refuse(incoming, reached) : incoming.answer(480)
    }
    const breadth = breadthOf(incoming)
    const context = this.#respond(incoming, identity.owner.key, breadth)
    if (context === undefined) return
    const targets = reached.slice(0, breadth)
    const share = Math.floor(breadth / targets.length)
    for (const group of groupsOf(incoming, targets))
      context.later(() => {
        for (const one of group)
          this.#copies.ring(incoming, context, waysOf(incoming, one), share, routes.count)
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

/** How many copies there may be of it, and of what comes of them (RFC 5393 §5.3). */
function breadthOf({ request }: Incoming): number {
  if (findHeader(request, header.maxBreadth) < 0) return breadthDefault
  const value = Number(headerValue(request, header.maxBreadth))
  return Number.isInteger(value) && value >= 0 ? value : breadthDefault
}
