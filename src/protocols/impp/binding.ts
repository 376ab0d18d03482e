// The only file that speaks both languages: requests of IMPP/1.0 <-> the abstract service's envelopes, outcomes and
// notifications (IMPP §18; docs/specs/impp-1.0.md §7, §8).

import { type Bytes, utf8 } from '#base'
import {
  absentDocument,
  accepted,
  type DeliveryAnswer,
  type DeliveryContext,
  type PresenceNotification,
} from '#core'
import {
  type Address,
  type Condition,
  type Content,
  type Envelope,
  type Head,
  hopsDefault,
  type InstantMessage,
  type Outcome,
  type PresenceDocument,
  presenceHead,
  presUri,
  type Report,
} from '#model'
import { isHeaderName, isHeaderValue } from '#wire/header-lines'
import {
  type Body,
  type ExchangeKey,
  envelopeBytes,
  type Fields,
  fieldsOf,
  fieldText,
  type ImppRequest,
  isHint,
  messageBody,
  messageFields,
  type PresenceType,
  presenceBody,
  requestBytes,
  type Settled,
  textField,
  urlOf,
} from './codec/index.ts'
import { ImppEnvelope } from './envelope.ts'
import { conditionOf, reasonOf } from './errors.ts'

export const protocolName = 'impp'

/** Whom a server's own requests come from (docs/specs/impp-1.0.md §5): no connection of anybody's. */
export const domainConnectionId = '0'

/** SEND (IMPP §18.4) as a message under way. */
export function messageEnvelope(
  request: ImppRequest,
  from: Address,
  fromAgent: string,
  to: Address,
  hops = hopsDefault,
): ImppEnvelope {
  const hint = isHint(request.headers)
  const headline = request.headers.get('message-kind') === 'headline'
  const id = textField(request.headers, 'message-id')
  // The act of sending, by whoever asked: its domain, or the author's device (docs/specs/impp-1.0.md §7.5, §12.5).
  const mark = request.envelope?.get('transmission') ?? request.headers.get('transmission')
  const head: Head = {
    protocol: protocolName,
    kind: 'message',
    from,
    fromAgent,
    to,
    toAgent: '',
    id: id === '' ? request.id : id,
    hops,
    size: request.raw.length,
    // A chat state or a headline is of no use later (docs/specs/impp-1.0.md §7.5, RFC 6121 §8.5.2.2); but OK would say that the
    // headline was delivered (IMPP §18.4).
    whenAbsent: hint ? 'drop' : headline ? 'refuse' : 'store',
    whenAgentGone: 'inbox',
    storable: !hint && !headline,
    copyable: !hint && !headline,
    ...(mark !== undefined && { mark }),
  }
  return new ImppEnvelope(head, request.raw, request)
}

/** CHANGE (IMPP §18.5) as a publication under way. */
export function presenceEnvelope(
  request: ImppRequest,
  by: Address,
  fromAgent: string,
  document: PresenceDocument,
): ImppEnvelope {
  const head = presenceHead({
    protocol: protocolName,
    from: by,
    fromAgent,
    to: by,
    id: request.id,
    size: request.raw.length,
  })
  return new ImppEnvelope(head, request.raw, request, document)
}

/** A request to a client: its octets in parts, and what its response is matched by. */
export interface OutgoingRequest {
  readonly key: ExchangeKey
  readonly octets: readonly Bytes[]
}

/** A delivery as SEND to a client, or why it has no form here. `id` is for a request of our own making. */
export function incomingSend(
  envelope: Envelope,
  context: DeliveryContext,
  target: Address,
  id: string,
): OutgoingRequest | Condition {
  const outgoing = sendOf(envelope, context.copy, target, id)
  const hop = envelopeFields(context)
  if (typeof outgoing === 'string' || hop.length === 0) return outgoing
  return { key: outgoing.key, octets: [envelopeBytes(hop), ...outgoing.octets] }
}

/** The SEND that shows a message to a client, without an envelope before it. */
export function sendOf(
  envelope: Envelope,
  copy: DeliveryContext['copy'],
  target: Address,
  id: string,
): OutgoingRequest | Condition {
  // The same protocol: the author's request, octet for octet (IMPP §19; D92).
  if (envelope instanceof ImppEnvelope) {
    const { headers } = envelope.parts
    const key = {
      id: envelope.parts.id,
      from: headers.get('from'),
      connectionId: headers.get('connection-id'),
    }
    return { key, octets: [envelope.raw] }
  }
  const { head } = envelope
  if (head.kind === 'report') return reportSend(envelope.view() as Report, head, target, target.domain, id)
  const from = urlOf(head.from)
  // An agent of another protocol may have any name; a Connection-ID is one line of text.
  const agent = fieldText(head.fromAgent) ?? domainConnectionId
  const to = copy === 'sent' ? head.to : target
  const said = saidBy(envelope)
  if (said === undefined) return 'content-not-understood'
  const fields: Fields = [['From', from], ['Connection-ID', agent], ['Target', urlOf(to)], ...said.fields]
  const fit = fitness(fields, said.body)
  if (fit !== 'fits') return fit
  const octets = requestBytes('SEND', id, fields, said.body)
  return { key: { id, from, connectionId: agent }, octets: [octets] }
}

/** LIMIT: octets of a line that a client is sure to read, and of all of them. */
const lineOctetsMax = 8000
const blockOctetsMax = 16_384

/** Whether header fields that another protocol's user filled can be written. */
function fitness(fields: Fields, body: Body | undefined): 'fits' | Condition {
  let block = 0
  for (const [name, value] of fields) {
    if (value === undefined) continue
    if (!isHeaderName(name) || !isHeaderValue(value)) return 'content-not-understood'
    const octets = value.length > lineOctetsMax / 4 ? utf8(value).length : value.length
    if (octets > lineOctetsMax) return 'message-too-large'
    block += octets
  }
  if (block > blockOctetsMax) return 'message-too-large'
  return body === undefined || isHeaderValue(body.type) ? 'fits' : 'content-not-understood'
}

/** docs/specs/impp-1.0.md §8.2. */
function envelopeFields({ copy, storedAt }: DeliveryContext): [string, string][] {
  const fields: [string, string][] = []
  if (copy === 'sent') fields.push(['Copy', 'sent'])
  if (storedAt !== undefined) fields.push(['Stored', new Date(storedAt).toISOString()])
  return fields
}

/** Where the far end carries MIME its content passes octet for octet; what else it says becomes header fields. */
function saidBy(envelope: Envelope): { fields: Fields; body: Body | undefined } | undefined {
  const message = envelope.view() as InstantMessage
  const id = message.id === '' ? envelope.head.id : message.id
  const fields = messageFields({ ...message, id })
  // A chat state alone is a header here, whatever form it had (isComposing in SIP).
  if (message.chatState !== undefined && message.body.every(({ text }) => text === ''))
    return { fields, body: undefined }
  const content: Content | undefined = envelope.content()
  if (content !== undefined) {
    return { fields: [...fields, ...fieldsOf(content)], body: { type: content.type, bytes: content.bytes } }
  }
  const body = messageBody(message)
  const isEmpty = body === undefined && message.subject.length === 0
  if (isEmpty && message.receiptFor === undefined) return undefined
  return { fields: [...fields, ...(body?.fields ?? [])], body }
}

/** What became known of a message later (docs/specs/impp-1.0.md §7.5), from a domain of ours. */
export function reportSend(
  report: Report,
  head: Head,
  target: Address,
  domain: string,
  id: string,
): OutgoingRequest {
  const from = `impp://${domain}/`
  const octets = requestBytes('SEND', id, [
    ['From', from],
    ['Connection-ID', domainConnectionId],
    ['Target', urlOf(target)],
    ['Origin', urlOf(head.from)],
    ['Report', report.event],
    ['About', fieldText(report.about)],
    ['Reason', report.condition === undefined ? undefined : reasonOf[report.condition]],
  ])
  return { key: { id, from, connectionId: domainConnectionId }, octets: [octets] }
}

/** What a client's response to a SEND says of the delivery. */
export function answerOf(settled: Settled): DeliveryAnswer {
  if (settled === 'timeout') return { kind: 'declined', condition: 'remote-timeout' }
  if (settled === 'closed') return { kind: 'declined', condition: 'connection-failed' }
  if (settled.ok) return accepted
  const condition = conditionOf(settled.headers.get('reason'))
  // The person says no; anything else is this device's inability, and another or the store may take it.
  if (condition === 'permission-denied') return { kind: 'refused', outcome: { kind: 'refused', condition } }
  return { kind: 'declined', condition }
}

/** CHANGE-NOTIFY (IMPP §18.6): the whole presence, made once for all watchers of a class and form. */
export function changeNotify(watcher: Address, origin: Address, body: Body, id: string): OutgoingRequest {
  return fromOrigin('CHANGE-NOTIFY', watcher, origin, id, body)
}

/** TERMINATE-SUBSCRIPTION (IMPP §18.7). */
export function terminateSubscription(watcher: Address, origin: Address, id: string): OutgoingRequest {
  return fromOrigin('TERMINATE-SUBSCRIPTION', watcher, origin, id, undefined)
}

function fromOrigin(
  method: string,
  watcher: Address,
  origin: Address,
  id: string,
  body: Body | undefined,
): OutgoingRequest {
  const from = urlOf(origin)
  const fields: Fields = [
    ['From', from],
    ['Connection-ID', domainConnectionId],
    ['Target', urlOf(watcher)],
    ['Origin', from],
  ]
  return {
    key: { id, from, connectionId: domainConnectionId },
    octets: [requestBytes(method, id, fields, body)],
  }
}

const renderings: Readonly<Record<PresenceType, symbol>> = {
  pidf: Symbol('impp pidf'),
  'older-pidf': Symbol('impp older pidf'),
  'tag-only': Symbol('impp tag-only'),
}

export function notificationBody(notification: PresenceNotification, type: PresenceType): Body {
  return notification.once(renderings[type], () => presenceBody(notification.document(), type))
}

/** What a watcher sees of somebody who has not agreed yet: nothing. */
export function absentBody(presentity: Address, type: PresenceType): Body {
  return presenceBody(absentDocument(presUri(presentity)), type)
}

/** Presence beside the OK of a SEND (IMPP §18.4): what the recipient's side gave; closed where nothing better is known. */
export function presenceOfOutcome(outcome: Outcome, to: Address, type: PresenceType): Body | undefined {
  if (outcome.kind !== 'delivered' && outcome.kind !== 'stored') return undefined
  if (outcome.presence !== undefined) return presenceBody(outcome.presence, type)
  return outcome.kind === 'stored' ? presenceBody(closedInbox(to), type) : undefined
}

function closedInbox(to: Address): PresenceDocument {
  const tuple = { id: 'inbox', basic: 'closed', notes: [], statusExtensions: [], extensions: [] } as const
  return { entity: presUri(to), tuples: [tuple], notes: [], extensions: [] }
}

/** Octets of a request in parts. */
export function sizeOf(octets: readonly Bytes[]): number {
  let size = 0
  for (const part of octets) size += part.length
  return size
}
