// Preparation of domain names to one key: A-labels in lower case (RFC 5890, RFC 7622 §3.2).
// The mapping and the label checks are those of UTS 46 without transitional processing, which the URL class of Node
// and of browsers carries; it lets through some symbols that the table of RFC 5892 disallows (a snowman is a
// registered name in the world, and DNS decides whether it exists).

import { decodePunycode } from './precis-punycode.ts'

const octetsMax = 253 // LIMIT: a domain name in DNS (RFC 1034 §3.1, without the root's dot)
const labelOctetsMax = 63 // LIMIT: a label (RFC 1034 §3.1)

/**
 * The domain as lower-case A-labels, the root's dot removed; an IPv4 address in dotted form; an IPv6 address in
 * brackets in its shortest form (RFC 7622 §3.2). Undefined when it is none of these.
 */
export function prepareDomain(domain: string): string | undefined {
  if (domain.charCodeAt(0) === 0x5b) return prepareIpv6(domain)
  // RFC 7622 §3.2: the final dot MUST be stripped before any other canonicalization step.
  const name = domain.endsWith('.') ? domain.slice(0, -1) : domain
  if (isPreparedAscii(name)) return name
  const ascii = toAscii(name)
  if (ascii === undefined || !isHostName(ascii)) return undefined
  return hasNumericEnd(ascii) && ascii !== name ? undefined : ascii // `1` and `0x7f.1` are no dotted addresses
}

/** The fast path: lower-case letters, digits and inner hyphens, no A-label, no numeric last label. */
function isPreparedAscii(name: string): boolean {
  if (name.length === 0 || name.length > octetsMax) return false
  let start = 0
  for (let i = 0; i <= name.length; i++) {
    const code = i === name.length ? 0x2e : name.charCodeAt(i)
    if (code === 0x2e) {
      if (i === start || i - start > labelOctetsMax) return false
      if (name.charCodeAt(start) === 0x2d || name.charCodeAt(i - 1) === 0x2d) return false
      if (i - start > 4 && name.charCodeAt(start + 2) === 0x2d && name.charCodeAt(start + 3) === 0x2d)
        return false
      start = i + 1
    } else if (!((code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39) || code === 0x2d))
      return false
  }
  const labelStart = name.lastIndexOf('.') + 1
  const first = name.charCodeAt(labelStart)
  return !(first >= 0x30 && first <= 0x39) // a numeric end goes the slow way
}

/** UTS 46 ToASCII; undefined when it fails. What a URL would read as more than a host, or drop, is refused first. */
function toAscii(name: string): string | undefined {
  if (/[\u0000-\u0020\u007f#%/:?@[\\\]|^<>]/u.test(name)) return undefined
  try {
    return new URL(`http://${name}/`).hostname
  } catch {
    return undefined // the URL class has no other way to say that a host is none
  }
}

function isHostName(name: string): boolean {
  if (name.length > octetsMax) return false
  return name.split('.').every((label) => {
    if (label.length > labelOctetsMax || !/^(?!-)[a-z0-9-]+(?<!-)$/.test(label)) return false
    return !label.startsWith('xn--') || isALabel(label)
  })
}

/** RFC 5890 §2.3.2.1: an A-label is what its own U-label encodes to. The URL class lets others pass. */
function isALabel(label: string): boolean {
  const decoded = decodePunycode(label.slice(4))
  return decoded !== undefined && toAscii(decoded) === label
}

function hasNumericEnd(name: string): boolean {
  return /(?:^|\.)[0-9]+$/.test(name)
}

function prepareIpv6(literal: string): string | undefined {
  if (!/^\[[0-9A-Fa-f:.]{2,45}\]$/.test(literal)) return undefined
  try {
    return new URL(`http://${literal}/`).hostname
  } catch {
    return undefined // not an IPv6 address
  }
}
