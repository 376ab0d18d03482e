// A message sent on: its own octets, and a list of what is put in their place (RFC 3261 §16.6, §16.7). Only the
// Request-URI, Via, Max-Forwards, Route, Record-Route and the credentials meant for us are ever touched; a body is copied as it is.

import { credentialsAt } from './credentials.ts'
import { skipLws } from './grammar.ts'
import { header } from './header-names.ts'
import { maxForwardsOf } from './headers.ts'
import {
  findHeader,
  lineEndOf,
  type SipMessage,
  type SipRequest,
  type SipResponse,
  stride,
} from './message.ts'
import { parseNameAddr } from './name-addr.ts'
import type { Via } from './via.ts'

/** Octets [start, end) of the message give way to `text`, one octet a character. */
export interface Splice {
  readonly start: number
  readonly end: number
  readonly text: string
}

/** The message with its splices done; they are in order and do not overlap. Hot: two copies, see bench/sip-codec.ts. */
export function spliced(message: SipMessage, splices: readonly Splice[]): Buffer {
  const { head, raw, bodyStart } = message
  let text = ''
  let at = 0
  for (let i = 0; i < splices.length; i++) {
    const { start, end, text: replacement } = splices[i]!
    text += head.slice(at, start) + replacement
    at = end
  }
  text += head.slice(at)
  return withBody(text, raw, bodyStart)
}

/** The octets of a head that has no empty line yet, the empty line, and the body at `bodyStart` of `raw`. */
export function withBody(head: string, raw: Uint8Array, bodyStart: number): Buffer {
  const length = head.length
  const out = Buffer.allocUnsafe(length + 2 + raw.length - bodyStart)
  out.write(head, 0, length, 'latin1')
  out[length] = 13
  out[length + 1] = 10
  if (raw.length > bodyStart) out.set(bodyStart === 0 ? raw : raw.subarray(bodyStart), length + 2)
  return out
}

/** What the server that took a request adds to its topmost Via: RFC 3261 §18.2.1 and RFC 3581 §4. */
export interface ViaStamp {
  /** The source address; undefined when sent-by says the same and nobody asked. */
  readonly received: string | undefined
  /** The source port, where the client asked for it. */
  readonly rport: number | undefined
}

/** The splices that put a stamp on a Via value. */
export function viaSplices(head: string, via: Via, stamp: ViaStamp): Splice[] {
  const splices: Splice[] = []
  if (stamp.rport !== undefined) {
    const at = rportEnd(head, via)
    if (at >= 0) splices.push({ start: at, end: at, text: `=${stamp.rport}` })
  }
  if (stamp.received !== undefined) {
    const end = valueEnd(head, via)
    splices.push({ start: end, end, text: `;received=${stamp.received}` })
  }
  return splices
}

/** The end of a Via value without the white space before its comma. */
function valueEnd(head: string, via: Via): number {
  let end = via.end
  while (end > via.start && head.charCodeAt(end - 1) <= 0x20) end--
  return end
}

/** The offset after the name of an rport parameter that has no value; -1 when there is none. */
function rportEnd(head: string, via: Via): number {
  for (let i = via.start; i < via.end; i++) {
    if (head.charCodeAt(i) !== 0x3b) continue
    do i++
    while (head.charCodeAt(i) <= 0x20)
    if (head.slice(i, i + 5).toLowerCase() !== 'rport') continue
    let next = i + 5
    while (next < via.end && head.charCodeAt(next) <= 0x20) next++
    if (next === via.end || head.charCodeAt(next) === 0x3b) return i + 5
  }
  return -1
}

export interface Forwarding {
  /** The new Request-URI; undefined leaves it. */
  readonly uri: string | undefined
  /** Our Via value, which goes on top. */
  readonly via: string
  readonly topVia: Via
  readonly stamp: ViaStamp
  /** The Record-Route value that keeps us in the path of a dialog. */
  readonly recordRoute?: string
  /** How many Route values are ours and go (RFC 3261 §16.4). */
  readonly routesDropped?: number
  /** Our realm: credentials for it were meant for us and go no further (RFC 3261 §22.3), where others could guess at the password. */
  readonly consumedRealm?: string
  /** True where nobody of trust has asserted who sent it: the field goes (RFC 3325 §5); P-Preferred-Identity is for us alone (§9.2). */
  readonly unasserted?: boolean
  /** Max-Breadth of this copy (RFC 5393 §5.3.3); left out, the field goes on as it is. */
  readonly maxBreadth?: number
  /** The route set that stands before the target, as Route values (RFC 3327 §5.1). */
  readonly routes?: readonly string[]
}

/** A request for the next hop, RFC 3261 §16.6 steps 2, 3, 4 and 8. undefined when Max-Forwards is used up. */
export function forwardedRequest(request: SipRequest, forwarding: Forwarding): Buffer | undefined {
  const splices: Splice[] = []
  if (forwarding.uri !== undefined)
    splices.push({ start: request.uriStart, end: request.uriEnd, text: forwarding.uri })
  const viaAt = findHeader(request, header.via)
  const viaLine = request.index[viaAt + 1]!
  const stamps = viaSplices(request.head, forwarding.topVia, forwarding.stamp)
  const ours = ourLines(forwarding)
  const hops = maxForwardsOf(request)
  if (hops === 0) return undefined
  // Step 3: "If the copy does not contain a Max-Forwards header field, the proxy MUST add one with a field value [of] 70."
  const absent = hops === undefined ? 'Max-Forwards: 70\r\n' : ''
  splices.push({ start: viaLine, end: viaLine, text: `${ours}${absent}${lengthLine(request)}` }, ...stamps)
  if (hops !== undefined) {
    const i = findHeader(request, header.maxForwards)
    const text = hops === 'malformed' ? '70' : String(hops - 1)
    splices.push({ start: request.index[i + 2]!, end: request.index[i + 3]!, text })
  }
  const { maxBreadth } = forwarding
  if (maxBreadth !== undefined) splices.push(breadthSplice(request, maxBreadth, viaLine))
  cutRoutes(request, forwarding.routesDropped ?? 0, splices)
  if (forwarding.consumedRealm !== undefined)
    for (const i of credentialsAt(request, forwarding.consumedRealm))
      splices.push({ start: request.index[i + 1]!, end: lineEndOf(request, i), text: '' })
  if (forwarding.unasserted === true) cutFields(request, assertedFields, splices)
  inOrder(splices)
  return spliced(request, splices)
}

const assertedFields = [header.pAssertedIdentity, header.pPreferredIdentity]

function cutFields(request: SipRequest, ids: readonly number[], splices: Splice[]): void {
  for (const id of ids)
    for (let i = findHeader(request, id); i >= 0; i = findHeader(request, id, i + stride))
      splices.push({ start: request.index[i + 1]!, end: lineEndOf(request, i), text: '' })
}

/** The request as it may be kept: credentials are for servers on its way, and no history's (RFC 3261 §26.1.1, RFC 7616 §5.10). */
export function withoutCredentials(request: SipRequest): Uint8Array {
  const splices: Splice[] = []
  cutFields(request, credentialFields, splices)
  if (splices.length === 0) return request.raw
  inOrder(splices)
  return spliced(request, splices)
}

const credentialFields = [header.authorization, header.proxyAuthorization]

function breadthSplice(request: SipRequest, breadth: number, top: number): Splice {
  const i = findHeader(request, header.maxBreadth)
  if (i >= 0) return { start: request.index[i + 2]!, end: request.index[i + 3]!, text: String(breadth) }
  return { start: top, end: top, text: `Max-Breadth: ${breadth}\r\n` }
}

/** A message out of a datagram or a web socket may lack it (RFC 7118 §5), and the next hop may be a stream. */
function lengthLine(message: SipMessage): string {
  return findHeader(message, header.contentLength) >= 0
    ? ''
    : `Content-Length: ${message.raw.length - message.bodyStart}\r\n`
}

/** Hot: a handful, nearly in order already. Those of one place stay as they are. */
function inOrder(splices: Splice[]): void {
  for (let i = 1; i < splices.length; i++) {
    const splice = splices[i]!
    let at = i
    for (; at > 0 && splices[at - 1]!.start > splice.start; at--) splices[at] = splices[at - 1]!
    splices[at] = splice
  }
}

function ourLines(forwarding: Forwarding): string {
  let lines = `Via: ${forwarding.via}\r\n`
  if (forwarding.recordRoute !== undefined) lines += `Record-Route: ${forwarding.recordRoute}\r\n`
  if (forwarding.routes !== undefined) for (const route of forwarding.routes) lines += `Route: ${route}\r\n`
  return lines
}

/** Cuts the first `count` values of Route. */
function cutRoutes(request: SipRequest, count: number, splices: Splice[]): void {
  let i = findHeader(request, header.route)
  while (count > 0 && i >= 0) {
    const end = request.index[i + 3]!
    let at = request.index[i + 2]!
    while (count > 0 && at < end) {
      const value = parseNameAddr(request.head, at, end)
      if (value === undefined) return
      at = value.end + 1
      count--
    }
    if (at >= end) splices.push({ start: request.index[i + 1]!, end: lineEndOf(request, i), text: '' })
    else splices.push({ start: request.index[i + 2]!, end: skipLws(request.head, at, end), text: '' })
    i = findHeader(request, header.route, i + stride)
  }
}

/** A response on its way back: the topmost Via, which is ours, is cut (RFC 3261 §16.7 step 3). */
export function forwardedResponse(response: SipResponse, ours: Via): Buffer {
  const i = findHeader(response, header.via)
  const alone = ours.end >= response.index[i + 3]!
  const cut = alone
    ? { start: response.index[i + 1]!, end: lineEndOf(response, i), text: lengthLine(response) }
    : { start: response.index[i + 2]!, end: ours.end + 1, text: '' }
  const length = alone ? '' : lengthLine(response)
  if (length === '') return spliced(response, [cut])
  const lineAt = response.index[i + 1]!
  return spliced(response, [{ start: lineAt, end: lineAt, text: length }, cut])
}
