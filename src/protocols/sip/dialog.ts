// The state of a dialog, RFC 3261 §12, as a SUBSCRIBE or an INVITE makes it at its UAS and its UAC. Pure.

import type { RequestEssentials } from './codec/check.ts'
import type { RequestParts } from './codec/encode.ts'
import { ownText, unfolded } from './codec/grammar.ts'
import { header } from './codec/header-names.ts'
import { headerValue, type SipMessage, type SipRequest, type SipResponse } from './codec/message.ts'
import { nameAddrOf, nameAddrsOf, tagOf } from './codec/name-addr.ts'
import { parseSipUri, uriParam } from './codec/uri.ts'

export interface Dialog {
  readonly callId: string
  readonly localTag: string
  readonly remoteTag: string
  /** From and To values of requests that we send, tags included. */
  readonly local: string
  readonly remote: string
  /** The Contact of the far end (RFC 3261 §12.1.1, remote target). */
  readonly target: string
  /** Record-Route values in order (RFC 3261 §12.1.1). */
  readonly routeSet: readonly string[]
  readonly localSequence: number
  readonly remoteSequence: number
}

export const dialogKey = (callId: string, localTag: string, remoteTag: string): string =>
  `${callId} ${localTag} ${remoteTag}`

/** The dialog that a request without a To tag makes, RFC 3261 §12.1.1; undefined without a usable Contact. */
export function dialogOf(
  request: SipRequest,
  parts: RequestEssentials,
  localTag: string,
): Dialog | undefined {
  const target = contactOf(request)
  const routes = nameAddrsOf(request, header.recordRoute)
  if (target === undefined || routes === undefined) return undefined
  return {
    callId: ownText(parts.callId),
    localTag,
    // RFC 3261 §12.1.1: "[a] UAS MUST be prepared to receive a request without a tag in the From field".
    remoteTag: ownText(parts.fromTag ?? ''),
    local: ownText(`${unfolded(headerValue(request, header.to) ?? '')};tag=${localTag}`),
    remote: ownText(unfolded(headerValue(request, header.from) ?? '')),
    target,
    routeSet: routesIn(request, routes),
    localSequence: 0,
    remoteSequence: parts.cseq.number,
  }
}

/** What our request without a To tag began, by a response or a NOTIFY that has one. */
export interface Begun {
  readonly callId: string
  readonly localTag: string
  /** Our From value, tag included. */
  readonly local: string
  readonly cseq: number
}

/** The dialog that a response to a request of ours makes, RFC 3261 §12.1.2; undefined without a tag or a usable Contact. */
export function dialogOfResponse(
  { callId, localTag, local, cseq }: Begun,
  response: SipResponse,
): Dialog | undefined {
  const to = nameAddrOf(response, header.to)
  const remoteTag = to === undefined ? undefined : tagOf(to)
  const target = contactOf(response)
  const routes = nameAddrsOf(response, header.recordRoute)
  if (remoteTag === undefined || target === undefined || routes === undefined) return undefined
  return {
    callId,
    localTag,
    remoteTag: ownText(remoteTag),
    local,
    remote: ownText(unfolded(headerValue(response, header.to) ?? '')),
    target,
    // "taken [...] in reverse order".
    routeSet: routesIn(response, routes).reverse(),
    localSequence: cseq,
    // "The remote sequence number MUST be empty".
    remoteSequence: -1,
  }
}

/** The dialog that a NOTIFY makes which comes before the response to its SUBSCRIBE (RFC 6665 §4.4.1), or instead of it. */
export function dialogOfNotify(
  begun: Begun,
  request: SipRequest,
  parts: RequestEssentials,
): Dialog | undefined {
  const dialog = dialogOf(request, parts, begun.localTag)
  return dialog === undefined
    ? undefined
    : { ...dialog, local: begun.local, localSequence: begun.cseq, remoteSequence: -1 }
}

function routesIn(
  { head }: SipMessage,
  routes: readonly { readonly start: number; readonly end: number }[],
): string[] {
  return routes.map(({ start, end }) => ownText(unfolded(head.slice(start, end)).trimEnd()))
}

/** The URI of the next hop of requests in the dialog (RFC 3261 §12.2.1.1). */
export function nextHopOf({ target, routeSet }: Dialog): string {
  return routeSet[0] === undefined ? target : uriIn(routeSet[0])
}

/** The one SIP URI of Contact; undefined when there is none, or more than one (RFC 3261 §8.1.1.8). */
export function contactOf(request: SipMessage): string | undefined {
  const contacts = nameAddrsOf(request, header.contact)
  const uri = contacts?.length === 1 ? contacts[0]!.uri : undefined
  return uri !== undefined && parseSipUri(uri) !== undefined ? ownText(uri) : undefined
}

/**
 * The dialog after a request in it, RFC 3261 §12.2.2. 'out-of-order': "lower than the remote sequence number, the request is
 * out of order and MUST be rejected with a 500". A target refresh moves the target.
 */
export function afterRequest(dialog: Dialog, request: SipRequest, sequence: number): Dialog | 'out-of-order' {
  if (sequence <= dialog.remoteSequence) return 'out-of-order'
  return { ...dialog, remoteSequence: sequence, target: contactOf(request) ?? dialog.target }
}

/** The next request of ours in the dialog, RFC 3261 §12.2.1.1; with the first hop's URI, where it is to be sent. */
export function nextRequest(dialog: Dialog): {
  readonly dialog: Dialog
  readonly parts: Pick<RequestParts, 'uri' | 'routes' | 'from' | 'to' | 'callId' | 'cseq'>
} {
  const next = { ...dialog, localSequence: dialog.localSequence + 1 }
  const { target, routeSet, local, remote, callId } = dialog
  const common = { from: local, to: remote, callId, cseq: next.localSequence }
  const first = routeSet[0]
  if (first === undefined) return { dialog: next, parts: { uri: target, routes: [], ...common } }
  const firstUri = uriIn(first)
  const parsed = parseSipUri(firstUri)
  // "If the route set is not empty, and the first URI in the route set contains the lr parameter" ...
  if (parsed === undefined || uriParam(parsed, 'lr') !== undefined)
    return { dialog: next, parts: { uri: target, routes: routeSet, ...common } }
  // ... else a strict router: "place the remote target URI into the Route header field as the last value".
  return { dialog: next, parts: { uri: firstUri, routes: [...routeSet.slice(1), `<${target}>`], ...common } }
}

/** The URI of a Route value. */
export function uriIn(route: string): string {
  const open = route.indexOf('<')
  return open < 0 ? route : route.slice(open + 1, route.indexOf('>', open))
}
