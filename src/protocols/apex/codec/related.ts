// A message as a payload, and back (RFC 3340 §4.1): the content beside the document, by a cid URL. What data has no word for (a subject)
// travels in Message/CPIM around the content.

import { randomId, utf8 } from '#base'
import type { Content, InstantMessage, LanguageText } from '#model'
import { beepXmlType, type OutgoingEntity } from '#protocols/beep'
import { bodyOfTexts, subjectOf, type TextBody, textsOf, withSubject } from '#wire/cpim'
import {
  decodeTransferEncoding,
  describingFields,
  freshBoundary,
  isContentField,
  type MimeEntity,
  writeEntity,
  writeMultipart,
} from '#wire/mime'
import type { EndpointName } from './entity-name.ts'
import { dataDocument } from './write.ts'

export interface Related {
  readonly originator: EndpointName
  readonly recipient: EndpointName
  /** The message's own, for the Content-ID. */
  readonly id: string
  /** As they are written. */
  readonly options?: string
}

export function relatedEntity(
  { type, bytes, fields = [] }: TextBody,
  { originator, recipient, id, options }: Related,
): OutgoingEntity {
  const contentId = contentIdFor(id, originator.domain)
  const startId = `${randomId(12)}@${originator.domain}`
  const content = `cid:${encodeURIComponent(contentId).replaceAll('%40', '@')}`
  const control = utf8(dataDocument({ content, originator, recipient, ...(options && { options }) }))
  const boundary = freshBoundary()
  const parts = [
    writeEntity(
      [
        ['Content-Type', beepXmlType],
        ['Content-ID', `<${startId}>`],
      ],
      control,
    ),
    writeEntity([['Content-Type', type], ...fields, ['Content-ID', `<${contentId}>`]], bytes),
  ]
  return {
    contentType: `multipart/related; boundary="${boundary}"; start="<${startId}>"; type="${beepXmlType}"`,
    body: writeMultipart(parts, boundary),
  }
}

/** An identifier of another protocol as a Content-ID (RFC 2392 §2): an addr-spec, with the sender's domain where it has none. */
function contentIdFor(id: string, domain: string): string {
  const local = id === '' ? randomId() : id
  const safe = (text: string): string => text.replace(/[^A-Za-z0-9!#$&'*+\-/=?^_`{|}~.]/g, '_').slice(0, 200)
  const at = local.lastIndexOf('@')
  return at > 0 && at < local.length - 1
    ? `${safe(local.slice(0, at))}@${safe(local.slice(at + 1))}`
    : `${safe(local)}@${domain}`
}

/** The body of a message of another protocol, its content octet for octet; undefined for one that says nothing here. */
export function bodyOf(message: InstantMessage, content: Content | undefined): TextBody | undefined {
  const body = content === undefined ? bodyOfTexts(message.body) : plainContent(content)
  if (message.subject.length === 0) return body
  return body === undefined && content !== undefined ? undefined : withSubject(message, body)
}

/** §4.1: what is encoded goes as it is meant. Undefined where it can't be undone. */
function plainContent(content: Content): TextBody | undefined {
  const encoding = content.fields.find(({ name }) => /^content-transfer-encoding$/i.test(name))
  const bytes = decodeTransferEncoding(content.bytes, encoding?.value ?? '')
  const fields = describingFields(content.fields)
    .filter(({ name }) => !/^content-(transfer-encoding|id)$/i.test(name))
    .map(({ name, value }) => [name, value] as const)
  return bytes && { type: content.type, bytes, fields }
}

/** A part with its fields, octet for octet. */
export function contentOfPart({ headers, body }: MimeEntity): Content {
  const type = headers.get('content-type') ?? 'text/plain; charset=us-ascii'
  const fields: { name: string; value: string }[] = []
  for (const [name, value] of headers)
    if (isContentField(name) && !/^content-id$/i.test(name)) fields.push({ name, value })
  return { type, bytes: body, fields }
}

export interface Words {
  readonly body: readonly LanguageText[]
  readonly subject: readonly LanguageText[]
  /** Whether these are all that the part says. */
  readonly isText: boolean
}

/** What a part says as text; `content`: the same part as content. */
export function wordsOf(part: MimeEntity | undefined, content: Content | undefined): Words {
  if (part === undefined) return { body: [], subject: [], isText: false }
  const { texts, isText } = textsOf(part)
  return { body: texts, subject: subjectOf(content), isText }
}
