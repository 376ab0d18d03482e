// The Route values at the top of a request that are ours (RFC 3261 §16.4), and the flows that their tokens name.

import { header } from '../codec/header-names.ts'
import { findHeader, requestUri, type SipRequest } from '../codec/message.ts'
import { nameAddrsOf } from '../codec/name-addr.ts'
import { parseSipUri, type SipUri, uriParam } from '../codec/uri.ts'
import { defaultPort } from '../codec/via.ts'
import { hostPort } from '../flow.ts'
import type { FlowTokens, SideName } from './flow-token.ts'

export interface OwnRoutes {
  /** How many values are ours and go. */
  readonly count: number
  /** What their tokens lead to, in order; 'forged' where one is not of our making, or of another call. */
  readonly flows: readonly SideName[] | 'forged'
}

const none: OwnRoutes = { count: 0, flows: [] }

export function ownRoutesOf(
  request: SipRequest,
  callId: string,
  tokens: FlowTokens,
  isOurs: (sentBy: string) => boolean,
): OwnRoutes {
  if (findHeader(request, header.route) < 0) return none
  const flows: SideName[] = []
  let count = 0
  let isForged = false
  for (const { uri } of nameAddrsOf(request, header.route) ?? []) {
    const parsed = parseSipUri(uri)
    if (parsed === undefined || !isOurs(sentByOf(parsed))) break
    count++
    // Without a token: the way to us that a phone was configured with (an outbound proxy, RFC 3261 §8.1.2).
    if (parsed.user === undefined) continue
    const name = tokens.read(parsed.user, callId)
    if (name === undefined) isForged = true
    else flows.push(name)
  }
  return { count, flows: isForged ? 'forged' : flows }
}

const sentByOf = (uri: SipUri): string =>
  hostPort(uri.host, uri.port ?? defaultPort((uriParam(uri, 'transport') ?? 'udp').toUpperCase()))

/** Where it goes when the first values of its Route are gone (RFC 3261 §16.6 step 6). */
export function nextHopIn(request: SipRequest, dropped: number): string {
  return nameAddrsOf(request, header.route)?.[dropped]?.uri ?? requestUri(request)
}
