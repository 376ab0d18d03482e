// The header fields of the Digest scheme, in HTTP and SIP alike (RFC 7616 §3.3 to §3.5, RFC 3261 §25.1, RFC 8760 §2).
// Reading is strict in what is authenticated and passes over parameters it does not know.
import { strictText } from '#base'
import type { DigestHash } from '#core'

export interface DigestCredentials {
  /** As the client wrote it: it is part of the hash. */
  readonly username: string
  readonly realm: string
  readonly nonce: string
  readonly uri: string
  readonly response: string
  readonly algorithm: string
  readonly qop: string | undefined
  readonly cnonce: string | undefined
  /** Eight hexadecimal digits. */
  readonly nc: string | undefined
  readonly userhash: boolean
}

export interface DigestChallenge {
  readonly realm: string
  readonly nonce: string
  readonly algorithm: DigestHash
  readonly stale: boolean
}

const valueOctetsMax = 8192 // LIMIT: characters of one header value
const parametersMax = 32 // LIMIT: parameters of one header value

/** Is the value of an (Proxy-)Authorization header of this scheme? */
export function isDigest(value: string): boolean {
  return isWordAt(value, 0, 'digest') && (value[6] === ' ' || value[6] === '\t')
}

/** Reads an (Proxy-)Authorization header value; undefined when it is malformed or lacks what every response has. */
export function readDigestCredentials(value: string): DigestCredentials | undefined {
  if (!isDigest(value) || value.length > valueOctetsMax) return undefined
  const parameters = readParameters(value, 7)
  if (parameters === undefined) return undefined
  const username = usernameOf(parameters)
  const realm = parameters[known.realm]
  const nonce = parameters[known.nonce]
  const uri = parameters[known.uri]
  const response = parameters[known.response]
  const nc = parameters[known.nc]
  if (username === undefined || realm === undefined || nonce === undefined) return undefined
  if (uri === undefined || response === undefined) return undefined
  if (nc !== undefined && !isCount(nc)) return undefined
  return {
    username,
    realm,
    nonce,
    uri,
    response: response.toLowerCase(),
    algorithm: parameters[known.algorithm] ?? 'MD5', // "If not present, it is assumed to be MD5" (RFC 7616 §3.3)
    qop: parameters[known.qop]?.toLowerCase(),
    cnonce: parameters[known.cnonce],
    nc,
    userhash: parameters[known.userhash]?.toLowerCase() === 'true',
  }
}

/** A WWW-Authenticate or Proxy-Authenticate header value. auth-int is understood, but not asked for: few speak it. */
export function digestChallengeValue(challenge: DigestChallenge): string {
  const stale = challenge.stale ? ', stale=true' : ''
  return (
    `Digest realm=${quoted(challenge.realm)}, nonce=${quoted(challenge.nonce)}, qop="auth", ` +
    `algorithm=${challenge.algorithm}${stale}`
  )
}

/** A quoted-string (RFC 7230 §3.2.6, RFC 3261 §25.1). */
function quoted(content: string): string {
  return `"${content.replace(/["\\]/g, '\\$&')}"`
}

/** `username`, or `username*` in the encoding of RFC 8187 (RFC 7616 §3.4); both at once are an error. */
function usernameOf(parameters: Parameters): string | undefined {
  const plain = parameters[known.username]
  const extended = parameters[known.usernameExtended]
  if (extended === undefined) return plain
  const match = /^utf-8'[^']*'(.*)$/i.exec(extended)
  if (plain !== undefined || match === null) return undefined
  return percentDecoded(match[1] as string)
}

function percentDecoded(encoded: string): string | undefined {
  const octets: number[] = []
  for (let i = 0; i < encoded.length; i++) {
    if (encoded[i] !== '%') octets.push(encoded.charCodeAt(i) & 0xff)
    else {
      const digits = encoded.slice(i + 1, i + 3)
      if (!/^[0-9a-fA-F]{2}$/.test(digits)) return undefined
      octets.push(Number.parseInt(digits, 16))
      i += 2
    }
  }
  return strictText(Uint8Array.from(octets))
}

/** The parameters that we look at, by their place. */
const names = [
  'username',
  'username*',
  'realm',
  'nonce',
  'uri',
  'response',
  'algorithm',
  'qop',
  'cnonce',
  'nc',
  'userhash',
] as const
const known = {
  username: 0,
  usernameExtended: 1,
  realm: 2,
  nonce: 3,
  uri: 4,
  response: 5,
  algorithm: 6,
  qop: 7,
  cnonce: 8,
  nc: 9,
  userhash: 10,
} as const

type Parameters = (string | undefined)[]

/** Hot: `name=value` pairs between commas, values tokens or quoted strings, without a regular expression or a map. */
function readParameters(value: string, start: number): Parameters | undefined {
  const parameters: Parameters = new Array(names.length).fill(undefined)
  let at = start
  for (let count = 0; ; count++) {
    at = pastSpaceAndCommas(value, at)
    if (at === value.length) return parameters
    const equals = value.indexOf('=', at)
    if (equals < 0 || count === parametersMax) return undefined
    let nameEnd = equals
    while (nameEnd > at && value.charCodeAt(nameEnd - 1) <= 0x20) nameEnd--
    if (nameEnd === at) return undefined
    const place = placeOf(value, at, nameEnd)
    if (place >= 0 && parameters[place] !== undefined) return undefined // twice: which one was hashed?
    at = pastSpace(value, equals + 1)
    let found: string
    if (value.charCodeAt(at) === 0x22) {
      const end = closingQuote(value, at + 1)
      if (end < 0) return undefined
      found = unquoted(value.slice(at + 1, end))
      at = pastSpace(value, end + 1)
      if (at < value.length && value.charCodeAt(at) !== 0x2c) return undefined
    } else {
      const comma = value.indexOf(',', at)
      const end = comma < 0 ? value.length : comma
      found = value.slice(at, end).trim()
      if (found === '') return undefined
      at = end
    }
    if (place >= 0) parameters[place] = found
  }
}

/** The place of the parameter whose name stands in [at, end), in any case; -1 for one that we do not look at. */
function placeOf(value: string, at: number, end: number): number {
  for (let place = 0; place < names.length; place++)
    if (names[place]!.length === end - at && isWordAt(value, at, names[place]!)) return place
  return -1
}

/** Hot: `word`, in lower case, stands at that place in any case. */
function isWordAt(value: string, at: number, word: string): boolean {
  for (let i = 0; i < word.length; i++) {
    const code = value.charCodeAt(at + i)
    const lower = code >= 0x41 && code <= 0x5a ? code | 0x20 : code
    if (lower !== word.charCodeAt(i)) return false
  }
  return true
}

/** nc-value = 8LHEX; we take capital letters as well. */
function isCount(nc: string): boolean {
  if (nc.length !== 8) return false
  for (let i = 0; i < 8; i++) {
    const code = nc.charCodeAt(i)
    const isHex = (code >= 0x30 && code <= 0x39) || ((code | 0x20) >= 0x61 && (code | 0x20) <= 0x66)
    if (!isHex) return false
  }
  return true
}

function closingQuote(value: string, start: number): number {
  for (let i = start; i < value.length; i++) {
    const code = value.charCodeAt(i)
    if (code === 0x22) return i
    if (code === 0x5c) i++
  }
  return -1
}

function unquoted(content: string): string {
  return content.includes('\\') ? content.replace(/\\(.)/gs, '$1') : content
}

function pastSpace(value: string, start: number): number {
  let at = start
  for (; at < value.length; at++) {
    const code = value.charCodeAt(at)
    if (code !== 0x20 && code !== 0x09 && code !== 0x0d && code !== 0x0a) break
  }
  return at
}

function pastSpaceAndCommas(value: string, start: number): number {
  let at = pastSpace(value, start)
  while (value.charCodeAt(at) === 0x2c) at = pastSpace(value, at + 1)
  return at
}
