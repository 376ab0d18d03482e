// The address of a person, whatever the scheme: `user@domain`, which `im:`, `pres:`, `sip:`, `xmpp:` and `impp:` URIs
// all name (RFC 3860 §3, RFC 3859 §3, RFC 7247 §5). Names of our own domains are prepared once into one key
// (RFC 8265 UsernameCaseMapped, RFC 7622 §3.3); a foreign local part is kept exactly.
import { prepareDomain, prepareUsername } from './precis.ts'

export interface Address {
  /** Local part, unescaped; empty for a domain itself. */
  readonly user: string
  /** A-labels in lower case. */
  readonly domain: string
  /** `user@domain`, or `domain` alone: equal keys are equal addresses. */
  readonly key: string
}

/** LIMIT: octets of a local part or a domain (RFC 7622 §3.2, §3.3). */
export const addressPartMax = 1023

const internedMax = 65_536
const interned = new Map<string, Address>()

/** The address of a prepared name; undefined when a part breaks RFC 7622 §3. */
export function addressOf(user: string, domain: string): Address | undefined {
  const preparedDomain = prepareDomain(domain)
  if (preparedDomain === undefined) return undefined
  if (user === '') return { user, domain: preparedDomain, key: preparedDomain }
  const preparedUser = prepareUsername(user)
  if (preparedUser === undefined) return undefined
  return { user: preparedUser, domain: preparedDomain, key: `${preparedUser}@${preparedDomain}` }
}

/** As `addressOf`, keeping the local part exactly, for what another domain owns. */
export function foreignAddress(user: string, domain: string): Address | undefined {
  const preparedDomain = prepareDomain(domain)
  if (preparedDomain === undefined || user.length > addressPartMax) return undefined
  return { user, domain: preparedDomain, key: user === '' ? preparedDomain : `${user}@${preparedDomain}` }
}

/** Reads `user@domain` or `domain`; undefined when it is neither. One map look-up when it was read before. */
export function parseAddress(written: string): Address | undefined {
  const known = interned.get(written)
  if (known !== undefined) return known
  const at = written.lastIndexOf('@')
  const user = at < 0 ? '' : written.slice(0, at)
  if (at === 0) return undefined
  const address = addressOf(user, written.slice(at + 1))
  if (address === undefined) return undefined
  if (interned.size >= internedMax) interned.clear()
  interned.set(written, address)
  return address
}

const unreserved = /[^A-Za-z0-9\-._~!$'()*+,;=]/g

function percentEncoded(text: string): string {
  return text.replace(unreserved, (character) => {
    const encoded = encodeURIComponent(character)
    return encoded.length > 1 ? encoded : `%${character.charCodeAt(0).toString(16).toUpperCase()}`
  })
}

function percentDecoded(text: string): string | undefined {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** `im:user@domain` (RFC 3860 §3). */
export function imUri(address: Address): string {
  return `im:${percentEncoded(address.user)}@${address.domain}`
}

/** `pres:user@domain` (RFC 3859 §3). */
export function presUri(address: Address): string {
  return `pres:${percentEncoded(address.user)}@${address.domain}`
}

/** `impp://host/user`, the canonical form of IMPP §6 (D16). */
export function imppUri(address: Address): string {
  return `impp://${address.domain}/${percentEncoded(address.user)}`
}

/** `sip:user@domain` without parameters (RFC 7247 §5). */
export function sipUri(address: Address): string {
  return `sip:${percentEncoded(address.user)}@${address.domain}`
}

/**
 * Reads an address out of an `im:`, `pres:`, `sip:`, `sips:`, `xmpp:`, `mailto:`-like or `impp://host/user` URI, or
 * plain `user@domain`. Parameters, headers and resources after `;`, `?` or (XMPP) `/` are passed over. Undefined when it is none.
 */
export function addressOfUri(uri: string): Address | undefined {
  const colon = uri.indexOf(':')
  if (colon < 0) return parseAddress(uri)
  const scheme = uri.slice(0, colon).toLowerCase()
  let rest = uri.slice(colon + 1)
  if (scheme === 'impp') {
    const match = /^\/\/([^/?#]+)\/([^/?#]*)$/.exec(rest)
    const user = match === null ? undefined : percentDecoded(match[2] as string)
    return match === null || user === undefined ? undefined : addressOf(user, match[1] as string)
  }
  if (!/^(im|pres|sip|sips|xmpp)$/.test(scheme)) return undefined
  const end = rest.search(scheme === 'xmpp' ? /[/?#;]/ : /[?#;]/)
  if (end >= 0) rest = rest.slice(0, end)
  const at = rest.lastIndexOf('@')
  if (at === 0) return undefined
  let local = at < 0 ? '' : rest.slice(0, at)
  if (scheme.startsWith('sip')) {
    const password = local.indexOf(':')
    if (password >= 0) local = local.slice(0, password)
  }
  const user = percentDecoded(local)
  if (user === undefined) return undefined
  let domain = rest.slice(at + 1)
  const port = /^(.*?):\d*$/.exec(domain)
  if (port !== null && !(port[1] as string).includes(':')) domain = port[1] as string
  else if (domain.startsWith('[')) domain = domain.replace(/\]:\d+$/, ']')
  return addressOf(user, domain)
}

// RFC 7247 §5 and XEP-0106: the characters a JID's local part may not hold.
const jidEscapes: Readonly<Record<string, string>> = {
  ' ': '\\20',
  '"': '\\22',
  '&': '\\26',
  "'": '\\27',
  '/': '\\2f',
  ':': '\\3a',
  '<': '\\3c',
  '>': '\\3e',
  '@': '\\40',
  '\\': '\\5c',
}

/** A local part as a JID writes it (XEP-0106 §4). The escape character itself is escaped only before an escape. */
export function jidEscaped(user: string): string {
  return user.replace(
    /[ "&'/:<>@]|\\(?=20|22|26|27|2f|3a|3c|3e|40|5c)/g,
    (character) => jidEscapes[character] as string,
  )
}

/** The local part that a JID's escaped one stands for (XEP-0106 §4). */
export function jidUnescaped(user: string): string {
  return user.replace(/\\(20|22|26|27|2f|3a|3c|3e|40|5c)/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
}
