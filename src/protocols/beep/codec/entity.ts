// A payload is a MIME entity (RFC 3080 §2.2): entity headers, a blank line, content.

import { type Bytes, concat, utf8 } from '#base'
import {
  type HeaderFault,
  HeaderLines,
  type HeaderRules,
  headerBlock,
  mimeHeaderRules,
  scanHeaderLines,
} from '#wire/header-lines'
import { decodeTransferEncoding } from '#wire/mime'

/** RFC 3080 §2.2: what holds where an entity does not say. */
export const contentTypeDefault = 'application/octet-stream'
export const transferEncodingDefault = 'binary'

/** The type of channel management and of most profiles (§6.4). */
export const beepXmlType = 'application/beep+xml'

/** As MIME has them, with CR LF alone: an entity is no mail on a disk. */
const rules: HeaderRules = { ...mimeHeaderRules, bareLineFeed: false }

/** What came. Headers and body are loans like the payload. */
export class Entity {
  readonly headers: HeaderLines
  /** As it came, transfer encoding and all. */
  readonly body: Bytes

  constructor(headers: HeaderLines, body: Bytes) {
    this.headers = headers
    this.body = body
  }

  /** The value of Content-Type, with the default of BEEP. */
  get contentType(): string {
    return this.headers.get('content-type') ?? contentTypeDefault
  }

  get transferEncoding(): string {
    return this.headers.get('content-transfer-encoding') ?? transferEncodingDefault
  }

  /** The octets that were meant; undefined when the transfer encoding is unknown, or they are not in it. */
  content(): Bytes | undefined {
    return decodeTransferEncoding(this.body, this.transferEncoding)
  }
}

/** Splits a payload at its blank line, which must be there: without headers it is the first line. */
export function readEntity(payload: Bytes): Entity | HeaderFault {
  const headers = scanHeaderLines(payload, 0, payload.length, rules)
  if (!(headers instanceof HeaderLines)) return headers
  return new Entity(headers, payload.subarray(headers.end))
}

/** What is sent: the octets are read within the call that gets it, and may be a loan. */
export interface OutgoingEntity {
  /** `application/octet-stream` where it is left out. */
  readonly contentType?: string
  /** Other entity headers, in order. */
  readonly fields?: readonly (readonly [name: string, value: string])[]
  readonly body: Bytes
  /** The entity headers and their blank line as they came; then type and fields above are not written. */
  readonly head?: Bytes
}

const bare: Bytes = utf8('\r\n')
const beepXml: Bytes = utf8(`Content-Type: ${beepXmlType}\r\n\r\n`)

/** The entity headers and the blank line. Throws RangeError when a value would break its line. */
export function entityHead({ contentType, fields = [], head }: OutgoingEntity): Bytes {
  if (head !== undefined) return head
  if (fields.length === 0) {
    if (contentType === undefined) return bare
    if (contentType === beepXmlType) return beepXml
  }
  return utf8(headerBlock([['Content-Type', contentType], ...fields]))
}

/** A whole payload. */
export function entityBytes(entity: OutgoingEntity): Bytes {
  return concat([entityHead(entity), entity.body])
}
