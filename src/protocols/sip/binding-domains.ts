// Presence of other domains between SIP and the model: what a NOTIFY says, tuple by tuple; and how their answers to a MESSAGE end.

import { type ForeignTuple, type TerminationReason, tuplesOf } from '#core'
import {
  type Address,
  delivered,
  type Outcome,
  type PresenceDocument,
  presenceHead,
  type Refused,
  refused,
  relayed,
  sipUri,
} from '#model'
import { olderPidfMediaType, parsePidf, pidfMediaType, writePidf } from '#wire/pidf'
import { SipPresenceEnvelope } from './binding-presence.ts'
import type { SubscriptionEnd } from './client/subscriber.ts'
import { encodeRequest } from './codec/encode.ts'
import { header } from './codec/header-names.ts'
import { contentTypeText } from './codec/headers.ts'
import { bodyOf, parseMessage, type SipRequest, type SipResponse } from './codec/message.ts'
import { nameAddrsOf } from './codec/name-addr.ts'
import { conditionOf } from './errors.ts'

export interface TupleSource {
  readonly tuple: string
  readonly source: SipPresenceEnvelope
}

/** What a NOTIFY holds; undefined: nothing. */
export function documentIn(
  request: SipRequest,
  now: number,
): PresenceDocument | 'not-understood' | 'malformed' | undefined {
  const body = bodyOf(request)
  if (body.length === 0) return undefined
  const type = (contentTypeText(request) ?? '').split(';', 1)[0]?.trim().toLowerCase()
  if (type !== pidfMediaType && type !== olderPidfMediaType) return 'not-understood'
  const document = parsePidf(body, { now })
  return 'fault' in document ? 'malformed' : document
}

/**
 * A foreign document tuple by tuple, as a presentity here would have it; what is of no tuple is with the first. One of a single tuple keeps its
 * octets, so that SIP watchers here get it as it was written.
 */
export function sourcesOf(
  document: PresenceDocument,
  octets: Uint8Array | undefined,
  watcher: Address,
  presentity: Address,
): readonly TupleSource[] {
  const own = document.tuples.length === 1 ? octets : undefined
  return tuplesOf(document, presentity).map((each) => sourceOf(each, own, watcher, presentity))
}

/** The same document gives the same octets. */
function sourceOf(
  { tuple, document }: ForeignTuple,
  body: Uint8Array | undefined,
  watcher: Address,
  presentity: Address,
): TupleSource {
  const uri = sipUri(presentity)
  const octets = encodeRequest({
    method: 'PUBLISH',
    uri,
    via: `SIP/2.0/TLS ${presentity.domain};branch=z9hG4bKnotified`,
    from: `<${uri}>;tag=notified`,
    to: `<${uri}>`,
    callId: 'notified',
    cseq: 1,
    headers: [['Event', 'presence']],
    contentType: pidfMediaType,
    body: body ?? writePidf(document),
  })
  const request = parseMessage(octets, true) as SipRequest
  const head = presenceHead({
    protocol: 'sip',
    from: presentity,
    fromAgent: tuple,
    to: watcher,
    id: '',
    size: octets.length,
  })
  return { tuple, source: new SipPresenceEnvelope(head, request, document) }
}

/** Why a subscription to somebody there ended, for those here. */
export const endOf: Readonly<Record<Exclude<SubscriptionEnd, 'asked-once'>, TerminationReason>> = {
  rejected: 'rejected',
  noresource: 'noresource',
  invariant: 'noresource',
  refused: 'giveup',
}

/** Why nothing was fetched. */
export const fetchRefusal = (status: number): Refused =>
  refused(status === 408 ? 'remote-timeout' : conditionOf(status))

/** The word of another domain about a MESSAGE, where no SIP party waits for its octets. */
export function outcomeOf(response: SipResponse): Outcome {
  const { status } = response
  // RFC 3428 §7: 202 promises no more than to try.
  if (status < 300) return status === 202 ? relayed : delivered
  return refusalIn(response)
}

/**
 * What a refusal means. An answer came, so that the domain is there: what it says of time and ways is of one person alone, and nobody else's
 * messages wait for that (decision 0040); but 503 is of its servers.
 */
export function refusalIn(response: SipResponse): Refused {
  const { status } = response
  if (status === 401 || status === 407) return refused('domain-authentication-required')
  const condition = conditionOf(status)
  if (status < 400) {
    const location = nameAddrsOf(response, header.contact)?.[0]?.uri
    return location === undefined
      ? refused('temporarily-unavailable')
      : { kind: 'refused', condition, location }
  }
  if (status !== 503 && (condition === 'connection-failed' || condition === 'remote-timeout'))
    return refused('temporarily-unavailable')
  return refused(condition)
}
