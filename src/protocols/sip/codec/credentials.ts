// Which credentials of a request are for a realm (RFC 3261 §22.3): several may stand there, for several proxies. We choose to take
// them from either field: which of 401 and 407 was sent is known to the one who asked, and some phones use one field for both.

import { unfolded } from './grammar.ts'
import { header } from './header-names.ts'
import { findHeader, type SipRequest, stride } from './message.ts'

const fields = [header.authorization, header.proxyAuthorization]

/** The value of the first credentials for the realm. */
export function credentialsFor(request: SipRequest, realm: string): string | undefined {
  for (const id of fields)
    for (let i = findHeader(request, id); i >= 0; i = findHeader(request, id, i + stride)) {
      const value = valueAt(request, i)
      if (namesRealm(value, realm)) return value
    }
  return undefined
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

/** True where credentials are Digest and say this realm. Hot: a look at octets, without taking all of them apart. */
function namesRealm(value: string, realm: string): boolean {
  if (value.charCodeAt(6) !== 0x20 || !isWordAt(value, 0, 'digest')) return false
  for (let at = value.indexOf('"', 7); at >= 0; at = value.indexOf('"', at + 1)) {
    if (value.charCodeAt(at + 1 + realm.length) !== 0x22 || !value.startsWith(realm, at + 1)) continue
    // The name and its `=`, white space between them or not, stand before the quote.
    let before = at - 1
    while (before > 0 && (value.charCodeAt(before) <= 0x20 || value.charCodeAt(before) === 0x3d)) before--
    if (isWordAt(value, before - 4, 'realm')) return true
  }
  return false
}

/** `word`, which is in lower case, stands at that place in any case. */
function isWordAt(value: string, at: number, word: string): boolean {
  for (let i = 0; i < word.length; i++)
    if ((value.charCodeAt(at + i) | 0x20) !== word.charCodeAt(i)) return false
  return true
}
