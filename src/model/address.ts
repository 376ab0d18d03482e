// The address of a person, whatever the scheme: `user@domain`, which `im:`, `pres:`, `sip:`, `xmpp:` and `impp:` URIs
// all name (RFC 3860 §3, RFC 3859 §3, RFC 7247 §6). Names of our own domains are prepared once into one key
// (RFC 8265 UsernameCaseMapped, RFC 7622 §3.3); a foreign local part is kept exactly.
import { text, utf8 } from '#base'
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

/** LIMIT: code units of a whole address as written: none has more than it has octets. */
const writtenMax = addressPartMax * 2 + 1

/** LIMIT: addresses remembered (then we begin anew), and the code units of one that is worth remembering. */
const internedMax = 65_536
const internedLengthMax = 128
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

/** As `addressOf`, keeping the local part exactly, for what another domain owns. No controls, no half of a character. */
export function foreignAddress(user: string, domain: string): Address | undefined {
  const preparedDomain = prepareDomain(domain)
  if (preparedDomain === undefined || user.length > addressPartMax || !isPlain(user)) return undefined
  return { user, domain: preparedDomain, key: user === '' ? preparedDomain : `${user}@${preparedDomain}` }
}

function isPlain(user: string): boolean {
  for (let i = 0; i < user.length; i++) {
    const code = user.charCodeAt(i)
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return false
  }
  return user.isWellFormed()
}

/** Reads `user@domain` or `domain`; undefined when it is neither. One map look-up when it was read before. */
export function parseAddress(written: string): Address | undefined {
  const known = interned.get(written)
  if (known !== undefined) return known
  if (written.length > writtenMax) return undefined
  const at = written.lastIndexOf('@')
  if (at === 0 || addressOf(at < 0 ? '' : written.slice(0, at), written.slice(at + 1)) === undefined)
    return undefined
  // What is remembered must not be a slice that pins the whole text it was cut from.
  const own = text(utf8(written))
  const address = addressOf(at < 0 ? '' : own.slice(0, at), own.slice(at + 1)) as Address
  if (own.length > internedLengthMax) return address
  if (interned.size >= internedMax) interned.clear()
  interned.set(own, address)
  return address
}

// RFC 7247 §6.2: what the destination scheme allows is left as it is, all else is percent-encoded.
const beyondIm = /[^A-Za-z0-9\-._~!$&'*+/=]/gu
const beyondSip = /[^A-Za-z0-9\-._~!$&'()*+,;=?/]/gu
const beyondXmpp = /[^A-Za-z0-9\-._~!$()*+,;=]/gu
const beyondImpp = /[^A-Za-z0-9\-._~!$'()*+,;=]/gu

function percentEncoded(user: string, beyond: RegExp): string {
  return user.replace(beyond, (character) => {
    const encoded = encodeURIComponent(character)
    return encoded.length > 1 ? encoded : `%${character.charCodeAt(0).toString(16).toUpperCase()}`
  })
}

function percentDecoded(written: string): string | undefined {
  if (!written.includes('%')) return written
  try {
    return decodeURIComponent(written)
  } catch {
    return undefined // a stray `%`, or octets that are not UTF-8: the caller's address is malformed
  }
}

/** `im:user@domain` (RFC 3860 §3). */
export function imUri(address: Address): string {
  return `im:${mailbox(address, beyondIm)}`
}

/** `pres:user@domain` (RFC 3859 §3). */
export function presUri(address: Address): string {
  return `pres:${mailbox(address, beyondIm)}`
}

/** `impp://host/user`, the canonical form of IMPP §6 (D16). */
export function imppUri(address: Address): string {
  return `impp://${address.domain}/${percentEncoded(address.user, beyondImpp)}`
}

/** `sip:user@domain` without parameters (RFC 7247 §6.5). */
export function sipUri(address: Address): string {
  return `sip:${mailbox(address, beyondSip)}`
}

/** `xmpp:user@domain` (RFC 5122 §2.2). */
export function xmppUri({ user, domain }: Address): string {
  return `xmpp:${user === '' ? domain : `${percentEncoded(jidEscaped(user), beyondXmpp)}@${domain}`}`
}

/** A person's URI in the scheme that a protocol writes; as it is where it is of that scheme, or names nobody. */
export function uriIn(scheme: string, uri: string, write: (address: Address) => string): string {
  if (uri.toLowerCase().startsWith(`${scheme}:`)) return uri
  const address = addressOfUri(uri)
  return address === undefined ? uri : write(address)
}

function mailbox({ user, domain }: Address, beyond: RegExp): string {
  return user === '' ? domain : `${percentEncoded(user, beyond)}@${domain}`
}

/**
 * Reads an address out of an `im:`, `pres:`, `sip:`, `sips:`, `xmpp:` or `impp://host/user` URI, or plain `user@domain`.
 * Parameters, headers and resources behind the domain are passed over. Undefined when it is none.
 */
export function addressOfUri(uri: string): Address | undefined {
  const colon = uri.indexOf(':')
  if (colon < 0) return parseAddress(uri)
  const rest = uri.slice(colon + 1)
  switch (uri.slice(0, colon).toLowerCase()) {
    case 'impp':
      return addressOfImpp(rest)
    case 'sip':
    case 'sips':
      return addressOfSip(rest)
    case 'im':
    case 'pres':
      return addressOfMailbox(upTo(rest, '?#'))
    case 'xmpp':
      return addressOfMailbox(upTo(pathOf(rest), '/?#'))
    default:
      return undefined
  }
}

/** IMPP §6 (D16, D17): no more than quoting. */
function addressOfImpp(rest: string): Address | undefined {
  const slash = rest.indexOf('/', 2)
  if (!rest.startsWith('//') || slash < 0) return undefined
  const written = rest.slice(slash + 1)
  const user = upTo(written, '/?#') === written ? percentDecoded(written) : undefined
  return user === undefined ? undefined : joined(user, rest.slice(2, slash))
}

/** RFC 3261 §19.1.1, §25.1: a user part may hold `;`, `?` and `/`; behind the host begin parameters and headers. */
function addressOfSip(rest: string): Address | undefined {
  const at = rest.indexOf('@')
  const host = upTo(rest.slice(at + 1), ';?#')
  // A port has digits alone; the colons of an IPv6 address stand in brackets.
  const domain = host.replace(/:\d*$/, host.startsWith('[') && host.endsWith(']') ? '$&' : '')
  if (at < 0) return joined('', domain)
  const user = percentDecoded(upTo(rest.slice(0, at), ':'))
  return user === undefined || user === '' ? undefined : joined(user, domain)
}

/** RFC 7247 §6.4: split at the first `@`. */
function addressOfMailbox(written: string): Address | undefined {
  const at = written.indexOf('@')
  if (at < 0) return joined('', written)
  const user = percentDecoded(written.slice(0, at))
  return user === undefined || user === '' ? undefined : joined(user, written.slice(at + 1))
}

/** RFC 5122 §2.2: an authority names who acts, the path who is meant. */
function pathOf(rest: string): string {
  if (!rest.startsWith('//')) return rest
  const slash = rest.indexOf('/', 2)
  return slash < 0 ? '' : rest.slice(slash + 1)
}

function upTo(written: string, ends: string): string {
  for (let i = 0; i < written.length; i++) if (ends.includes(written.charAt(i))) return written.slice(0, i)
  return written
}

/** By the interned form, so that a URI costs no second preparation. A domain holds no `@`. */
function joined(user: string, domain: string): Address | undefined {
  if (domain.includes('@')) return undefined
  return parseAddress(user === '' ? domain : `${user}@${domain}`)
}

// RFC 7247 §6.2 and XEP-0106 §4: the characters a JID's local part may not hold.
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
