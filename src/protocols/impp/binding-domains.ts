// A part of the binding: what goes to other domains and comes from them <-> the core's envelopes, outcomes and notifications
// (IMPP §13, §18, §19; docs/specs/impp-1.0.md §12).

import { hash } from 'node:crypto'
import { type Bytes, randomId } from '#base'
import { type ForeignTuple, type TerminationReason, tuplesOf, type VisibleSource } from '#core'
import {
  type Address,
  type Condition,
  type Envelope,
  type Head,
  hopsDefault,
  type Outcome,
  type PresenceDocument,
  presenceHead,
  type Refused,
  type Report,
  relayed,
} from '#model'
import {
  domainConnectionId,
  incomingSend,
  type OutgoingRequest,
  protocolName,
  reportSend,
} from './binding.ts'
import {
  addressOfUrl,
  decimal,
  envelopeBytes,
  type Fields,
  type ImppRequest,
  type ImppResponse,
  leaseTimeText,
  parsePresenceBody,
  presenceBody,
  requestBytes,
  textField,
  urlOf,
} from './codec/index.ts'
import { ImppEnvelope } from './envelope.ts'
import { conditionOf, reasonOf } from './errors.ts'

/** A request to another domain, in octets of its own. */
export interface ForwardedRequest extends OutgoingRequest {
  /** Requests of one lane keep their order. */
  readonly lane: string
}

const live = { copy: 'received', archiveId: '', storedAt: undefined } as const

/**
 * A message or report one hop on: the author's request octet for octet where it is of this protocol (IMPP §19, D92), behind the
 * envelope of D93. `kept` is `envelope.keep()`; `transmission` names this act of sending, however often it is written.
 */
export function forwardedSend(
  envelope: Envelope,
  kept: Envelope,
  ours: string,
  transmission: string,
): ForwardedRequest | Condition {
  const { head } = envelope
  if (head.kind === 'transit' || head.kind === 'presence') return 'operation-not-supported'
  const outgoing =
    head.kind === 'report'
      ? reportSend(envelope.view() as Report, head, head.to, ours, transmission)
      : incomingSend(envelope, live, head.to, transmission)
  if (typeof outgoing === 'string') return outgoing
  const before = envelopeBytes([
    ['Hops', String(head.hops - 1)],
    ['Transmission', transmission],
  ])
  // What it was read from is a loan, and may be needed again.
  const octets = outgoing.octets.map((part) => (part === envelope.raw ? kept.raw : part))
  return { key: outgoing.key, octets: [before, ...octets], lane: laneOf(head.from, head.to) }
}

export function laneOf(from: Address, to: Address): string {
  return `${from.key}\n${to.key}`
}

/** What two offers of one message have in common, and no two messages of a careful sender. */
export function offerOf({ head, raw }: Envelope): string {
  const said = [head.from.key, head.fromAgent, head.to.key, head.id].join('\n')
  return hash('sha256', Buffer.concat([Buffer.from(`${said}\n`), raw]), 'base64')
}

/** The mark of an act of sending: where its author gave it one, the same after a restart of ours. */
export function freshTransmission({ from, to, mark }: Head): string {
  return mark === undefined ? randomId() : hash('sha256', `${from.key}\n${to.key}\n${mark}`, 'base64url')
}

/** The other domain's word about a SEND. */
export function outcomeOf(response: ImppResponse, now: number): Outcome {
  if (!response.ok) return refusalIn(response)
  const result = response.headers.get('result')
  if (result === 'relayed') return relayed
  const document = documentIn(response, now)
  const presence = typeof document === 'string' ? undefined : document
  const kind = result === 'stored' ? 'stored' : 'delivered'
  return presence === undefined ? { kind } : { kind, presence }
}

export function refusalIn({ headers }: ImppResponse): Refused {
  const reason = headers.get('reason')
  const location = headers.get('location')
  // Too many at a time is between the two domains alone: the message can be offered again.
  const condition = reason === reasonOf['resource-limit'] ? 'connection-failed' : conditionOf(reason)
  return { kind: 'refused', condition, ...(location !== undefined && { location }) }
}

/** The hops that a request may still go; undefined where its envelope says nonsense. */
export function hopsOf({ envelope }: ImppRequest): number | undefined {
  const written = envelope?.get('hops')
  if (written === undefined) return hopsDefault
  const hops = decimal(written)
  // LIMIT: nobody gives a message more hops than it would have here.
  return hops === undefined ? undefined : Math.min(hops, hopsDefault)
}

const reportEvents: ReadonlySet<string> = new Set(['failed', 'delivered', 'displayed'])

/** A report from another domain, and the head of the message it is about; undefined where it says nothing. */
export function reportIn(
  { headers }: ImppRequest,
  to: Address,
  theirs: string,
): { report: Report; about: Head } | undefined {
  const event = headers.get('report') ?? ''
  const about = textField(headers, 'about')
  const recipient = addressOfUrl(headers.get('origin') ?? '')
  if (!reportEvents.has(event) || about === '' || recipient?.domain !== theirs) return undefined
  const reason = headers.get('reason')
  const report: Report = {
    about,
    event: event as Report['event'],
    ...(reason !== undefined && { condition: conditionOf(reason) }),
  }
  const message = { protocol: protocolName, kind: 'message', fromAgent: '', toAgent: '', id: about } as const
  const rest = { hops: hopsDefault, size: 0, whenAbsent: 'drop', whenAgentGone: 'inbox' } as const
  return { report, about: { ...message, ...rest, from: to, to: recipient, storable: false, copyable: false } }
}

/** A request of ours for somebody here about somebody there (IMPP §18.1 to §18.3); the domain speaks (D53). */
export function presenceRequest(
  method: 'SUBSCRIBE' | 'UNSUBSCRIBE' | 'FETCH',
  watcher: Address,
  presentity: Address,
  seconds?: number,
): ForwardedRequest {
  const from = urlOf(watcher)
  const id = freshRequestId()
  const fields: Fields = [
    ['From', from],
    ['Connection-ID', domainConnectionId],
    ['Target', urlOf(presentity)],
    ['Lease-Time', seconds === undefined ? undefined : leaseTimeText(seconds)],
    ['Accept', method === 'UNSUBSCRIBE' ? undefined : 'application/pidf+xml, application/impp'],
  ]
  const key = { id, from, connectionId: domainConnectionId }
  return { key, octets: [requestBytes(method, id, fields)], lane: laneOf(watcher, presentity) }
}

/** No request of ours has it again, not after a restart either. */
export function freshRequestId(): string {
  return randomId()
}

/** The presence that a response or a CHANGE-NOTIFY carries; undefined where there is no body. */
export function documentIn(
  { headers, body }: ImppRequest | ImppResponse,
  now: number,
): PresenceDocument | 'not-understood' | 'malformed' | undefined {
  const type = headers.get('content-type')
  return type === undefined ? undefined : parsePresenceBody(type, body, now)
}

/** A foreign document tuple by tuple, as a presentity here would have it. */
export function sourcesOf(
  document: PresenceDocument,
  watcher: Address,
  presentity: Address,
): readonly VisibleSource[] {
  return tuplesOf(document, presentity).map((each) => sourceOf(each, watcher, presentity))
}

/** The same document gives the same octets. */
function sourceOf({ tuple, document }: ForeignTuple, watcher: Address, presentity: Address): VisibleSource {
  const from = urlOf(presentity)
  const raw: Bytes = requestBytes(
    'CHANGE-NOTIFY',
    'presence',
    [
      ['From', from],
      ['Connection-ID', domainConnectionId],
      ['Target', urlOf(watcher)],
      ['Origin', from],
    ],
    presenceBody(document, 'pidf'),
  )
  const head = presenceHead({
    protocol: protocolName,
    from: presentity,
    fromAgent: tuple,
    to: watcher,
    id: 'presence',
    size: raw.length,
  })
  return { tuple, source: new ImppEnvelope(head, raw, undefined, document) }
}

/** Why a subscription ended, as `Reason` of TERMINATE-SUBSCRIPTION: RFC 6665 §4.1.3's reasons in the words of this protocol. */
const terminations: Readonly<Record<TerminationReason, Condition | undefined>> = {
  rejected: 'permission-denied',
  timeout: undefined,
  deactivated: 'temporarily-unavailable',
  noresource: 'target-unknown',
  giveup: 'connection-failed',
}

export function terminationFields(reason: TerminationReason): Fields {
  const condition = terminations[reason]
  return condition === undefined ? [] : [['Reason', reasonOf[condition]]]
}

export function terminationIn({ headers }: ImppRequest): TerminationReason {
  const reason = headers.get('reason')
  if (reason === undefined) return 'noresource'
  const condition = conditionOf(reason)
  const found = Object.entries(terminations).find(([, each]) => each === condition)
  return found === undefined ? 'giveup' : (found[0] as TerminationReason)
}

/** What a SUBSCRIBE was refused with: for ever, or for now. */
export function endOfSubscription({ condition }: Refused): TerminationReason | 'try-again' {
  switch (condition) {
    case 'permission-denied':
      return 'rejected'
    case 'target-unknown':
    case 'address-malformed':
    case 'permanently-forwarded':
    case 'mailbox-unavailable':
      return 'noresource'
    case 'operation-not-supported':
    case 'malformed':
    case 'version-not-supported':
    case 'content-not-understood':
    case 'redirect-to-server':
      return 'giveup'
    default:
      return 'try-again'
  }
}
