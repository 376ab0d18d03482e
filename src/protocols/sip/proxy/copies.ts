// The copies of a request that the proxy sends on, RFC 3261 §16.6: to phones by their ways, to other domains by one server after the other.

import { addressOfSipUri } from '../binding.ts'
import { requestUri } from '../codec/message.ts'
import { forwardedRequest } from '../codec/splice.ts'
import { contactUri, type SipContext, transportParam, viaFor } from '../context.ts'
import { contactOf } from '../dialog.ts'
import type { Journey } from '../domains/journey.ts'
import { statusOf } from '../errors.ts'
import { type Flow, isSecureTransport } from '../flow.ts'
import type { Forwardable, Incoming } from '../incoming.ts'
import {
  type ContactFacts,
  type RegisteredContact,
  targetOf,
  wantsConnection,
} from '../registered-contact.ts'
import { targetFlow } from '../target-flow.ts'
import type { Branch, BranchSource } from './branch.ts'
import type { DomainName, FlowTokens } from './flow-token.ts'
import { loopMark } from './loop-mark.ts'

/** Octets that a hop adds at most: Via, Record-Route for both sides. */
export const hopOctets = 400

/** Requests that make no dialog: nothing later needs us in its way (RFC 3261 §16.6 step 4). */
const dialogless: ReadonlySet<string> = new Set(['OPTIONS', 'MESSAGE', 'PUBLISH', 'INFO'])

/** Where a copy goes. */
export interface Target {
  readonly flow: Flow
  readonly uri: string | undefined
  readonly routes: readonly string[]
  readonly routesDropped: number
  readonly breadth: number | undefined
  readonly recordRoute: string | undefined
}

/** Where a copy goes that goes to another domain: which flow leads there is found on the way. */
export interface FarTarget extends Omit<Target, 'flow' | 'recordRoute'> {
  readonly journey: Journey
  readonly ends: DomainName
  readonly recordRoute: ((flow: Flow) => string) | undefined
}

export class Copies {
  readonly #given: () => SipContext
  readonly #tokens: FlowTokens

  constructor(given: () => SipContext, tokens: FlowTokens) {
    this.#given = given
    this.#tokens = tokens
  }

  get #context(): SipContext {
    return this.#given()
  }

  /** @param uri where a script sends it; undefined: where its sender does */
  toDomain(
    incoming: Incoming,
    branches: BranchSource,
    ends: DomainName,
    uri: string | undefined,
    breadth: number,
  ): void {
    const { request } = incoming
    const { domains } = this.#context
    if (domains === undefined) return branches.branch().end(404)
    const size = request.raw.length + hopOctets
    this.toServers(incoming, branches, {
      journey: domains.reach.journey({ ...ends, uri: uri ?? requestUri(request), size }),
      ends,
      uri,
      routes: [],
      // The way there is ours to find.
      routesDropped: Number.POSITIVE_INFINITY,
      breadth,
      recordRoute: dialogless.has(request.method)
        ? undefined
        : (flow) => this.#recordRoute(incoming, flow, ends),
    })
  }

  /** One server of another domain after the other (RFC 3263 §4.3). */
  toServers(incoming: Incoming, branches: BranchSource, target: FarTarget): void {
    const { journey, ends, recordRoute } = target
    const branch = branches.branch()
    branch.isToServer = true
    branch.otherwise = () => this.toServers(incoming, branches, target)
    journey.next((flow) => {
      if (flow !== undefined)
        return this.send(incoming, branch, { ...target, flow, recordRoute: recordRoute?.(flow) })
      branch.otherwise = undefined
      this.#context.domains?.reach.failed(ends.theirs, journey.why)
      branch.end(statusOf['connection-failed'])
    })
  }

  /** One phone's copy: by a connection where it is too large for a datagram (RFC 3261 §18.1.1). */
  ring(
    incoming: Incoming,
    branches: BranchSource,
    [way, ...others]: ContactFacts[],
    breadth: number,
    routesDropped: number,
  ): void {
    if (way === undefined) return
    const branch = branches.branch()
    if (others.length > 0)
      branch.otherwise = () => this.ring(incoming, branches, others, breadth, routesDropped)
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
      return this.send(incoming, branch, target(flow))
    this.#context.transport.streamFlow(flow.remote, (stream) =>
      this.send(incoming, branch, target(stream ?? flow)),
    )
  }

  send(incoming: Incoming, branch: Branch, target: Target): void {
    const { request } = incoming
    const id = this.#context.layer.newBranch() + markIn(incoming)
    branch.begin(target.flow, request.method, id, this.copy(incoming, target, id))
  }

  /** RFC 3261 §16.6: the request for the next hop. */
  copy(forwardable: Forwardable, target: Target, branch: string): Buffer | undefined {
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
}

/** RFC 3261 §26.2.2: a sips URI is for TLS on every hop. */
export function waysOf({ parts }: Incoming, contact: RegisteredContact): ContactFacts[] {
  const isSecure = parts.uri.scheme === 'sips'
  return contact.ways.filter(({ flow }) => !isSecure || isSecureTransport(flow.transport))
}

export const markIn = ({ request, parts }: Forwardable): string => loopMark(request, parts)
