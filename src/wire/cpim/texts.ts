// What an entity says as text, and texts as the body of one: plain text, alternatives by language (RFC 2046 §5.1.4), and the text
// that Message/CPIM holds.

import { type Bytes, strictText, utf8 } from '#base'
import type { LanguageText } from '#model'
import {
  contentOf,
  contentTypeOf,
  freshBoundary,
  type MimeEntity,
  parseEntity,
  parseMediaType,
  splitMultipart,
  textOf,
  writeEntity,
  writeMultipart,
} from '#wire/mime'
import { parseCpim } from './parse.ts'

/** `isText` when the texts are all that the body says. */
export function textsOf({ headers, body }: MimeEntity): { texts: LanguageText[]; isText: boolean } {
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
  const content = isLabelled ? undefined : contentOf(entity)
  return content === undefined ? undefined : strictText(content)
}

/** A body with its media type, and what else describes it. */
export interface TextBody {
  readonly type: string
  readonly bytes: Bytes
  readonly fields?: readonly (readonly [name: string, value: string])[]
}

/** Texts as one body, alternatives where there are several languages; undefined where nothing is said. */
export function bodyOfTexts(texts: readonly LanguageText[]): TextBody | undefined {
  const [first] = texts
  if (first === undefined || (texts.length === 1 && first.text === '')) return undefined
  if (texts.length === 1) {
    const fields = first.language === '' ? [] : [['Content-Language', first.language] as const]
    return { type: 'text/plain; charset=utf-8', bytes: textBytes(first.text), fields }
  }
  const boundary = freshBoundary()
  const parts = texts.map(({ language, text }) =>
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

function textBytes(text: string): Bytes {
  return utf8(text.replace(/\r?\n/g, '\r\n'))
}
