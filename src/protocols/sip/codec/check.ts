// What every request and response must have before anybody looks further: RFC 3261 §8.1.1, §8.2.2, §16.3 and
// §7.3.1, as strict as RFC 4475 asks. Answers the parts that every layer above needs, parsed once.

import { header, headerName, standsOnce } from './header-names.ts'
import { type Cseq, callIdOf, contentTypeOf, cseqOf, maxForwardsOf } from './headers.ts'
import {
  fault,
  findHeader,
  type MessageFault,
  requestUri,
  type SipMessage,
  type SipRequest,
  type SipResponse,
  stride,
} from './message.ts'
import { isContactStar, type NameAddr, nameAddrOf, nameAddrsOf, tagOf } from './name-addr.ts'
import { isAbsoluteUri, parseSipUri, type SipUri, uriScheme } from './uri.ts'
import { topVia, type Via, viasOf } from './via.ts'

/** The fields that RFC 3261 §8.1.1 makes part of every message. */
export interface Essentials {
  readonly via: Via
  readonly from: NameAddr
  readonly fromTag: string | undefined
  readonly to: NameAddr
  readonly toTag: string | undefined
  readonly callId: string
  readonly cseq: Cseq
}

export interface RequestEssentials extends Essentials {
  readonly uri: SipUri
  /** undefined when absent (RFC 3261 §16.3 point 3) or out of range (RFC 4475 §3.1.2.4). */
  readonly maxForwards: number | undefined
}

const seen = new Uint8Array(256)

/** The first field that stands twice although it has one value only (RFC 4475 §3.3.8), or undefined. */
function repeatedField(message: SipMessage): MessageFault | undefined {
  seen.fill(0)
  const { index } = message
  for (let i = 0; i < index.length; i += stride) {
    const id = index[i]!
    if (!standsOnce(id)) continue
    if (seen[id] === 1) return fault(400, `${headerName(id)} stands twice`, index[i + 1]!)
    seen[id] = 1
  }
  return undefined
}

/** From, To, Call-ID, CSeq and the topmost Via, or the first of them that is missing or malformed. */
function essentialsOf(message: SipMessage): Essentials | MessageFault {
  const via = topVia(message)
  if (via === undefined) return broken(message, header.via)
  const from = nameAddrOf(message, header.from)
  if (from === undefined) return broken(message, header.from)
  const to = nameAddrOf(message, header.to)
  if (to === undefined) return broken(message, header.to)
  const callId = callIdOf(message)
  if (callId === undefined) return broken(message, header.callId)
  const cseq = cseqOf(message)
  if (cseq === undefined) return broken(message, header.cseq)
  return { via, from, fromTag: tagOf(from), to, toTag: tagOf(to), callId, cseq }
}

function broken(message: SipMessage, id: number): MessageFault {
  const i = findHeader(message, id)
  return i < 0
    ? fault(400, `Missing ${headerName(id)}`, message.head.length)
    : fault(400, `Malformed ${headerName(id)}`, message.index[i + 2]!)
}

/** A request's essentials, or the status that refuses it and why. */
export function checkRequest(request: SipRequest): RequestEssentials | MessageFault {
  if (request.fault !== undefined) return request.fault
  const repeated = repeatedField(request)
  if (repeated !== undefined) return repeated
  const essentials = essentialsOf(request)
  if ('kind' in essentials) return essentials
  if (essentials.cseq.method !== request.method)
    // RFC 4475 §3.1.2.17 and §3.1.2.18.
    return fault(400, 'CSeq names another method', request.index[findHeader(request, header.cseq) + 2]!)
  const text = requestUri(request)
  const uri = parseSipUri(text)
  if (uri === undefined) return uriFault(text, request.uriStart)
  // RFC 3261 §19.1.1 (table): a Request-URI has no header components (RFC 4475 §3.1.2.11).
  if (uri.headers !== undefined) return fault(400, 'headers in the Request-URI', request.uriStart)
  const lists = listFault(request, essentials.via)
  if (lists !== undefined) return lists
  const maxForwards = maxForwardsOf(request)
  return { ...essentials, uri, maxForwards: maxForwards === 'malformed' ? undefined : maxForwards }
}

/** 416 for a URI of a scheme that we do not serve (RFC 3261 §8.2.2.1), 400 for what is no URI. */
function uriFault(text: string, offset: number): MessageFault {
  const scheme = uriScheme(text)
  const ours = scheme === undefined || scheme === 'sip' || scheme === 'sips'
  return !ours && isAbsoluteUri(text)
    ? fault(416, `URI of scheme ${scheme}`, offset)
    : fault(400, 'Malformed Request-URI', offset)
}

/** By id: 1 for a list of addresses. Hot: a look for each field of each request. */
const lists = new Uint8Array(256)
for (const id of [header.contact, header.route, header.recordRoute, header.path]) lists[id] = 1

/** Fields that are there must be well-formed, for others will read them after us. */
function listFault(request: SipRequest, top: Via): MessageFault | undefined {
  const { index } = request
  let vias = 0
  for (let i = 0; i < index.length; i += stride) {
    const id = index[i]!
    if (id === header.via) {
      // The topmost one has been read; look again only where there is more than one.
      if (vias++ === 1 && viasOf(request) === undefined) return broken(request, header.via)
    } else if (id === header.contact && isContactStar(request, header.contact)) continue
    else if (lists[id] === 1 && nameAddrsOf(request, id) === undefined) return broken(request, id)
    else if (id === header.contentType && contentTypeOf(request) === 'malformed') return broken(request, id)
  }
  // Several values in one field: what follows the topmost has not been read yet.
  if (vias === 1 && top.end !== index[findHeader(request, header.via) + 3] && viasOf(request) === undefined)
    return broken(request, header.via)
  return undefined
}

/** A response's essentials; a fault means that it is to be dropped (RFC 3261 §18.1.2, RFC 4475 §3.1.2.5). */
export function checkResponse(response: SipResponse): Essentials | MessageFault {
  if (response.fault !== undefined) return response.fault
  return repeatedField(response) ?? essentialsOf(response)
}
