// SEND as an e-mail-like message: header fields and MIME body <-> what an instant message says (IMPP §9;
// docs/specs/impp-1.0.md §7.5).

import { type Bytes, strictText, utf8 } from '#base'
import type { Address, ChatState, Content, InstantMessage, LanguageText, MessageKind } from '#model'
import { escaped, parseCpim, unescaped } from '#wire/cpim'
import type { HeaderLines } from '#wire/header-lines'
import {
  contentOf as contentOfEntity,
  contentTypeOf,
  describingFields,
  freshBoundary,
  isContentField,
  type MimeEntity,
  parseEntity,
  parseMediaType,
  splitMultipart,
  textOf,
  writeEntity,
  writeMultipart,
} from '#wire/mime'
import type { Body } from './write.ts'

const chatStates: ReadonlySet<string> = new Set(['active', 'composing', 'paused', 'inactive', 'gone'])
const kinds: ReadonlySet<string> = new Set(['chat', 'normal', 'headline', 'groupchat'])

/** The value of a header that may hold any text: escapes of RFC 3862 §2.3 undone; empty when it is not there. */
export function textField(headers: HeaderLines, name: string): string {
  const index = headers.find(name)
  return index === -1 ? '' : unescaped(headers.value(index))
}

/** Any text as a header value: escaped, spaces at its ends too, which the reader would trim. Undefined for none. */
export function fieldText(text: string): string | undefined {
  if (text === '') return undefined
  return escaped(text).replace(/^ /, '\\u0020').replace(/ $/, '\\u0020')
}

/** True when there is nothing but a chat state. */
export function isHint(headers: HeaderLines): boolean {
  return headers.find('chat-state') !== -1 && headers.find('content-length') === -1
}

/** The content octet for octet, with the Content- fields beside its type; undefined when there is no body. */
export function contentOf(headers: HeaderLines, body: Bytes): Content | undefined {
  const type = headers.get('content-type')
  if (type === undefined) return undefined
  const fields: { name: string; value: string }[] = []
  for (const [name, value] of headers) {
    if (isContentField(name)) fields.push({ name, value })
  }
  return { type, bytes: body, fields }
}

/** What the message says. Content that is not plain text is kept whole beside whatever text was found in it. */
export function messageOf(headers: HeaderLines, body: Bytes, from: Address, to: Address): InstantMessage {
  const kind = headers.get('message-kind') ?? ''
  const chatState = headers.get('chat-state') ?? ''
  const sentAt = Date.parse(headers.get('date') ?? '')
  const receiptFor = textField(headers, 'receipt-for')
  const content = contentOf(headers, body)
  const { texts, isText } = textsOf(headers, body)
  return {
    from,
    to,
    id: textField(headers, 'message-id'),
    thread: textField(headers, 'thread-id'),
    kind: kinds.has(kind) ? (kind as MessageKind) : 'chat',
    subject: subjectsOf(headers),
    body: texts,
    ...(!Number.isNaN(sentAt) && { sentAt }),
    ...(chatStates.has(chatState) && { chatState: chatState as ChatState }),
    ...(headers.get('receipt') === 'request' && { receiptRequested: true }),
    ...(receiptFor !== '' && { receiptFor }),
    ...(content !== undefined && !isText && { content }),
  }
}

/** RFC 3862 §4.5: `;lang=fr Objet`. */
function subjectsOf(headers: HeaderLines): LanguageText[] {
  const subjects: LanguageText[] = []
  for (let index = headers.find('subject'); index !== -1; index = headers.find('subject', index + 1)) {
    const value = headers.value(index)
    const match = /^;lang=([A-Za-z0-9-]+)(?: +(.*))?$/s.exec(value)
    if (match === null) subjects.push({ language: '', text: unescaped(value) })
    else subjects.push({ language: match[1] as string, text: unescaped(match[2] ?? '') })
  }
  return subjects
}

/** `isText` when the texts are all that the body says. */
function textsOf(headers: HeaderLines, body: Bytes): { texts: LanguageText[]; isText: boolean } {
  if (headers.find('content-type') === -1) return { texts: [], isText: true }
  const type = parseMediaType(headers.get('content-type') ?? '')
  if (type?.essence === 'text/plain') {
    const plain = plainText({ headers, body })
    return plain === undefined ? { texts: [], isText: false } : { texts: [plain], isText: true }
  }
  if (type?.essence === 'message/cpim') return { texts: wrappedTexts(body), isText: false }
  if (type?.essence !== 'multipart/alternative') return { texts: [], isText: false }
  const places = splitMultipart(body, type.parameters.get('boundary') ?? '')
  if (typeof places === 'string') return { texts: [], isText: false }
  const texts = places.map((place) => {
    const entity = parseEntity(body.subarray(place.start, place.end))
    const isPlain = !('fault' in entity) && contentTypeOf(entity.headers)?.essence === 'text/plain'
    return isPlain ? plainText(entity) : undefined
  })
  const found = texts.filter((text) => text !== undefined)
  return { texts: found, isText: found.length === texts.length }
}

/** The plain text that Message/CPIM holds (RFC 3862 §2), beside which the whole is kept. */
function wrappedTexts(body: Bytes): LanguageText[] {
  const message = parseCpim(body)
  if ('fault' in message || contentTypeOf(message.entity.headers)?.essence !== 'text/plain') return []
  const text = plainText(message.entity)
  return text === undefined ? [] : [text]
}

/** Line ends of MIME text are CR LF (RFC 2046 §4.1.1); those of the model are LF. */
function plainText(entity: MimeEntity): LanguageText | undefined {
  const text = textOf(entity) ?? unlabelledText(entity)
  if (text === undefined) return undefined
  return { language: entity.headers.get('content-language') ?? '', text: text.replace(/\r\n/g, '\n') }
}

/**
 * Text without a charset is US-ASCII to MIME and UTF-8 to SIP (RFC 3261 §7.4.1), whose content comes here byte for byte: we choose UTF-8,
 * of which US-ASCII is a part.
 */
function unlabelledText(entity: MimeEntity): string | undefined {
  const isLabelled = contentTypeOf(entity.headers)?.parameters.has('charset') ?? true
  const content = isLabelled ? undefined : contentOfEntity(entity)
  return content === undefined ? undefined : strictText(content)
}

type Field = readonly [name: string, value: string | undefined]

/** Header fields for what a message says beside its content. */
export function messageFields(message: InstantMessage): Field[] {
  return [
    ['Message-ID', fieldText(message.id)],
    ['Thread-ID', fieldText(message.thread)],
    ['Date', message.sentAt === undefined ? undefined : new Date(message.sentAt).toISOString()],
    ...message.subject.map(({ language, text }): Field => ['Subject', subjectText(language, text)]),
    ['Message-Kind', message.kind === 'chat' ? undefined : message.kind],
    ['Chat-State', message.chatState],
    ['Receipt', message.receiptRequested ? 'request' : undefined],
    ['Receipt-For', fieldText(message.receiptFor ?? '')],
  ]
}

function subjectText(language: string, text: string): string {
  const value = fieldText(text) ?? ''
  // A subject that itself begins like a language must not be read as one.
  if (language === '') return value.startsWith(';') ? `\\u003b${value.slice(1)}` : value
  const tag = `;lang=${language.replace(/[^A-Za-z0-9-]/g, '')}`
  return value === '' ? tag : `${tag} ${value}`
}

/** The body of a message: its content as it is, else its texts. Undefined for none. */
export function messageBody(
  message: InstantMessage,
): (Body & { readonly fields?: readonly Field[] }) | undefined {
  const { content, body } = message
  if (content !== undefined) return { type: content.type, bytes: content.bytes, fields: fieldsOf(content) }
  const [first] = body
  if (first === undefined || (body.length === 1 && first.text === '')) return undefined
  if (body.length === 1) {
    const language: Field[] = first.language === '' ? [] : [['Content-Language', first.language]]
    return { type: 'text/plain; charset=utf-8', bytes: textBytes(first.text), fields: language }
  }
  const boundary = freshBoundary()
  const parts = body.map(({ language, text }) =>
    writeEntity(
      [
        ['Content-Type', 'text/plain; charset=utf-8'],
        ['Content-Language', language === '' ? undefined : language],
      ],
      textBytes(text),
    ),
  )
  return { type: `multipart/alternative; boundary="${boundary}"`, bytes: writeMultipart(parts, boundary) }
}

/** Only what describes the content: any other name would be a word of ours, said by the sender. */
export function fieldsOf(content: Content): Field[] {
  return describingFields(content.fields).map(({ name, value }): Field => [name, value])
}

function textBytes(text: string): Bytes {
  return utf8(text.replace(/\r?\n/g, '\r\n'))
}
