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
  return value.slice(0, 6).toLowerCase() === 'digest' && (value[6] === ' ' || value[6] === '\t')
}

/** Reads an (Proxy-)Authorization header value; undefined when it is malformed or lacks what every response has. */
export function readDigestCredentials(value: string): DigestCredentials | undefined {
  if (!isDigest(value) || value.length > valueOctetsMax) return undefined
  const parameters = readParameters(value, 7)
  if (parameters === undefined) return undefined
  const username = usernameOf(parameters)
  const realm = parameters.get('realm')
  const nonce = parameters.get('nonce')
  const uri = parameters.get('uri')
  const response = parameters.get('response')
  const nc = parameters.get('nc')
  if (username === undefined || realm === undefined || nonce === undefined) return undefined
  if (uri === undefined || response === undefined) return undefined
  if (nc !== undefined && !/^[0-9a-fA-F]{8}$/.test(nc)) return undefined
  return {
    username,
    realm,
    nonce,
    uri,
    response: response.toLowerCase(),
    algorithm: parameters.get('algorithm') ?? 'MD5', // "If not present, it is assumed to be MD5" (RFC 7616 §3.3)
    qop: parameters.get('qop')?.toLowerCase(),
    cnonce: parameters.get('cnonce'),
    nc,
    userhash: parameters.get('userhash')?.toLowerCase() === 'true',
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
function usernameOf(parameters: ReadonlyMap<string, string>): string | undefined {
  const plain = parameters.get('username')
  const extended = parameters.get('username*')
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

/** Hot: `name=value` pairs between commas, values tokens or quoted strings, without a regular expression. */
function readParameters(value: string, start: number): Map<string, string> | undefined {
  const parameters = new Map<string, string>()
  let at = start
  for (;;) {
    at = pastSpaceAndCommas(value, at)
    if (at === value.length) return parameters
    const equals = value.indexOf('=', at)
    if (equals < 0 || parameters.size === parametersMax) return undefined
    const name = value.slice(at, equals).trim().toLowerCase()
    if (name === '' || parameters.has(name)) return undefined // twice: which one was hashed?
    at = pastSpace(value, equals + 1)
    if (value.charCodeAt(at) === 0x22) {
      const end = closingQuote(value, at + 1)
      if (end < 0) return undefined
      parameters.set(name, unquoted(value.slice(at + 1, end)))
      at = pastSpace(value, end + 1)
      if (at < value.length && value.charCodeAt(at) !== 0x2c) return undefined
    } else {
      const comma = value.indexOf(',', at)
      const end = comma < 0 ? value.length : comma
      const token = value.slice(at, end).trim()
      if (token === '') return undefined
      parameters.set(name, token)
      at = end
    }
  }
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
