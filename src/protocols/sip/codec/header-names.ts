// The header fields that this server looks at, by number: their names, compact forms (RFC 3261 §7.3.3, §20)
// and which of them may stand once only.

import { assert } from '#base'

/** [name, compact form or '', 'one' when RFC 3261 §7.3.1 and its grammar allow a single value]. */
const table = {
  accept: ['Accept', '', 'many'],
  allow: ['Allow', '', 'many'],
  allowEvents: ['Allow-Events', 'u', 'many'],
  authorization: ['Authorization', '', 'many'],
  callId: ['Call-ID', 'i', 'one'],
  contact: ['Contact', 'm', 'many'],
  contentDisposition: ['Content-Disposition', '', 'one'],
  contentEncoding: ['Content-Encoding', 'e', 'many'],
  contentLanguage: ['Content-Language', '', 'many'],
  contentLength: ['Content-Length', 'l', 'one'],
  contentType: ['Content-Type', 'c', 'one'],
  cseq: ['CSeq', '', 'one'],
  date: ['Date', '', 'one'],
  event: ['Event', 'o', 'one'],
  expires: ['Expires', '', 'one'],
  from: ['From', 'f', 'one'],
  inReplyTo: ['In-Reply-To', '', 'many'],
  maxBreadth: ['Max-Breadth', '', 'one'],
  maxForwards: ['Max-Forwards', '', 'one'],
  minExpires: ['Min-Expires', '', 'one'],
  pAssertedIdentity: ['P-Asserted-Identity', '', 'many'],
  path: ['Path', '', 'many'],
  pPreferredIdentity: ['P-Preferred-Identity', '', 'many'],
  proxyAuthenticate: ['Proxy-Authenticate', '', 'many'],
  proxyAuthorization: ['Proxy-Authorization', '', 'many'],
  proxyRequire: ['Proxy-Require', '', 'many'],
  recordRoute: ['Record-Route', '', 'many'],
  require: ['Require', '', 'many'],
  retryAfter: ['Retry-After', '', 'one'],
  route: ['Route', '', 'many'],
  sipEtag: ['SIP-ETag', '', 'one'],
  sipIfMatch: ['SIP-If-Match', '', 'one'],
  subject: ['Subject', 's', 'one'],
  subscriptionState: ['Subscription-State', '', 'one'],
  supported: ['Supported', 'k', 'many'],
  to: ['To', 't', 'one'],
  unsupported: ['Unsupported', '', 'many'],
  userAgent: ['User-Agent', '', 'one'],
  via: ['Via', 'v', 'many'],
  warning: ['Warning', '', 'many'],
  wwwAuthenticate: ['WWW-Authenticate', '', 'many'],
} as const

export type HeaderKey = keyof typeof table
export type HeaderId = number

const keys = Object.keys(table) as HeaderKey[]

/** The number of each header field; 0 is any field that is not in the table. */
export const header: Readonly<Record<HeaderKey, HeaderId>> = Object.fromEntries(
  keys.map((key, i) => [key, i + 1]),
) as Record<HeaderKey, HeaderId>

const names: readonly string[] = ['', ...keys.map((key) => table[key][0])]
const single: readonly boolean[] = [false, ...keys.map((key) => table[key][2] === 'one')]

export const headerName = (id: HeaderId): string => names[id]!
export const standsOnce = (id: HeaderId): boolean => single[id]!

/** Every name and compact form by length, first and last letter, which tell all of them apart. */
const slots: readonly { name: string; id: HeaderId }[] = Array.from({ length: 4096 }, () => ({
  name: '',
  id: 0,
}))
const slotOf = (length: number, first: number, last: number): number =>
  ((length & 31) << 7) ^ ((first & 31) << 3) ^ (last & 31)

for (const key of keys)
  for (const name of table[key].slice(0, 2))
    if (name !== '') {
      const lower = name.toLowerCase()
      const slot = slots[slotOf(lower.length, lower.charCodeAt(0), lower.charCodeAt(lower.length - 1))]!
      assert(slot.id === 0, `${name} and ${slot.name} share a slot: change slotOf`)
      slot.name = lower
      slot.id = header[key]
    }

/** The number of the header field whose name stands in [at, end), in any case; 0 when it is not in the table. */
export function headerIdOf(text: string, at: number, end: number): HeaderId {
  const length = end - at
  const { name, id } = slots[slotOf(length, text.charCodeAt(at), text.charCodeAt(end - 1))]!
  if (name.length !== length) return 0
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(at + i)
    if (code !== name.charCodeAt(i) && (code < 0x41 || code > 0x5a || (code | 0x20) !== name.charCodeAt(i)))
      return 0
  }
  return id
}
