// Addresses as scripts compare them, RFC 3880 §4.1: the parts of a URI of any scheme that names a person, a device or a telephone.

import type { AddressSubfield, TextTest } from '#model'

/** What a URI consists of; a part that it does not have is undefined. */
export interface AddressParts {
  /** Lower case. */
  readonly scheme: string
  readonly user: string | undefined
  readonly password: string | undefined
  /** Lower case; an IPv6 address without its brackets. */
  readonly host: string | undefined
  readonly port: number | undefined
  /** A telephone number without what only makes it readable. */
  readonly tel: string | undefined
}

const schemesOfPeople: ReadonlySet<string> = new Set(['sip', 'sips', 'im', 'pres', 'xmpp', 'impp', 'mailto'])

export function addressParts(uri: string): AddressParts | undefined {
  const colon = uri.indexOf(':')
  if (colon < 1) return undefined
  const scheme = uri.slice(0, colon).toLowerCase()
  const rest = uri.slice(colon + 1)
  const none = {
    scheme,
    user: undefined,
    password: undefined,
    host: undefined,
    port: undefined,
    tel: undefined,
  }
  if (scheme === 'tel') {
    // §4.1.1: "the "tel" and "user" subfields are the subscriber name".
    const user = decoded(upTo(rest, ';?#'))
    return { ...none, user, tel: telephone(user) }
  }
  if (scheme === 'impp') {
    const [, host = '', user = ''] = /^\/\/([^/]*)\/?([^?#]*)/.exec(rest) ?? []
    return withHost(none, decoded(user), host)
  }
  if (scheme === 'h323' || schemesOfPeople.has(scheme)) return partsOfMailbox(none, rest)
  return none
}

function partsOfMailbox(none: AddressParts, rest: string): AddressParts {
  const at = rest.indexOf('@')
  if (at < 0) return withHost(none, undefined, rest)
  const [user = '', password] = rest.slice(0, at).split(':', 2)
  const parts = withHost(none, decoded(user), rest.slice(at + 1))
  const isPhone =
    none.scheme.startsWith('sip') && (/;user=phone(;|\?|$)/i.test(rest) || looksLikeNumber(user))
  return {
    ...parts,
    password: password === undefined ? undefined : decoded(password),
    tel: isPhone ? telephone(decoded(upTo(user, ';'))) : undefined,
  }
}

function withHost(none: AddressParts, user: string | undefined, behind: string): AddressParts {
  const written = upTo(behind, none.scheme === 'xmpp' ? '/?#' : ';?#/')
  const [, bracketed, plain = '', port] = /^(?:\[([^\]]*)\]|([^:]*))(?::([0-9]{1,5}))?$/.exec(written) ?? []
  const host = (bracketed ?? plain).toLowerCase().replace(/\.$/, '')
  return {
    ...none,
    user: user === '' ? undefined : user,
    host: host === '' ? undefined : host,
    port: port === undefined ? undefined : Number(port),
  }
}

/** We choose (decision 0148): a user part of digits is a telephone number, whether its phone says `user=phone` or not. */
function looksLikeNumber(user: string): boolean {
  return /^\+?[0-9][0-9().-]*$/.test(user)
}

/** "Punctuation and separator characters in telephone numbers are discarded." */
function telephone(written: string): string {
  return written.toUpperCase().replace(/[^0-9A-D*#]/g, '')
}

function decoded(written: string): string {
  try {
    return decodeURIComponent(written)
  } catch {
    return written // a stray `%`: it is compared as it is written
  }
}

function upTo(written: string, ends: string): string {
  for (let i = 0; i < written.length; i++) if (ends.includes(written.charAt(i))) return written.slice(0, i)
  return written
}

/** The value of a subfield; undefined where the address has none. */
export function subfieldOf(
  parts: AddressParts,
  subfield: Exclude<AddressSubfield, 'display'>,
): string | undefined {
  switch (subfield) {
    case 'address-type':
      return parts.scheme
    case 'port':
      return parts.port === undefined ? undefined : String(parts.port)
    // Of H.323 alone.
    case 'alias-type':
      return undefined
    default:
      return parts[subfield]
  }
}

/** §4.1: each subfield is compared in its own way. */
export function matchesSubfield(
  subfield: AddressSubfield,
  value: string,
  { how, value: wanted }: TextTest,
): boolean {
  switch (subfield) {
    case 'host':
      return how === 'is' ? isSameHost(value, wanted) : isWithinDomain(value, wanted)
    case 'tel':
      return how === 'is' ? value === telephone(wanted) : value.startsWith(telephone(wanted))
    case 'port':
      return Number(value) === Number(wanted)
    case 'address-type':
      return value === wanted.toLowerCase()
    case 'display':
      return matchesText(value, { how, value: wanted })
    default:
      return value === wanted
  }
}

/** "Strings are matched as case-insensitive Unicode strings" (§4.2): Compatibility Composition, then caseless. */
export function matchesText(value: string, { how, value: wanted }: TextTest): boolean {
  return how === 'contains' ? folded(value).includes(folded(wanted)) : folded(value) === folded(wanted)
}

function folded(text: string): string {
  // Up and down again, so that what has several small letters has one; a final sigma is no other letter.
  return text.normalize('NFKC').toUpperCase().toLowerCase().replaceAll('ς', 'σ').normalize('NFKC')
}

/**
 * Whether two URIs name one party: user and host, and the port where either has one. We choose (decision 0148) that it does not matter by which
 * scheme of people each is written, so that a script means the same person whatever protocol they use.
 */
export function isSameParty(one: string, other: string): boolean {
  const a = addressParts(one)
  const b = addressParts(other)
  if (a === undefined || b === undefined) return one === other
  if (a.tel !== undefined && (a.scheme === 'tel' || b.scheme === 'tel')) return a.tel === b.tel
  if (!schemesOfPeople.has(a.scheme) || !schemesOfPeople.has(b.scheme)) return one === other
  return a.user === b.user && a.port === b.port && isSameHost(a.host ?? '', b.host ?? '')
}

function isSameHost(one: string, other: string): boolean {
  return canonicalHost(one) === canonicalHost(other)
}

function isWithinDomain(host: string, domain: string): boolean {
  const inner = canonicalHost(host).replace(/^\.+/, '')
  const outer = canonicalHost(domain).replace(/^\.+/, '')
  // "IP addresses may be given as arguments to this operator; however, they only match exactly."
  if (isIp(inner) || isIp(outer)) return inner === outer
  return inner === outer || inner.endsWith(`.${outer}`)
}

/** "IP addresses are compared numerically." */
function canonicalHost(host: string): string {
  const lower = host.toLowerCase()
  const bare = lower.startsWith('[') && lower.endsWith(']') ? lower.slice(1, -1) : lower
  if (!bare.includes(':')) return bare
  try {
    return new URL(`http://[${bare}]/`).hostname
  } catch {
    return bare // not an address, but compared as what it is
  }
}

function isIp(host: string): boolean {
  return host.startsWith('[') || /^[0-9]+(\.[0-9]+){3}$/.test(host)
}
