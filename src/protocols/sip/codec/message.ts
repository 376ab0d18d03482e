// A SIP message as it came: its octets, and where each header field stands (RFC 3261 §7, §25). Nothing is
// decoded here; a field is parsed when somebody asks. Complete.
//
// `head` holds the start line and the header fields one octet a character, so that an offset in it is an
// offset in `raw`. The index has four numbers a field: its id, where its line begins, where its value
// begins and where its value ends (white space at both ends left out).

import { type Bytes, ownBytes } from '#base'
import { skipToken } from './grammar.ts'
import { type HeaderId, header, headerIdOf, headerName } from './header-names.ts'

/** LIMIT: octets of one message; a datagram cannot carry more, a stream must not. Over it: 513. */
export const messageBytesMax = 65_535
/** LIMIT: header fields of one message. Over it: 513. */
export const headerCountMax = 256
/** LIMIT: octets of one header field, folds included. Over it: 513. */
export const headerBytesMax = 16_384

interface Parsed {
  /** The start line to the last octet of the body. */
  readonly raw: Bytes
  /** True where the octets are ours to keep; else they are a loan until the end of the tick. */
  readonly owned: boolean
  readonly head: string
  readonly index: readonly number[]
  /** Where the body begins in `raw`; it ends where `raw` ends. */
  readonly bodyStart: number
  /** What is wrong with the start line or with Content-Length, although the fields could be found. */
  readonly fault: MessageFault | undefined
}

export interface SipRequest extends Parsed {
  readonly kind: 'request'
  readonly method: string
  readonly uriStart: number
  readonly uriEnd: number
}

export interface SipResponse extends Parsed {
  readonly kind: 'response'
  readonly status: number
  readonly reasonStart: number
  readonly reasonEnd: number
}

export type SipMessage = SipRequest | SipResponse

/** The request with octets that are ours: it leaves the tick. */
export function ownRequest(request: SipRequest): SipRequest {
  return request.owned ? request : { ...request, raw: ownBytes(request.raw), owned: true }
}

/** Why a message cannot be taken: the status code that says so, words for the log, and where in the message. */
export interface MessageFault {
  readonly kind: 'fault'
  readonly status: number
  readonly reason: string
  readonly offset: number
}

export const fault = (status: number, reason: string, offset: number): MessageFault => ({
  kind: 'fault',
  status,
  reason,
  offset,
})

export const stride = 4
const emptyLine = Buffer.from('\r\n\r\n')
const scratch: number[] = new Array(headerCountMax * stride).fill(0)

/**
 * The message in `raw`, a datagram or a framed piece of a stream. Octets after Content-Length are cut off
 * (RFC 3261 §18.3). A MessageFault when not even the header fields can be told apart: there is then nothing
 * to answer from. `owned` says that the octets have a buffer to themselves.
 */
export function parseMessage(octets: Bytes, owned = false): SipMessage | MessageFault {
  if (octets.length > messageBytesMax) return fault(513, 'message too large', messageBytesMax)
  const buffer = Buffer.isBuffer(octets)
    ? octets
    : Buffer.from(octets.buffer, octets.byteOffset, octets.length)
  const headEnd = buffer.indexOf(emptyLine)
  if (headEnd < 0) return withoutEmptyLine(buffer, owned)
  const bodyStart = headEnd + 4
  const head = buffer.toString('latin1', 0, headEnd + 2)
  const lineEnd = head.indexOf('\r')
  const length = indexHeaders(head, lineEnd)
  if (typeof length !== 'number') return length
  const index = scratch.slice(0, length)
  const body = bodyLength(head, index, octets.length - bodyStart)
  const whole = typeof body === 'number' ? bodyStart + body : octets.length
  const raw = whole === octets.length ? octets : octets.subarray(0, whole)
  const bodyFault = typeof body === 'number' ? undefined : body
  return startsResponse(head)
    ? responseOf(head, lineEnd, raw, index, bodyStart, owned, bodyFault)
    : requestOf(head, lineEnd, raw, index, bodyStart, owned, bodyFault)
}

/** RFC 3261 §7: "the empty line MUST be present". Without it, whole lines are still enough to answer from. */
function withoutEmptyLine(buffer: Buffer, owned: boolean): SipMessage | MessageFault {
  const wrong = fault(400, 'no empty line after the header fields', buffer.length)
  if (buffer.length < 2 || buffer[buffer.length - 2] !== 13 || buffer[buffer.length - 1] !== 10) return wrong
  const head = buffer.toString('latin1')
  const lineEnd = head.indexOf('\r')
  const length = indexHeaders(head, lineEnd)
  if (typeof length !== 'number') return length
  const build = startsResponse(head) ? responseOf : requestOf
  return build(head, lineEnd, buffer, scratch.slice(0, length), buffer.length, owned, wrong)
}

/** Fills `scratch`; the hot loop, one look at each octet. The number of entries, or what is wrong. */
function indexHeaders(head: string, lineEnd: number): number | MessageFault {
  const end = head.length
  if (head.charCodeAt(lineEnd + 1) !== 10) return fault(400, 'a CR without LF in the start line', lineEnd)
  let at = lineEnd + 2
  let entries = 0
  while (at < end) {
    const lineStart = at
    if (entries >= headerCountMax * stride) return fault(513, 'too many header fields', at)
    let code = head.charCodeAt(at)
    while (code > 0x20 && code !== 0x3a) code = head.charCodeAt(++at)
    const id = headerIdOf(head, lineStart, at)
    if (id === 0 && (at === lineStart || skipToken(head, lineStart, at) !== at))
      return fault(400, 'no header name', lineStart)
    // HCOLON = *( SP / HTAB ) ":" SWS
    while (code === 0x20 || code === 9) code = head.charCodeAt(++at)
    if (code !== 0x3a) return fault(400, 'no colon after a header name', at)
    const colon = at
    // The line ends at a CRLF that is not followed by white space (RFC 3261 §7.3.1). Other controls may stand in
    // a quoted-pair (RFC 4475 §3.1.1.2); whoever reads the field judges them.
    for (;;) {
      const lf = head.indexOf('\n', at)
      at = head.indexOf('\r', at)
      if (lf !== at + 1) return fault(400, 'a CR or LF by itself', Math.min(at, lf))
      const next = at + 2 < end ? head.charCodeAt(at + 2) : 0
      if (next !== 0x20 && next !== 9) break
      at += 2
    }
    if (at - lineStart > headerBytesMax) return fault(513, 'header field too large', lineStart)
    let valueStart = colon + 1
    while (valueStart < at && head.charCodeAt(valueStart) <= 0x20) valueStart++
    let valueEnd = at
    while (valueEnd > valueStart && head.charCodeAt(valueEnd - 1) <= 0x20) valueEnd--
    scratch[entries] = id
    scratch[entries + 1] = lineStart
    scratch[entries + 2] = valueStart
    scratch[entries + 3] = valueEnd
    entries += stride
    at += 2
  }
  return entries
}

/** RFC 3261 §18.3: octets of the body; without Content-Length it reaches to the end of the datagram. */
function bodyLength(head: string, index: readonly number[], available: number): number | MessageFault {
  let said = -1
  for (let i = 0; i < index.length; i += stride) {
    if (index[i] !== header.contentLength) continue
    const start = index[i + 2]!
    const length = contentLengthOf(head, start, index[i + 3]!)
    if (length < 0) return fault(400, 'Content-Length is no number', start)
    // RFC 4475 §3.3.9: two of them, and no way to know which one is meant.
    if (said >= 0) return fault(400, 'Content-Length stands twice', start)
    if (length > available) return fault(400, 'Content-Length beyond the end of the message', start)
    said = length
  }
  return said < 0 ? available : said
}

/** The number in [at, end), or -1. What is too large to be held is larger than any message. */
export function contentLengthOf(head: string, at: number, end: number): number {
  if (at >= end) return -1
  let length = 0
  for (let i = at; i < end; i++) {
    const digit = head.charCodeAt(i) - 0x30
    if (digit < 0 || digit > 9) return -1
    length = Math.min(length * 10 + digit, 0x7fffffff)
  }
  return length
}

/** "SIP/" in any case (RFC 3261 §7.1: compared without case) where a Status-Line has its version. */
function startsResponse(head: string): boolean {
  return (
    (head.charCodeAt(0) | 0x20) === 0x73 &&
    (head.charCodeAt(1) | 0x20) === 0x69 &&
    (head.charCodeAt(2) | 0x20) === 0x70 &&
    head.charCodeAt(3) === 0x2f
  )
}

/** True when "SIP/2.0" in any case stands in [at, end) and nothing else. */
function isVersion(head: string, at: number, end: number): boolean {
  return end - at === 7 && head.slice(at, end).toUpperCase() === 'SIP/2.0'
}

/** Request-Line = Method SP Request-URI SP SIP-Version CRLF, RFC 3261 §7.1: "no LWS allowed" besides. */
function requestOf(
  head: string,
  lineEnd: number,
  raw: Bytes,
  index: readonly number[],
  bodyStart: number,
  owned: boolean,
  bodyFault: MessageFault | undefined,
): SipRequest | MessageFault {
  const methodEnd = skipToken(head, 0, lineEnd)
  if (methodEnd === 0) return fault(400, 'no method', 0)
  const uriStart = methodEnd + 1
  const uriEnd = Math.max(uriStart, head.lastIndexOf(' ', lineEnd))
  let wrong: MessageFault | undefined
  if (head.charCodeAt(methodEnd) !== 0x20) wrong = fault(400, 'no space after the method', methodEnd)
  else if (!isVersion(head, uriEnd + 1, lineEnd)) wrong = versionFault(head, uriEnd + 1, lineEnd)
  else
    for (let i = uriStart; i < uriEnd; i++) {
      const code = head.charCodeAt(i)
      if (code > 0x20 && code < 0x7f) continue
      wrong = fault(400, 'white space or a control character in the Request-URI', i)
      break
    }
  return {
    kind: 'request',
    raw,
    owned,
    head,
    index,
    bodyStart,
    fault: wrong ?? bodyFault,
    method: head.slice(0, methodEnd),
    uriStart,
    uriEnd,
  }
}

/** 505 to another version of SIP, 400 to what is none (RFC 3261 §21.5.6, RFC 4475 §3.1.2.16). */
function versionFault(head: string, at: number, end: number): MessageFault {
  const word = head.slice(at, Math.min(end, at + 16))
  return /^SIP\/\d+\.\d+$/i.test(word)
    ? fault(505, 'another version of SIP', at)
    : fault(400, 'no SIP version', at)
}

/** Status-Line = SIP-Version SP Status-Code SP Reason-Phrase CRLF, RFC 3261 §7.2. */
function responseOf(
  head: string,
  lineEnd: number,
  raw: Bytes,
  index: readonly number[],
  bodyStart: number,
  owned: boolean,
  bodyFault: MessageFault | undefined,
): SipResponse {
  let status = 0
  for (let i = 8; i < 11; i++) {
    const digit = head.charCodeAt(i) - 0x30
    status = digit < 0 || digit > 9 ? Number.NaN : status * 10 + digit
  }
  let wrong: MessageFault | undefined
  if (!isVersion(head, 0, 7) || head.charCodeAt(7) !== 0x20) wrong = fault(400, 'no SIP/2.0', 0)
  // RFC 4475 §3.1.2.19: a status code has three digits.
  else if (!(status >= 100 && status <= 699) || head.charCodeAt(11) !== 0x20)
    wrong = fault(400, 'no status code', 8)
  return {
    kind: 'response',
    raw,
    owned,
    head,
    index,
    bodyStart,
    fault: wrong ?? bodyFault,
    status: wrong === undefined ? status : 0,
    reasonStart: 12,
    reasonEnd: Math.max(12, lineEnd),
  }
}

/** The place in `index` of the first field `id` at or after `from`, or -1. */
export function findHeader(message: Parsed, id: HeaderId, from = 0): number {
  const { index } = message
  for (let i = from; i < index.length; i += stride) if (index[i] === id) return i
  return -1
}

/** The value of the first field `id`, folds still in it; undefined when there is none. */
export function headerValue(message: Parsed, id: HeaderId): string | undefined {
  const i = findHeader(message, id)
  return i < 0 ? undefined : message.head.slice(message.index[i + 2], message.index[i + 3])
}

/** How often the field stands in the message. */
export function headerCount(message: Parsed, id: HeaderId): number {
  let count = 0
  for (let i = findHeader(message, id); i >= 0; i = findHeader(message, id, i + stride)) count++
  return count
}

/** The values of every field of that name, which may be one that the table does not hold. */
export function headerValuesNamed(message: Parsed, name: string): string[] {
  const id = headerIdOf(name, 0, name.length)
  const values: string[] = []
  for (let i = 0; i < message.index.length; i += stride) {
    if (message.index[i] !== id) continue
    const start = message.index[i + 1]!
    const nameEnd = skipToken(message.head, start, message.head.length)
    if (id !== 0 || message.head.slice(start, nameEnd).toLowerCase() === name.toLowerCase())
      values.push(message.head.slice(message.index[i + 2], message.index[i + 3]))
  }
  return values
}

/** Where the line of the field at `i` of the index ends, CRLF included. */
export function lineEndOf(message: Parsed, i: number): number {
  return i + stride < message.index.length ? message.index[i + stride + 1]! : message.head.length
}

/** The name of the field at `i` of the index, in its long form; as it came when the table does not hold it. */
export function headerNameAt(message: Parsed, i: number): string {
  const id = message.index[i]!
  if (id !== 0) return headerName(id)
  const start = message.index[i + 1]!
  return message.head.slice(start, skipToken(message.head, start, message.head.length))
}

export const requestUri = (request: SipRequest): string =>
  request.head.slice(request.uriStart, request.uriEnd)
export const reasonPhrase = (response: SipResponse): string =>
  response.head.slice(response.reasonStart, response.reasonEnd)
export const bodyOf = (message: Parsed): Bytes => message.raw.subarray(message.bodyStart)
