// SEND as an e-mail-like message: header fields and MIME body <-> what an instant message says (IMPP §9;
// docs/specs/impp-1.0.md §7.5).

import type { Bytes } from '#base'
import type { Address, ChatState, Content, InstantMessage, LanguageText, MessageKind } from '#model'
import { bodyOfTexts, escaped, textsOf, unescaped } from '#wire/cpim'
import type { HeaderLines } from '#wire/header-lines'
import { describingFields, isContentField } from '#wire/mime'
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
  const { texts, isText } = textsOf({ headers, body })
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
  return bodyOfTexts(body)
}

/** Only what describes the content: any other name would be a word of ours, said by the sender. */
export function fieldsOf(content: Content): Field[] {
  return describingFields(content.fields).map(({ name, value }): Field => [name, value])
}
