// SIP and SIPS URIs, RFC 3261 §19.1 and §25.1, and their comparison, §19.1.4. Complete. `im:` and `pres:` URIs (RFC 3860 §3, RFC 3859 §3)
// name people as they do (RFC 3428 §5, RFC 3856 §5), without ports and parameters. A tel URI and any other absoluteURI is kept as it is.

import {
  escapesAreWhole,
  isAbsoluteUriChar,
  isAlpha,
  isDigit,
  isPasswordChar,
  isTokenChar,
  isUriHeaderChar,
  isUriParamChar,
  isUserChar,
  octetsOf,
  ownText,
  skipHost,
  utf8Of,
  wholeNumber,
} from './grammar.ts'
import type { Param } from './params.ts'

export interface SipUri {
  readonly scheme: 'sip' | 'sips' | 'im' | 'pres'
  /** Escapes still in it; undefined when there is no userinfo. */
  readonly user: string | undefined
  readonly password: string | undefined
  /** In lower case; an IPv6 address keeps its brackets. */
  readonly host: string
  readonly port: number | undefined
  readonly params: readonly Param[]
  /** What follows the question mark, escapes still in it; undefined when there is none. */
  readonly headers: string | undefined
}

const noParams: readonly Param[] = []

/** The scheme in lower case, or undefined when the text does not begin with one. */
export function uriScheme(text: string): string | undefined {
  const colon = text.indexOf(':')
  if (colon < 1 || !isAlpha(text.charCodeAt(0))) return undefined
  for (let i = 1; i < colon; i++) {
    const code = text.charCodeAt(i)
    if (!isAlpha(code) && !isDigit(code) && code !== 0x2b && code !== 0x2d && code !== 0x2e) return undefined
  }
  return text.slice(0, colon).toLowerCase()
}

/** True for an absoluteURI of any scheme as far as its characters go; SIP URIs are to pass `parseSipUri`. */
export function isAbsoluteUri(text: string): boolean {
  if (parseSipUri(text) !== undefined) return true
  const scheme = uriScheme(text)
  if (scheme === undefined) return false
  if (scheme === 'sip' || scheme === 'sips') return false
  for (let i = scheme.length + 1; i < text.length; i++)
    if (!isAbsoluteUriChar(text.charCodeAt(i))) return false
  return text.length > scheme.length + 1
}

/** LIMIT: URIs whose parts are remembered, and the characters of one; past the first all are forgotten. */
const rememberedMax = 16_384
const rememberedLengthMax = 128
const remembered = new Map<string, SipUri>()

/** The parts of a SIP or SIPS URI; undefined when it is malformed or of another scheme. Hot: most were seen a moment ago. */
export function parseSipUri(text: string): SipUri | undefined {
  const known = remembered.get(text)
  if (known !== undefined) return known
  if (text.length > rememberedLengthMax) return partsOf(text)
  // Nothing of what is remembered pins the head of a message.
  const own = ownText(text)
  const parts = partsOf(own)
  if (parts === undefined) return undefined
  if (remembered.size >= rememberedMax) remembered.clear()
  remembered.set(own, parts)
  return parts
}

function partsOf(text: string): SipUri | undefined {
  const scheme = schemes.get(text.slice(0, text.indexOf(':') + 1).toLowerCase())
  if (scheme === undefined) return undefined
  const at = scheme.length + 1
  const end = text.length
  // A user part may hold `;` and `?`, so the at sign is looked for first; it stands nowhere else unescaped.
  const atSign = text.indexOf('@', at)
  let user: string | undefined
  let password: string | undefined
  let hostAt = at
  if (atSign >= 0) {
    let i = at
    while (i < atSign && isUserChar(text.charCodeAt(i))) i++
    user = text.slice(at, i)
    if (text.charCodeAt(i) === 0x3a) {
      const passwordAt = ++i
      while (i < atSign && isPasswordChar(text.charCodeAt(i))) i++
      password = text.slice(passwordAt, i)
    }
    if (i !== atSign || user === '' || !escapesAreWhole(text, at, atSign)) return undefined
    hostAt = atSign + 1
  }
  let i = skipHost(text, hostAt, end)
  if (i < 0) return undefined
  const host = text.slice(hostAt, i).toLowerCase()
  let port: number | undefined
  if (text.charCodeAt(i) === 0x3a) {
    const portAt = ++i
    while (i < end && isDigit(text.charCodeAt(i))) i++
    port = wholeNumber(text, portAt, i, 65_535)
    if (port < 0) return undefined
  }
  const params = i < end && text.charCodeAt(i) === 0x3b ? uriParams(text, i, end) : noParams
  if (params === undefined) return undefined
  if (params.length > 0) i = uriParamsEnd
  const isBare = port === undefined && password === undefined && params.length === 0
  if ((scheme === 'im' || scheme === 'pres') && !isBare) return undefined
  if (i === end) return { scheme, user, password, host, port, params, headers: undefined }
  if (text.charCodeAt(i) !== 0x3f || !areUriHeaders(text, i + 1, end)) return undefined
  const headers = text.slice(i + 1)
  return { scheme, user, password, host, port, params, headers }
}

const schemes: ReadonlyMap<string, SipUri['scheme']> = new Map([
  ['sip:', 'sip'],
  ['sips:', 'sips'],
  ['im:', 'im'],
  ['pres:', 'pres'],
])

let uriParamsEnd = 0

function uriParams(text: string, at: number, end: number): Param[] | undefined {
  const params: Param[] = []
  while (at < end && text.charCodeAt(at) === 0x3b) {
    const nameAt = at + 1
    let i = nameAt
    while (i < end && isUriParamChar(text.charCodeAt(i))) i++
    if (i === nameAt) return undefined
    const name = text.slice(nameAt, i).toLowerCase()
    let value: string | undefined
    if (text.charCodeAt(i) === 0x3d) {
      const valueAt = i + 1
      i = valueAt
      // method= and transport= are tokens, RFC 3261 §25.1, which have a few characters more.
      while (i < end && (isUriParamChar(text.charCodeAt(i)) || isTokenChar(text.charCodeAt(i)))) i++
      if (i === valueAt) return undefined
      value = text.slice(valueAt, i)
    }
    // RFC 3261 §19.1.1: "any given parameter-name MUST NOT appear more than once."
    if (params.some((param) => param.name === name) || !escapesAreWhole(text, nameAt, i)) return undefined
    params.push({ name, value })
    at = i
  }
  uriParamsEnd = at
  return params
}

/** headers = header *( "&" header ), header = hname "=" hvalue. */
function areUriHeaders(text: string, at: number, end: number): boolean {
  if (!escapesAreWhole(text, at, end)) return false
  for (const part of text.slice(at, end).split('&')) {
    const equals = part.indexOf('=')
    if (equals < 1) return false
    for (let i = 0; i < part.length; i++)
      if (i !== equals && !isUriHeaderChar(part.charCodeAt(i)) && part.charCodeAt(i) !== 0x3d) return false
  }
  return true
}

/** The value of a URI parameter; '' when it has none, undefined when it is absent. */
export function uriParam(uri: SipUri, name: string): string | undefined {
  for (const param of uri.params) if (param.name === name) return param.value ?? ''
  return undefined
}

/** Text with its escapes undone, as UTF-8. The caller has seen that the escapes are whole. */
export function unescaped(text: string): string {
  if (text.indexOf('%') < 0) return text
  return utf8Of(unescapedOctets(text))
}

function unescapedOctets(text: string): string {
  let out = ''
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) !== 0x25) out += text[i]
    else {
      out += String.fromCharCode(Number.parseInt(text.slice(i + 1, i + 3), 16))
      i += 2
    }
  }
  return out
}

/** A user part that says `text`: what the grammar does not allow there is escaped (RFC 3261 §19.1.2). */
export function escapedUser(text: string): string {
  let out = ''
  for (const octet of octetsOf(text)) {
    const code = octet.charCodeAt(0)
    out += isUserChar(code) && code !== 0x25 ? octet : `%${code.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return out
}

const reserved = ';/?:@&=+$,'

/** Escapes undone where RFC 3261 §19.1.4 makes them equal; those of reserved characters stay, in one case. */
function normal(text: string): string {
  if (text.indexOf('%') < 0) return text
  let out = ''
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) !== 0x25) {
      out += text[i]
      continue
    }
    const octet = String.fromCharCode(Number.parseInt(text.slice(i + 1, i + 3), 16))
    out += reserved.includes(octet) || octet === '%' ? text.slice(i, i + 3).toUpperCase() : octet
    i += 2
  }
  return out
}

const folded = (text: string): string => normal(text).toLowerCase()

/** Parameters that "appearing in only one URI never match", RFC 3261 §19.1.4; transport and maddr with them. */
const decisive = ['user', 'ttl', 'method', 'maddr', 'transport']

/** True when two URIs are equivalent by RFC 3261 §19.1.4. Not transitive. */
export function sameSipUri(a: SipUri, b: SipUri): boolean {
  if (a.scheme !== b.scheme || a.host !== b.host || a.port !== b.port) return false
  if ((a.user === undefined) !== (b.user === undefined) || normal(a.user ?? '') !== normal(b.user ?? ''))
    return false
  if ((a.password === undefined) !== (b.password === undefined)) return false
  if (normal(a.password ?? '') !== normal(b.password ?? '')) return false
  return paramsAgree(a, b) && paramsAgree(b, a) && sameUriHeaders(a.headers, b.headers)
}

function paramsAgree(a: SipUri, b: SipUri): boolean {
  for (const { name, value } of a.params) {
    const other = uriParam(b, name)
    if (other === undefined ? decisive.includes(name) : folded(value ?? '') !== folded(other)) return false
  }
  return true
}

/** "Any present header component MUST be present in both URIs and match", in any order. */
function sameUriHeaders(a: string | undefined, b: string | undefined): boolean {
  if (a === b) return true
  if (a === undefined || b === undefined) return false
  const sorted = (headers: string): string => headers.split('&').map(folded).sort().join('&')
  return sorted(a) === sorted(b)
}

/** The text of a URI. */
export function formatSipUri(uri: SipUri): string {
  const user =
    uri.user === undefined ? '' : `${uri.user}${uri.password === undefined ? '' : `:${uri.password}`}@`
  const port = uri.port === undefined ? '' : `:${uri.port}`
  const params = uri.params
    .map(({ name, value }) => (value === undefined ? `;${name}` : `;${name}=${value}`))
    .join('')
  return `${uri.scheme}:${user}${uri.host}${port}${params}${uri.headers === undefined ? '' : `?${uri.headers}`}`
}
