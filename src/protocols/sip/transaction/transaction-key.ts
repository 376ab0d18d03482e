// Which transaction a message belongs to: RFC 3261 §17.1.3 for responses, §17.2.3 for requests.

import type { Essentials, RequestEssentials } from '../codec/check.ts'
import { requestUri, type SipRequest } from '../codec/message.ts'
import { branchMagic, defaultPort, type Via } from '../codec/via.ts'

/** sent-by, "compared case-insensitively with the default port filled in" (RFC 3261 §18.1.1, §20.42). */
const sentBy = (via: Via): string => `${via.host}:${via.port ?? defaultPort(via.transport)}`

/** True when the branch is unique by RFC 3261 §8.1.1.7. RFC 4475 §3.2.1: the cookie alone identifies nothing. */
const isUnique = (branch: string | undefined): branch is string =>
  branch?.startsWith(branchMagic) === true && branch.length > branchMagic.length

/** The key of the server transaction that a request creates or repeats; an ACK has its INVITE's (rule 3). */
export function serverKey(request: SipRequest, parts: RequestEssentials): string {
  const method = request.method === 'ACK' ? 'INVITE' : request.method
  const { via } = parts
  return isUnique(via.branch) ? `${via.branch} ${sentBy(via)} ${method}` : olderKey(request, parts, method)
}

/** The key of the transaction that a CANCEL is about (RFC 3261 §9.2): as if its method were the other's. */
export function cancelledKey(request: SipRequest, parts: RequestEssentials): string {
  const { via } = parts
  return isUnique(via.branch) ? `${via.branch} ${sentBy(via)} INVITE` : olderKey(request, parts, 'INVITE')
}

/** RFC 2543's way: "the Request-URI, To tag, From tag, Call-ID, CSeq, and top Via header field". */
function olderKey(request: SipRequest, parts: RequestEssentials, method: string): string {
  const { via, fromTag, callId, cseq } = parts
  // The To tag is left out: an ACK for a non-2xx has the tag of our response, its INVITE had none.
  const top = request.head.slice(via.start, via.end)
  return `2543 ${requestUri(request)} ${fromTag ?? ''} ${callId} ${cseq.number} ${method} ${top}`
}

/** The key of a client transaction: its branch, and the method of CSeq (RFC 3261 §17.1.3). */
export const clientKey = (branch: string, method: string): string => `${branch} ${method}`

export const clientKeyOf = (parts: Essentials): string => clientKey(parts.via.branch ?? '', parts.cseq.method)
