// Which credentials of a request are for a realm (RFC 3261 §22.3): several may stand there, for several proxies. We choose to take
// them from either field: which of 401 and 407 was sent is known to the one who asked, and some phones use one field for both.

import { unfolded } from './grammar.ts'
import { header } from './header-names.ts'
import { findHeader, type SipRequest, stride } from './message.ts'

const fields = [header.authorization, header.proxyAuthorization]

/** The value of the first credentials for the realm. */
export function credentialsFor(request: SipRequest, realm: string): string | undefined {
  const at = credentialsAt(request, realm)
  return at.length === 0 ? undefined : valueAt(request, at[0]!)
}

/** Where credentials for the realm stand, as places in the index. */
export function credentialsAt(request: SipRequest, realm: string): number[] {
  const found: number[] = []
  for (const id of fields)
    for (let i = findHeader(request, id); i >= 0; i = findHeader(request, id, i + stride))
      if (namesRealm(valueAt(request, i), realm)) found.push(i)
  return found
}

function valueAt(request: SipRequest, i: number): string {
  return unfolded(request.head.slice(request.index[i + 2], request.index[i + 3]))
}

/** True where credentials are Digest and say this realm; a look without taking all of them apart. */
function namesRealm(value: string, realm: string): boolean {
  if (value.slice(0, 7).toLowerCase() !== 'digest ') return false
  const at = value.toLowerCase().indexOf('realm')
  return at >= 0 && value.indexOf(`"${realm}"`, at) >= 0
}
