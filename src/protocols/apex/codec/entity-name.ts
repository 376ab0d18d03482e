// Names of endpoints (RFC 3340 §2.2): `address@domain` or `address/subaddress@domain`. Written names are compared exactly (§2.2.1);
// whose account a name of ours means is decided with the key of its address, so that `Fred@` and `fred@` are one person.

import { type Address, addressOf, foreignAddress } from '#model'

export interface EndpointName {
  /** As it was written: what is compared, and what is written again. */
  readonly written: string
  /** The local part before the solidus. */
  readonly address: string
  /** Behind it; empty where there is none. */
  readonly subaddress: string
  /** A FQDN in lower case, or a literal in brackets. */
  readonly domain: string
}

/** §2.2: local parts that begin so are services. */
const servicePrefix = 'apex='

/** §2.2: subaddresses that begin so are registered applications; this one is for people who talk. */
export const talkSubaddress = 'appl=im'

/** LIMIT: octets of a name; two parts of 1023 octets each, and the at-sign. */
const nameMax = 2047

/** Reads a name; undefined when §2.2 does not allow it. */
export function readEndpoint(written: string | undefined): EndpointName | undefined {
  if (written === undefined || written.length > nameMax) return undefined
  const at = written.indexOf('@')
  const domain = written.slice(at + 1)
  const local = written.slice(0, at)
  if (at < 1 || !isDomain(domain)) return undefined
  const slash = local.indexOf('/')
  const address = slash < 0 ? local : local.slice(0, slash)
  const subaddress = slash < 0 ? '' : local.slice(slash + 1)
  if (!isToken(address) || (slash >= 0 && !isToken(subaddress))) return undefined
  return { written, address, subaddress, domain: domain.toLowerCase() }
}

/** The domain of `bind`: the same syntax as behind the at-sign. */
export function readDomain(written: string | undefined): string | undefined {
  return written !== undefined && isDomain(written) ? written.toLowerCase() : undefined
}

export function isService({ address }: EndpointName): boolean {
  return address.startsWith(servicePrefix)
}

/** The endpoint of a service: `apex=report@example.com`. */
export function serviceEndpoint(name: string, domain: string): EndpointName {
  const address = `${servicePrefix}${name}`
  return { written: `${address}@${domain}`, address, subaddress: '', domain }
}

/** `presence` of `apex=presence`; undefined where no service is named. */
export function serviceOf(endpoint: EndpointName): string | undefined {
  return isService(endpoint) && endpoint.subaddress === ''
    ? endpoint.address.slice(servicePrefix.length)
    : undefined
}

/** Whom a name means, prepared as names of ours are; undefined where no person can be called that. */
export function personOf({ address, domain }: EndpointName): Address | undefined {
  return addressOf(address, domain)
}

/** The same of a name that another domain gave: its local part is kept exactly. */
export function foreignPersonOf({ address, domain }: EndpointName): Address | undefined {
  return foreignAddress(address, domain)
}

/** The endpoint of a person. Characters that a token may not have are written as the URL encoding (§2.2.1) would. */
export function endpointOf({ user, domain }: Address, subaddress = ''): EndpointName {
  const address = tokenOf(user)
  const device = subaddress === '' ? '' : tokenOf(subaddress)
  const local = device === '' ? address : `${address}/${device}`
  return { written: `${local}@${domain}`, address, subaddress: device, domain }
}

/** Equal endpoints: local parts by their octets, domains without their case. */
export function sameEndpoint(one: EndpointName, other: EndpointName): boolean {
  return one.address === other.address && one.subaddress === other.subaddress && one.domain === other.domain
}

function tokenOf(text: string): string {
  return text.replace(/[\u0000-\u001f/@\u007f]/g, (found) => encodeURIComponent(found))
}

/** "all non-control characters, excluding / and @ delimiters". */
function isToken(text: string): boolean {
  if (text.length === 0 || !text.isWellFormed()) return false
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < 0x20 || code === 0x2f || code === 0x40 || code === 0x7f) return false
  }
  return true
}

function isDomain(text: string): boolean {
  if (text.length === 0 || text.length > 255) return false
  if (text.startsWith('[')) return /^\[[0-9A-Za-z.:]+\]$/.test(text)
  return /^(?!-)[^\s@/<>"'\\[\]\u0000-\u001f\u007f]+$/.test(text)
}
