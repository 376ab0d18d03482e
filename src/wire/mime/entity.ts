// A MIME entity: header fields, blank line, body (RFC 2045 §2.4). The body is never touched.

import { type Bytes, concat, utf8 } from '#base'
import {
  type HeaderFault,
  HeaderLines,
  headerBlock,
  mimeHeaderRules,
  scanHeaderLines,
} from '#wire/header-lines'
import { decodeCharset } from './charset.ts'
import { charsetOf, type MediaType, mediaType, parseMediaType } from './media-type.ts'
import { decodeTransferEncoding } from './transfer-encoding.ts'

export interface MimeEntity {
  readonly headers: HeaderLines
  /** Body as it came, transfer encoding and all. */
  readonly body: Bytes
}

/** Splits an entity at its blank line. A body may be empty, and then the blank line absent (RFC 2046 §5.1). */
export function parseEntity(bytes: Bytes): MimeEntity | HeaderFault {
  const headers = scanHeaderLines(bytes, 0, bytes.length, mimeHeaderRules)
  if (headers instanceof HeaderLines) return { headers, body: bytes.subarray(headers.end) }
  return headers
}

const plainText = mediaType('text/plain', { charset: 'us-ascii' })

/** The Content-Type of an entity; `text/plain` where it has none (RFC 2045 §5.2), undefined where it is malformed. */
export function contentTypeOf(headers: HeaderLines): MediaType | undefined {
  const value = headers.get('content-type')
  return value === undefined ? plainText : parseMediaType(value)
}

/** The body's octets as meant: transfer encoding undone; undefined when it cannot be. */
export function contentOf(entity: MimeEntity): Bytes | undefined {
  return decodeTransferEncoding(entity.body, entity.headers.get('content-transfer-encoding') ?? '')
}

/** The text of a `text/*` entity; undefined when it is not text, or not in the charset it claims. */
export function textOf(entity: MimeEntity): string | undefined {
  const type = contentTypeOf(entity.headers)
  const content = contentOf(entity)
  if (type?.type !== 'text' || content === undefined) return undefined
  return decodeCharset(content, charsetOf(type))
}

/** Header fields, blank line and the body's octets as given. */
export function writeEntity(
  fields: Iterable<readonly [name: string, value: string | undefined]>,
  body: Bytes,
): Bytes {
  return concat([utf8(headerBlock(fields)), body])
}
