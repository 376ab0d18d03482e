// Loops and spirals, RFC 3261 §16.3 point 4 and §16.6 step 8 as RFC 5393 §4.2 has them: a branch of ours ends in a hash of all by which we
// chose where a request goes. The same request back is a loop; one that comes back changed, as a phone that diverts a call makes it, is not.

import { createHash } from 'node:crypto'
import type { RequestEssentials } from '../codec/check.ts'
import { header } from '../codec/header-names.ts'
import { headerValue, requestUri, type SipRequest } from '../codec/message.ts'

const separator = '.'

/** What follows the unique part of our branches (RFC 5393 §4.2.1: Request-URI, From and To tags, Call-ID, CSeq, Proxy-Require, Route). */
export function loopMark(request: SipRequest, parts: RequestEssentials): string {
  const { fromTag, toTag, callId, cseq } = parts
  const decides = [
    requestUri(request),
    fromTag ?? '',
    toTag ?? '',
    callId,
    String(cseq.number),
    headerValue(request, header.proxyRequire) ?? '',
    headerValue(request, header.route) ?? '',
  ]
  return (
    separator + createHash('sha256').update(decides.join('\n'), 'latin1').digest('base64url').slice(0, 12)
  )
}

/** The mark of a branch of ours; '' where it has none. */
export function markOf(branch: string | undefined): string {
  const at = branch?.lastIndexOf(separator) ?? -1
  return at < 0 ? '' : (branch as string).slice(at)
}
