// The ACK for a final response other than 2xx, and the CANCEL of a request: RFC 3261 §17.1.1.3 and §9.1. Both are made
// of the request that they follow, its topmost Via alone included.

import { header } from '../codec/header-names.ts'
import { cseqOf } from '../codec/headers.ts'
import {
  findHeader,
  headerValue,
  requestUri,
  type SipRequest,
  type SipResponse,
  stride,
} from '../codec/message.ts'
import { topVia } from '../codec/via.ts'

/** "The ACK MUST contain values for the Call-ID, From, and Request-URI that are equal to [the request's]; To [the response's]". */
export function ackOf(request: SipRequest, response: SipResponse): Buffer {
  return follower(request, 'ACK', headerValue(response, header.to) ?? '')
}

/** RFC 3261 §9.1: "Request-URI, Call-ID, To, the numeric part of CSeq, and From [...] MUST be identical". */
export function cancelOf(request: SipRequest): Buffer {
  return follower(request, 'CANCEL', headerValue(request, header.to) ?? '')
}

function follower(request: SipRequest, method: string, to: string): Buffer {
  const { head } = request
  const via = topVia(request)
  let text = `${method} ${requestUri(request)} SIP/2.0\r\nVia: ${via === undefined ? '' : head.slice(via.start, via.end)}\r\n`
  // "If the INVITE request [...] had Route header fields, those header fields MUST appear in the ACK."
  for (let i = findHeader(request, header.route); i >= 0; i = findHeader(request, header.route, i + stride))
    text += `Route: ${head.slice(request.index[i + 2], request.index[i + 3])}\r\n`
  text += `Max-Forwards: 70\r\nFrom: ${headerValue(request, header.from) ?? ''}\r\nTo: ${to}\r\n`
  text += `Call-ID: ${headerValue(request, header.callId) ?? ''}\r\nCSeq: ${cseqOf(request)?.number ?? 0} ${method}\r\n`
  return Buffer.from(`${text}Content-Length: 0\r\n\r\n`, 'latin1')
}
