// The only file that speaks both languages: requests of PRIM <-> the abstract service's envelopes, outcomes and notifications
// (RFC 3859, RFC 3860; docs/specs/prim.md §6).

import { crc32 } from 'node:zlib'
import { type Bytes, randomId, utf8 } from '#base'
import { absentDocument, accepted, type DeliveryAnswer, type PresenceNotification } from '#core'
import {
  type Address,
  type Condition,
  type Envelope,
  type Head,
  type InstantMessage,
  type Outcome,
  type PresenceDocument,
  presenceHead,
  presUri,
  type Report,
} from '#model'
import { isHeaderValue } from '#wire/header-lines'
import {
  type Body,
  bodyOf,
  dateText,
  type Fields,
  field,
  idOf,
  isMessageId,
  isSuccess,
  type PrimRequest,
  type PrimResponse,
  presenceBody,
  requestBytes,
  type Strength,
  type Token,
  tokenText,
  withHopFields,
  withStartLine,
} from './codec/index.ts'
import { PrimEnvelope } from './envelope.ts'
import { conditionOf, statusOf } from './errors.ts'

export const protocolName = 'prim'

/** docs/specs/prim.md §5.3: what a SEND without Hop-Count starts with. */
export const hopCountDefault = 20

/** SEND as a message under way, its fields of the hop as they go on: Date, where it has none, AStrength, Hop-Count. */
export function messageEnvelope(
  request: PrimRequest,
  from: Address,
  fromAgent: string,
  to: Address,
  { strength, hops, now }: { readonly strength: Strength; readonly hops: number; readonly now: number },
): PrimEnvelope {
  const { headers, body } = request
  const id = field(headers, 'Message-ID') ?? ''
  const raw = withHopFields(request, 'SEND', 'PRIM', '1', [
    ...(field(headers, 'Date') === undefined ? [['Date', dateText(now)] as const] : []),
    ['AStrength', strength],
    ['Hop-Count', undefined],
  ])
  const head: Head = {
    protocol: protocolName,
    kind: 'message',
    from,
    fromAgent,
    to,
    toAgent: '',
    id,
    hops,
    size: raw.length,
    whenAbsent: 'store',
    whenAgentGone: 'inbox',
    storable: true,
    copyable: true,
    mark: markOf(id, body),
  }
  return new PrimEnvelope(head, raw, undefined, undefined, body.length)
}

/**
 * §8.3: a message that comes again has its Message-ID, and says the same: who writes ids by hand has one twice. Hot path: a checksum will do, since it is
 * its own sender alone whose two messages would be taken for one.
 */
function markOf(id: string, body: Bytes): string {
  return `${id} ${body.length} ${crc32(body)}`
}

/** PUBLISH as a publication under way. */
export function presenceEnvelope(
  request: PrimRequest,
  by: Address,
  fromAgent: string,
  document: PresenceDocument,
): PrimEnvelope {
  const head = presenceHead({
    protocol: protocolName,
    from: by,
    fromAgent,
    to: by,
    id: request.id,
    size: request.raw.length,
  })
  return new PrimEnvelope(head, request.raw, request, document)
}

/** A request of ours: its octets in parts, and how many of them are its body's. */
export interface OutgoingRequest {
  readonly octets: readonly Bytes[]
  readonly bodyOctets: number
}

/** How a SEND of ours begins, and what is known of it. */
export interface OutgoingSend {
  readonly token: Token
  readonly id: string
  /** How sure the sender is, where the message came by another protocol. */
  readonly strength: Strength
  readonly now: number
  /** Hop-Count, where it goes to another server. */
  readonly hops?: number
}

/** A delivery as SEND, or why it has no form here. */
export function sendOf(
  envelope: Envelope,
  target: Address,
  outgoing: OutgoingSend,
): OutgoingRequest | Condition {
  // The same protocol: the author's request, its fields and body octet for octet.
  if (envelope instanceof PrimEnvelope) {
    const { bodyOctets } = envelope
    const octets = withStartLine(envelope.raw, 'SEND', outgoing.token, outgoing.id, bodyOctets)
    return { octets, bodyOctets }
  }
  const { head } = envelope
  if (head.kind === 'report') return reportSend(envelope.view() as Report, head, target, outgoing)
  const message = envelope.view() as InstantMessage
  const body = bodyOf(message, envelope.content() ?? message.content)
  // A chat state or a receipt alone has no form here.
  if (body === undefined || (body.bytes.length === 0 && envelope.content() === undefined))
    return 'content-not-understood'
  return written(outgoing, body, [
    ['From', idOf(head.from, 'im')],
    ['To', idOf(target, 'im')],
    ['Message-ID', messageId(message.id === '' ? head.id : message.id)],
    ['Conversation-ID', message.thread === '' ? undefined : shortToken(message.thread)],
    ['Date', dateText(message.sentAt ?? outgoing.now)],
    ['AStrength', outgoing.strength],
    ['Hop-Count', outgoing.hops?.toString()],
    ...(body.fields ?? []),
  ])
}

function written({ token, id }: OutgoingSend, body: Body, fields: Fields): OutgoingRequest | Condition {
  for (const [, value] of [...fields, ['Content-Type', body.type] as const])
    if (value !== undefined && !isHeaderValue(value)) return 'content-not-understood'
  return { octets: [requestBytes('SEND', token, id, fields, body)], bodyOctets: body.bytes.length }
}

/** LIMIT: characters that others read of an identifier. */
const tokenMax = 255

function shortToken(text: string): string {
  const token = tokenText(text)
  // Cut between characters: half an escape is none.
  return token.length <= tokenMax ? token : token.slice(0, tokenMax).replace(/%.?$/, '')
}

/** A message without an id is like no other: with one for all the second would be taken for the first again. */
function messageId(id: string): string {
  if (isMessageId(id) && id.length <= tokenMax) return id
  return shortToken(id === '' ? randomId() : id)
}

/** What became known of a message later (docs/specs/prim.md §6.1): a SEND by whom it was for, marked as what it is. */
function reportSend(
  { about, event, condition }: Report,
  { from, id }: Head,
  target: Address,
  outgoing: OutgoingSend,
): OutgoingRequest | Condition {
  if (event !== 'failed') return 'content-not-understood'
  const status = condition && String(statusOf[condition])
  const bytes = utf8(`Your message could not be delivered${status === undefined ? '' : ` (${status})`}.`)
  return written(outgoing, { type: 'text/plain; charset=UTF-8', bytes }, [
    ['From', idOf(from, 'im')],
    ['To', idOf(target, 'im')],
    ['Message-ID', messageId(id)],
    ['Date', dateText(outgoing.now)],
    ['AStrength', 'none'],
    ['Report', 'failed'],
    ['About', messageId(about)],
    ['Status', status],
  ])
}

/** What a client's response to a SEND says of the delivery. */
export function answerOf(settled: PrimResponse | 'timeout' | 'closed'): DeliveryAnswer {
  if (settled === 'timeout') return { kind: 'declined', condition: 'remote-timeout' }
  if (settled === 'closed') return { kind: 'declined', condition: 'connection-failed' }
  const { status } = settled
  if (isSuccess(status) || status === 101) return accepted
  const condition = conditionOf(status)
  // The person says no; anything else is this device's inability, and another or the store may take it.
  if (condition === 'permission-denied') return { kind: 'refused', outcome: { kind: 'refused', condition } }
  return { kind: 'declined', condition }
}

/** docs/specs/prim.md §6.1: 200 where a device took it, 101 where that is not sure. */
export function statusOfOutcome(outcome: Outcome): number {
  if (outcome.kind === 'refused') return statusOf[outcome.condition]
  return outcome.kind === 'delivered' ? 200 : 101
}

const rendering = Symbol('prim pidf')

/** The whole presence, made once for all watchers of a class. */
export function notificationBody(notification: PresenceNotification): Body {
  return notification.once(rendering, () => presenceBody(notification.document()))
}

/** What a watcher sees of somebody who has not agreed yet: nothing. */
export function absentBody(presentity: Address): Body {
  return presenceBody(absentDocument(presUri(presentity)))
}
