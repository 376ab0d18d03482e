// Messages between SIP and the model: MESSAGE as an envelope, and an envelope as MESSAGE (RFC 3428, RFC 7572, RFC 3994).

import { type Bytes, ownBytes, randomId, utf8 } from '#base'
import {
  type Address,
  type Content,
  type Envelope,
  type Head,
  type InstantMessage,
  type MessageEnvelope,
  type RequestFacts,
  senderNameOf,
  sipUri,
} from '#model'
import { parseCpim } from '#wire/cpim'
import {
  contentOf,
  decodeCharset,
  describingFields,
  contentTypeOf as entityType,
  type MediaType,
  parseMediaType,
} from '#wire/mime'
import { isXmlFault, parseElement } from '#wire/xml'
import { askingContent, asksOf, failureContent, receiptContent, receiptsIn } from './binding-imdn.ts'
import { factsOf } from './binding-script.ts'
import type { RequestEssentials } from './codec/check.ts'
import { octetsOf, quoted, unfolded, utf8Of } from './codec/grammar.ts'
import { header } from './codec/header-names.ts'
import { callIdOf, contentTypeText, secondsOf } from './codec/headers.ts'
import { cpimMediaType, type ImdnHeaders } from './codec/imdn.ts'
import { bodyOf, headerValue, headerValuesNamed, type SipRequest } from './codec/message.ts'
import { displayName, nameAddrOf } from './codec/name-addr.ts'
import { withoutCredentials } from './codec/splice.ts'
import type { Incoming } from './incoming.ts'

/** The header field in which the id of a message from another protocol crosses SIP, where Call-ID carries the thread. */
const messageIdField = 'Message-ID'
/** With what the ids of our phones begin: a `gr` of this kind is a GRUU that we gave out. */
export const phoneIdPrefix = 'sip-'
const isComposingType = 'application/im-iscomposing+xml'

/** What a MESSAGE of a live transaction has beside its octets: who waits for the far end's own answer. */
export interface LiveMessage {
  readonly incoming: Incoming
  /** The first final response of a SIP device that took it, our Via already gone. */
  response: { readonly status: number; readonly octets: Buffer } | undefined
  /** What its sender wants to be told of (RFC 5438). */
  readonly asks: ImdnHeaders | undefined
}

/** A MESSAGE, live or out of the store. */
export class SipMessageEnvelope implements MessageEnvelope {
  readonly head: Head
  readonly request: SipRequest
  /** undefined for one out of the store, or from another machine. */
  readonly live: LiveMessage | undefined
  #raw: Bytes | undefined
  #content: Content | undefined
  #view: InstantMessage | undefined

  constructor(head: Head, request: SipRequest, live: LiveMessage | undefined) {
    this.head = head
    this.request = request
    this.live = live
  }

  /** As it came, without credentials: this is what a history keeps, and what is revived from an old one. */
  get raw(): Bytes {
    this.#raw ??= withoutCredentials(this.request)
    return this.#raw
  }

  content(): Content | undefined {
    const type = contentTypeText(this.request)
    if (type === undefined) return undefined
    this.#content ??= { type: utf8Of(type), bytes: bodyOf(this.request), fields: contentFields(this.request) }
    return this.#content
  }

  view(): InstantMessage {
    this.#view ??= instantMessage(this)
    return this.#view
  }

  keep(): SipMessageEnvelope {
    const { head, request, live } = this
    if (request.owned) return this
    this.#kept ??= new SipMessageEnvelope(head, { ...request, raw: ownBytes(request.raw), owned: true }, live)
    return this.#kept
  }

  #kept: SipMessageEnvelope | undefined

  /** The target is what changes; To says for whom it was (RFC 3261 §16.6). */
  readdressed(head: Head): SipMessageEnvelope {
    return new SipMessageEnvelope(head, this.request, this.live)
  }

  facts(): RequestFacts {
    return factsOf(this.request, this.head)
  }
}

const contentFieldNames = [
  'Content-Language',
  'Content-Disposition',
  'Content-Encoding',
  'MIME-Version',
] as const

function contentFields(request: SipRequest): Content['fields'] {
  return contentFieldNames.flatMap((name) =>
    headerValuesNamed(request, name).map((value) => ({ name, value: utf8Of(unfolded(value)) })),
  )
}

/** A MESSAGE as an envelope (RFC 3428 §7). `from` is who was authenticated, `to` the Request-URI's address. */
export function messageEnvelope(
  incoming: Incoming,
  from: Address,
  fromAgent: string,
  to: Address,
  toAgent: string,
): SipMessageEnvelope {
  const { request, parts } = incoming
  const isHint = contentTypeText(request)?.toLowerCase().startsWith(isComposingType) === true
  const hops = parts.maxForwards ?? 70
  const asks = asksOf(request)
  // RFC 3428 §4: "Expires [...] after which the message content is no longer valid"; 0 is for now only.
  const now = secondsOf(request, header.expires) === 0
  const head: Head = {
    protocol: 'sip',
    kind: 'message',
    from,
    fromAgent,
    to,
    toAgent,
    id: asks === undefined || asks.messageId === '' ? messageId(request, parts) : asks.messageId,
    hops,
    size: request.raw.length,
    whenAbsent: isHint ? 'drop' : now ? 'refuse' : 'store',
    // RFC 5627 §6.1: "If there are no registered contacts bound to the GRUU, the server MUST return a 480".
    whenAgentGone: toAgent.startsWith(phoneIdPrefix) ? 'refuse' : 'inbox',
    storable: !isHint,
    copyable: !isHint,
    ...(asks?.asked.has('negative-delivery') === true && asks.messageId !== '' ? { failureAsked: true } : {}),
  }
  return new SipMessageEnvelope(head, request, { incoming, response: undefined, asks })
}

/** The sender's own id: what another protocol's client gave it, else the Call-ID, with CSeq where a phone keeps one Call-ID. */
function messageId(request: SipRequest, { callId, cseq }: RequestEssentials): string {
  const given = headerValuesNamed(request, messageIdField)[0]
  if (given !== undefined) return utf8Of(unfolded(given))
  return cseq.number <= 1 ? callId : `${callId}.${cseq.number}`
}

/** RFC 7572 §5: Call-ID is the thread, Subject the subject, the body the body. */
function instantMessage(envelope: SipMessageEnvelope): InstantMessage {
  const { head, request } = envelope
  const subject = headerValue(request, header.subject)
  const language = headerValue(request, header.contentLanguage)?.trim() ?? ''
  const name = senderName(request)
  const common = {
    from: head.from,
    to: head.to,
    ...(name === undefined ? {} : { senderName: name }),
    id: head.id,
    thread: callIdOf(request) ?? '',
    kind: 'normal' as const,
    subject:
      subject === undefined || subject === '' ? [] : [{ language: '', text: utf8Of(unfolded(subject)) }],
    ...sentAt(headerValue(request, header.date)),
  }
  const type = parseMediaType(contentTypeText(request) ?? 'text/plain;charset=utf-8')
  const content = envelope.content()
  if (type === undefined) return { ...common, body: [], ...(content === undefined ? {} : { content }) }
  const bytes = bodyOf(request)
  if (type.essence === isComposingType) return { ...common, body: [], chatState: isComposing(bytes) }
  const text = textOf(type, bytes)
  if (text !== undefined) return { ...common, body: [{ language, text }] }
  const wrapped = type.essence === cpimMediaType ? cpimText(bytes) : undefined
  const receipts = type.essence === cpimMediaType ? receiptsIn(bytes) : {}
  // What another protocol says in its own words is not said twice.
  if (receipts.receiptFor !== undefined || receipts.displayedFor !== undefined)
    return { ...common, ...receipts, body: [] }
  return {
    ...common,
    ...receipts,
    body: wrapped === undefined ? [] : [{ language, text: wrapped }],
    ...(content === undefined ? {} : { content }),
  }
}

/** RFC 3261 §20.20: the display name of From. */
function senderName(request: SipRequest): string | undefined {
  const from = nameAddrOf(request, header.from)
  return from === undefined ? undefined : senderNameOf(displayName(from))
}

function sentAt(date: string | undefined): { sentAt?: number } {
  const at = date === undefined ? Number.NaN : Date.parse(date)
  return Number.isNaN(at) ? {} : { sentAt: at }
}

/**
 * The text of text/plain. RFC 3261 §7.4.1: without a charset it is UTF-8. Line ends of MIME text are CR LF (RFC 2046 §4.1.1); those
 * of the model are LF.
 */
function textOf(type: MediaType, bytes: Bytes): string | undefined {
  if (type.essence !== 'text/plain') return undefined
  return decodeCharset(bytes, type.parameters.get('charset') ?? 'utf-8')?.replace(/\r\n/g, '\n')
}

/** The text inside Message/CPIM (RFC 3862), where that is what it holds. */
function cpimText(bytes: Bytes): string | undefined {
  const message = parseCpim(bytes)
  if ('fault' in message) return undefined
  const type = entityType(message.entity.headers)
  const content = contentOf(message.entity)
  return type === undefined || content === undefined ? undefined : textOf(type, content)
}

/** RFC 3994 §6: `active` is somebody who writes, `idle` somebody who has stopped. */
function isComposing(bytes: Bytes): 'composing' | 'paused' {
  const root = parseElement(bytes)
  if (isXmlFault(root)) return 'paused'
  const state = root.children.find((child) => typeof child !== 'string' && child.name === 'state')
  return state !== undefined && typeof state !== 'string' && state.text().trim() === 'active'
    ? 'composing'
    : 'paused'
}

/** What a MESSAGE that we write ourselves says: for a message of another protocol, or one out of the store. */
export interface MessageParts {
  /** From without its tag, and To. */
  readonly from: string
  readonly to: string
  readonly callId: string
  readonly contentType: string
  readonly body: Bytes
  readonly headers: readonly (readonly [string, string])[]
}

/** What is known of a delivery to one phone. */
export interface Writing {
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly storedAt: number | undefined
  /** The phone reads Message/CPIM, and so what is asked and told by RFC 5438. */
  readonly readsCpim: boolean
}

/**
 * An envelope as a MESSAGE; undefined where it holds only a hint that the phone has no form for (an active chat, and without Message/CPIM
 * a receipt).
 */
export function messageParts(
  envelope: Envelope,
  { now, storedAt, readsCpim }: Writing,
): MessageParts | undefined {
  const { head } = envelope
  if (head.kind === 'report') return partsOf(envelope, failureContent(envelope, now), '', undefined, now)
  const content = envelope.content()
  const view = content === undefined ? (envelope.view() as InstantMessage) : undefined
  const plain = content === undefined ? payloadOf(view as InstantMessage) : content
  const payload =
    readsCpim && !(envelope instanceof SipMessageEnvelope) ? inCpim(envelope, plain, now) : plain
  if (payload === undefined) return undefined
  const thread =
    envelope instanceof SipMessageEnvelope ? (callIdOf(envelope.request) ?? '') : threadOf(envelope)
  const subject = view?.subject[0]?.text ?? subjectOf(envelope)
  return partsOf(envelope, payload, thread, subject, storedAt ?? view?.sentAt)
}

/** With what other protocols ask and tell beside the words (decision 0095). */
function inCpim(envelope: Envelope, plain: Content | undefined, now: number): Content | undefined {
  const view = envelope.view() as InstantMessage
  if (plain === undefined) return receiptContent(view, envelope.head.id || randomId(), view.sentAt ?? now)
  if (plain.type === isComposingType) return plain
  return askingContent(view, plain, view.sentAt ?? now) ?? plain
}

function partsOf(
  envelope: Envelope,
  payload: Content,
  thread: string,
  subject: string | undefined,
  at: number | undefined,
): MessageParts {
  const { head } = envelope
  const name = head.kind === 'message' ? (envelope.view() as InstantMessage).senderName : undefined
  // A name out of another protocol is not ours to trust: `Route` would be one too.
  const headers: (readonly [string, string])[] = describingFields(payload.fields).map(
    ({ name, value }) => [name, octetsOf(value)] as const,
  )
  if (subject !== undefined && subject !== '') headers.push(['Subject', octetsOf(subject)])
  if (head.id !== '') headers.push([messageIdField, octetsOf(head.id)])
  // RFC 3428 §4: Date says when it was sent, where that is not now.
  if (at !== undefined) headers.push(['Date', new Date(at).toUTCString()])
  return {
    from: `${name === undefined ? '' : `${quoted(octetsOf(name))} `}<${sipUri(head.from)}>`,
    to: `<${sipUri(head.to)}>`,
    // RFC 7572 §4: the thread is the Call-ID, where it can be one; else the id, which is as good for one message.
    callId: [thread, head.id].find(isCallId) ?? randomId(),
    contentType: octetsOf(payload.type),
    body: payload.bytes,
    headers,
  }
}

function threadOf(envelope: Envelope): string {
  return envelope.head.kind === 'message' ? (envelope.view() as InstantMessage).thread : ''
}

function subjectOf(envelope: Envelope): string | undefined {
  return (envelope.view() as InstantMessage).subject[0]?.text
}

/** True where a text can stand as a Call-ID. */
function isCallId(text: string): boolean {
  return /^[A-Za-z0-9\-.!%*_+`'~]{1,128}(@[A-Za-z0-9\-.!%*_+`'~]{1,128})?$/.test(text)
}

function payloadOf(view: InstantMessage): Content | undefined {
  if (view.content !== undefined) return view.content
  const body = view.body[0]
  if (body !== undefined) {
    const fields = body.language === '' ? [] : [{ name: 'Content-Language', value: body.language }]
    return { type: 'text/plain;charset=utf-8', bytes: utf8(body.text.replace(/\r?\n/g, '\r\n')), fields }
  }
  if (view.chatState !== 'composing' && view.chatState !== 'paused') return undefined
  const state = view.chatState === 'composing' ? 'active' : 'idle'
  const xml = `<?xml version="1.0" encoding="UTF-8"?><isComposing xmlns="urn:ietf:params:xml:ns:im-iscomposing"><state>${state}</state></isComposing>`
  return { type: isComposingType, bytes: utf8(xml), fields: [] }
}
