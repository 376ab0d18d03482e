// SEND as a message: header fields and MIME body <-> what an instant message says (docs/specs/prim.md §6.1). What the header has no
// word for (a subject) travels in Message/CPIM around the body.

import type { Bytes } from '#base'
import type { Address, Content, InstantMessage } from '#model'
import { bodyOfTexts, subjectOf, type TextBody, textsOf, withSubject } from '#wire/cpim'
import type { HeaderLines } from '#wire/header-lines'
import { decodeTransferEncoding, describingFields, isContentField } from '#wire/mime'
import { dateOf, field, textOfToken } from './header-fields.ts'

/** The content octet for octet, with the Content- fields beside its type; undefined when there is no body. */
export function contentOf(headers: HeaderLines, body: Bytes): Content | undefined {
  const type = field(headers, 'Content-Type')
  if (type === undefined) return undefined
  const fields: { name: string; value: string }[] = []
  for (const [name, value] of headers) if (isContentField(name)) fields.push({ name, value })
  return { type, bytes: body, fields }
}

/** What the message says. Content that is not plain text is kept whole beside whatever text was found in it. */
export function messageOf(headers: HeaderLines, body: Bytes, from: Address, to: Address): InstantMessage {
  const content = contentOf(headers, body)
  const { texts, isText } = textsOf({ headers, body })
  const sentAt = dateOf(field(headers, 'Date'))
  return {
    from,
    to,
    id: field(headers, 'Message-ID') ?? '',
    thread: textOfToken(field(headers, 'Conversation-ID') ?? ''),
    kind: 'chat',
    subject: subjectOf(content),
    body: texts,
    ...(sentAt !== undefined && { sentAt }),
    ...(content !== undefined && !isText && { content }),
  }
}

/** The body of a message of another protocol, its content octet for octet; undefined for one that says nothing here. */
export function bodyOf(message: InstantMessage, content: Content | undefined): TextBody | undefined {
  const body = content === undefined ? bodyOfTexts(message.body) : plainContent(content)
  if (message.subject.length === 0) return body
  if (body === undefined && content !== undefined) return undefined
  return withSubject(message, body)
}

/** Only what describes the content: any other name would be a word of ours, said by the sender. */
export function fieldsOf(content: Content): readonly (readonly [string, string])[] {
  return describingFields(content.fields)
    .filter(({ name }) => name.toLowerCase() !== 'content-transfer-encoding')
    .map(({ name, value }) => [name, value] as const)
}

/** PRIM has no transfer encodings (docs/specs/prim.md §3.3): what is encoded goes as it is meant. Undefined where it can't be undone. */
function plainContent(content: Content): TextBody | undefined {
  const encoding = content.fields.find(({ name }) => name.toLowerCase() === 'content-transfer-encoding')
  const bytes = decodeTransferEncoding(content.bytes, encoding?.value ?? '')
  return bytes && { type: content.type, bytes, fields: fieldsOf(content) }
}
