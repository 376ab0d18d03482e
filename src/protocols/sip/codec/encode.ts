// Requests and responses that this server writes itself, RFC 3261 §8.1.1 and §8.2.6. Text is one octet a
// character; what came as Unicode goes through `octetsOf` first.

import { type Bytes, noBytes } from '#base'
import { header } from './header-names.ts'
import { findHeader, type SipRequest, stride } from './message.ts'
import { type ViaStamp, viaSplices, withBody } from './splice.ts'
import { reasonOf } from './status.ts'
import type { Via } from './via.ts'

/** A header field: its name in full and its value, without CR and LF. */
export type HeaderLine = readonly [name: string, value: string | number]

export interface ResponseParts {
  readonly status: number
  readonly reason?: string
  /** The tag to put on To where the request has none; undefined for 100 (RFC 3261 §8.2.6.2). */
  readonly toTag?: string | undefined
  readonly headers?: readonly HeaderLine[]
  readonly contentType?: string
  readonly body?: Bytes
}

/**
 * A response to a request, RFC 3261 §8.2.6.2: Via, From, To, Call-ID and CSeq are copied; Record-Route as well
 * when `parts.headers` asks for nothing else and the response makes a dialog (§12.1.1), which its caller states.
 */
export function encodeResponse(
  request: SipRequest,
  via: Via | undefined,
  stamp: ViaStamp,
  parts: ResponseParts,
): Buffer {
  const { head, index } = request
  const { status } = parts
  let text = `SIP/2.0 ${status} ${parts.reason ?? reasonOf(status)}\r\n`
  let first = true
  for (let i = 0; i < index.length; i += stride) {
    if (index[i] !== header.via) continue
    text +=
      first && via !== undefined ? stampedVia(request, i, via, stamp) : `Via: ${slice(head, index, i)}\r\n`
    first = false
  }
  text += copied(request, header.from, 'From: ', '')
  const to = findHeader(request, header.to)
  const tag =
    parts.toTag === undefined || hasTag(head, index[to + 2] ?? 0, index[to + 3] ?? 0)
      ? ''
      : `;tag=${parts.toTag}`
  text += copied(request, header.to, 'To: ', tag)
  text += copied(request, header.callId, 'Call-ID: ', '')
  text += copied(request, header.cseq, 'CSeq: ', '')
  return finished(text, parts)
}

const slice = (head: string, index: readonly number[], i: number): string =>
  head.slice(index[i + 2], index[i + 3])

/** A field of the request, `tail` after its value; nothing when the request lacks it (it is then the fault reported). */
function copied(request: SipRequest, id: number, name: string, tail: string): string {
  const i = findHeader(request, id)
  return i < 0 ? '' : `${name}${slice(request.head, request.index, i)}${tail}\r\n`
}

/** The Via line at `i` with received and rport filled in. */
function stampedVia(request: SipRequest, i: number, via: Via, stamp: ViaStamp): string {
  const { head, index } = request
  let text = 'Via: '
  let at = index[i + 2]!
  for (const splice of viaSplices(head, via, stamp)) {
    text += head.slice(at, splice.start) + splice.text
    at = splice.start
  }
  return `${text}${head.slice(at, index[i + 3])}\r\n`
}

/** True when a To value has a tag parameter; quotes and brackets are stepped over. */
function hasTag(head: string, at: number, end: number): boolean {
  let quote = false
  let bracket = false
  for (let i = at; i < end; i++) {
    const code = head.charCodeAt(i)
    if (quote) {
      if (code === 0x5c) i++
      else if (code === 0x22) quote = false
    } else if (code === 0x22) quote = true
    else if (code === 0x3c) bracket = true
    else if (code === 0x3e) bracket = false
    else if (code === 0x3b && !bracket) {
      do i++
      while (i < end && head.charCodeAt(i) <= 0x20)
      const after = head.charCodeAt(i + 3)
      if (head.slice(i, i + 3).toLowerCase() === 'tag' && (after === 0x3d || after <= 0x20)) return true
      i--
    }
  }
  return false
}

export interface RequestParts {
  readonly method: string
  readonly uri: string
  readonly via: string
  /** Whole values of From and To, tags included. */
  readonly from: string
  readonly to: string
  readonly callId: string
  readonly cseq: number
  readonly maxForwards?: number
  readonly routes?: readonly string[]
  readonly headers?: readonly HeaderLine[]
  readonly contentType?: string
  readonly body?: Bytes
}

/** A request of our own, RFC 3261 §8.1.1. */
export function encodeRequest(parts: RequestParts): Buffer {
  const { method } = parts
  let text = `${method} ${parts.uri} SIP/2.0\r\nVia: ${parts.via}\r\nMax-Forwards: ${parts.maxForwards ?? 70}\r\n`
  if (parts.routes !== undefined) for (const route of parts.routes) text += `Route: ${route}\r\n`
  text += `From: ${parts.from}\r\nTo: ${parts.to}\r\nCall-ID: ${parts.callId}\r\nCSeq: ${parts.cseq} ${method}\r\n`
  return finished(text, parts)
}

function finished(
  text: string,
  parts: { readonly headers?: readonly HeaderLine[]; readonly contentType?: string; readonly body?: Bytes },
): Buffer {
  if (parts.headers !== undefined)
    for (const [name, value] of parts.headers)
      text += `${name}: ${typeof value === 'string' ? fieldText(value) : value}\r\n`
  const body = parts.body ?? noBytes
  if (parts.contentType !== undefined) text += `Content-Type: ${fieldText(parts.contentType)}\r\n`
  text += `Content-Length: ${body.length}\r\n`
  return withBody(text, body, 0)
}

/** A value cannot end its line: CR and LF, which could begin a forged field, become a space. */
export function fieldText(value: string): string {
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i)
    if (code > 0xff) throw new RangeError('a header value of more than octets')
    if (code === 13 || code === 10 || code === 0) return value.replace(/[\r\n\0]+/g, ' ')
  }
  return value
}
