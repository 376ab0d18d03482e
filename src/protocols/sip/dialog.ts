// The state of a dialog at its UAS, RFC 3261 §12, as a SUBSCRIBE makes it (RFC 6665 §4.4.1). Pure.

import type { RequestEssentials } from './codec/check.ts'
import type { RequestParts } from './codec/encode.ts'
import { ownText, unfolded } from './codec/grammar.ts'
import { header } from './codec/header-names.ts'
import { headerValue, type SipRequest } from './codec/message.ts'
import { nameAddrsOf } from './codec/name-addr.ts'
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
    routeSet: routes.map(({ start, end }) => ownText(unfolded(request.head.slice(start, end)).trimEnd())),
    localSequence: 0,
    remoteSequence: parts.cseq.number,
  }
}

/** The one SIP URI of Contact; undefined when there is none, or more than one (RFC 3261 §8.1.1.8). */
export function contactOf(request: SipRequest): string | undefined {
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
