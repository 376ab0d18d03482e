// The user agent server core, RFC 3261 §8.2: what every request is asked before its method is. Then the method table.

import { allowed, notAllowed, supported } from './capabilities.ts'
import { header } from './codec/header-names.ts'
import { tokensOf } from './codec/headers.ts'
import { findHeader, type SipRequest, stride } from './codec/message.ts'
import type { Via } from './codec/via.ts'
import type { SipContext } from './context.ts'
import { inOurDialog } from './domains/foreign.ts'
import { Incoming } from './incoming.ts'
import { message } from './methods/message.ts'
import { options } from './methods/options.ts'
import { publish } from './methods/publish.ts'
import { register } from './methods/register.ts'
import { subscribe } from './methods/subscribe.ts'
import type { ServerTransaction } from './transaction/server-transaction.ts'
import type { Received, TransactionUser } from './transaction/transaction-layer.ts'

/** What a request of one method gets done. It answers, now or later, exactly once. */
export type Method = (context: SipContext, incoming: Incoming) => void

const methods: Readonly<Record<string, Method>> = {
  REGISTER: register,
  MESSAGE: message,
  SUBSCRIBE: subscribe,
  PUBLISH: publish,
  OPTIONS: options,
  // We are no party to a dialog of these: "481 if [it] does not match" (RFC 3261 §15.1.2, RFC 6665 §4.1.3).
  BYE: (_context, incoming) => incoming.answer(481),
  NOTIFY: (_context, incoming) => incoming.answer(481),
}

export class UserAgentServer implements TransactionUser {
  readonly #context: SipContext

  constructor(context: SipContext) {
    this.#context = context
  }

  onRequest(received: Received, transaction: ServerTransaction): void {
    const incoming = new Incoming(received, transaction)
    const { request, parts } = incoming
    const { proxy, domains } = this.#context
    const end = domains?.agent.endOf(parts.callId, parts.toTag)
    if (end !== undefined) return inOurDialog(this.#context, incoming, end)
    if (this.#wasHere(request, parts.via) && proxy.isLoop(received)) return incoming.answer(482)
    const routes = proxy.routesOf(received)
    const isInDialog = routes.flows === 'forged' || routes.flows.length > 0
    const method = Object.hasOwn(methods, request.method) ? methods[request.method] : undefined
    // RFC 3261 §16: a proxy passes on methods that it does not know, to whom they are for.
    const isPassed = isInDialog || (method === undefined && parts.uri.user !== undefined)
    if (method === undefined && !isPassed)
      return incoming.answer(notAllowed.has(request.method) ? 405 : 501, [['Allow', allowed]])
    const required = unsupported(request, isPassed ? forProxies : forAll)
    if (required === 'malformed') return incoming.answer(400)
    if (required.length > 0) return incoming.answer(420, [['Unsupported', required.join(', ')]])
    if (isInDialog) proxy.inDialog(incoming, routes)
    else if (method === undefined) proxy.request(incoming, routes)
    else method(this.#context, incoming)
  }

  /** RFC 3261 §17.1.1.3: an ACK for a 2xx is passed up. It goes on by the route of its call; it is never answered. */
  onAck(received: Received): void {
    const { parts } = received
    const end = this.#context.domains?.agent.endOf(parts.callId, parts.toTag)
    if (end === undefined) this.#context.proxy.ack(received)
    else end.acknowledged?.(received)
  }

  /** RFC 3261 §8.2.2.2: "the UAS core SHOULD generate a 482 (Loop Detected) response". */
  onMerged(received: Received, transaction: ServerTransaction): void {
    // Where we are a proxy, it may be one that a phone diverts: a spiral, or a loop that is found as one (RFC 5393 §4).
    const { request, parts } = received
    const isPassed = !Object.hasOwn(methods, request.method) || this.#wasHere(request, parts.via)
    if (isPassed && parts.uri.user !== undefined) return this.onRequest(received, transaction)
    new Incoming(received, transaction).answer(482)
  }

  /** RFC 3261 §9.2: 481 where nothing matches; else 200, and the INVITE, if it still waits, is answered 487 by its user. */
  onCancel(
    received: Received,
    transaction: ServerTransaction,
    cancelled: ServerTransaction | undefined,
  ): void {
    const incoming = new Incoming(received, transaction)
    if (cancelled === undefined) return incoming.answer(481)
    incoming.answer(200)
    if (!cancelled.answered) cancelled.onCancel?.()
  }

  onOverload(received: Received): void {
    this.#context.transport.answer(received, 503, [['Retry-After', '5']])
  }

  /** Whether it may have been here before. The usual case, straight from its sender: one Via in one field. */
  #wasHere(request: SipRequest, top: Via): boolean {
    const first = findHeader(request, header.via)
    return top.end !== request.index[first + 3] || findHeader(request, header.via, first + stride) >= 0
  }
}

/** RFC 3261 §16.3 point 5: a proxy asks for Proxy-Require; Require is for whom it reaches (§8.2.2.3). */
const forProxies = [header.proxyRequire]
const forAll = [header.require, header.proxyRequire]

const none: readonly string[] = []

/** Option tags in these fields that we lack. */
function unsupported(request: SipRequest, fields: readonly number[]): readonly string[] | 'malformed' {
  let missing = none
  for (const id of fields) {
    const tags = tokensOf(request, id)
    if (tags === 'malformed') return 'malformed'
    for (const tag of tags ?? []) if (!supported.has(tag.toLowerCase())) missing = [...missing, tag]
  }
  return missing
}
