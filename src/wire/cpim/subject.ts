// A subject where a protocol has no word for it: it travels in Message/CPIM around the body (RFC 3862 §4.6).

import { type Content, type InstantMessage, imUri, type LanguageText } from '#model'
import { parseMediaType, writeEntity } from '#wire/mime'
import { parseCpim } from './parse.ts'
import type { TextBody } from './texts.ts'
import { writeCpim } from './write.ts'

/** The body with the message's subject around it; as it is where there is none, or it is Message/CPIM already. */
export function withSubject(message: InstantMessage, body: TextBody = emptyText): TextBody {
  const { type, bytes, fields = [] } = body
  if (message.subject.length === 0 || parseMediaType(type)?.essence === 'message/cpim') return body
  const head = {
    from: { name: '', uri: imUri(message.from) },
    to: [{ name: '', uri: imUri(message.to) }],
    ...(message.sentAt !== undefined && { dateTime: new Date(message.sentAt).toISOString() }),
    subject: message.subject,
  }
  const encapsulated = writeEntity([['Content-Type', type], ...fields], bytes)
  return { type: 'message/cpim', bytes: writeCpim(head, encapsulated) }
}

const emptyText: TextBody = { type: 'text/plain; charset=utf-8', bytes: new Uint8Array(0) }

/** What Message/CPIM says that it is about. */
export function subjectOf(content: Content | undefined): readonly LanguageText[] {
  if (content === undefined || parseMediaType(content.type)?.essence !== 'message/cpim') return []
  const message = parseCpim(content.bytes)
  return 'fault' in message ? [] : message.subject
}
