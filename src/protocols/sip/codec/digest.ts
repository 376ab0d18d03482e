// Digest challenges and credentials as header fields, RFC 3261 §22 and §25.1, RFC 7616 §3.3 and §3.4,
// RFC 8760 §2. Only the codec: #auth decides what they are worth.

import { isTokenChar, quoted, skipLws, skipQuoted, skipToken, unfolded, unquoted, utf8Of } from './grammar.ts'
import { commaSplit } from './headers.ts'

/** What a client answers to a challenge. Values are unquoted; `algorithm` is MD5 when it said none. */
export interface DigestCredentials {
  readonly username: string
  readonly realm: string
  readonly nonce: string
  readonly uri: string
  readonly response: string
  readonly algorithm: string
  readonly opaque: string | undefined
  readonly qop: string | undefined
  readonly cnonce: string | undefined
  /** As it came: eight hexadecimal digits. */
  readonly nc: string | undefined
  readonly userhash: boolean
}

export interface DigestChallenge {
  readonly realm: string
  readonly nonce: string
  readonly algorithm: string
  readonly opaque?: string
  readonly stale?: boolean
  readonly qop?: readonly string[]
}

/** The scheme in lower case and the parameters of a challenge or of credentials; undefined when malformed. */
export function parseAuth(value: string): { scheme: string; params: Map<string, string> } | undefined {
  const whole = unfolded(value)
  const schemeEnd = skipToken(whole, 0, whole.length)
  if (schemeEnd === 0 || whole.charCodeAt(schemeEnd) !== 0x20) return undefined
  const pieces = commaSplit(whole.slice(schemeEnd))
  if (pieces === undefined) return undefined
  const params = new Map<string, string>()
  for (const piece of pieces) {
    const nameEnd = skipToken(piece, 0, piece.length)
    const equals = skipLws(piece, nameEnd, piece.length)
    if (nameEnd === 0 || piece.charCodeAt(equals) !== 0x3d) return undefined
    const text = piece.slice(skipLws(piece, equals + 1, piece.length))
    if (!isAuthValue(text)) return undefined
    const name = piece.slice(0, nameEnd).toLowerCase()
    // A parameter that stands twice leaves open which one was meant (RFC 7616 §3.3: "MUST NOT appear more than once").
    if (params.has(name)) return undefined
    params.set(name, utf8Of(unquoted(text)))
  }
  return { scheme: whole.slice(0, schemeEnd).toLowerCase(), params }
}

function isAuthValue(text: string): boolean {
  if (text.charCodeAt(0) === 0x22) return skipQuoted(text, 0, text.length) === text.length
  for (let i = 0; i < text.length; i++) if (!isTokenChar(text.charCodeAt(i))) return false
  return text !== ''
}

/** Digest credentials; 'other' for another scheme, undefined when malformed or without what they must have. */
export function parseDigestCredentials(value: string): DigestCredentials | 'other' | undefined {
  const auth = parseAuth(value)
  if (auth === undefined) return undefined
  if (auth.scheme !== 'digest') return 'other'
  const { params } = auth
  const [username, realm, nonce, uri, response] = ['username', 'realm', 'nonce', 'uri', 'response'].map(
    (name) => params.get(name),
  )
  if (username === undefined || realm === undefined || nonce === undefined) return undefined
  if (uri === undefined || response === undefined) return undefined
  const nc = params.get('nc')
  if (nc !== undefined && !/^[0-9a-fA-F]{8}$/.test(nc)) return undefined
  return {
    username,
    realm,
    nonce,
    uri,
    response,
    algorithm: params.get('algorithm') ?? 'MD5',
    opaque: params.get('opaque'),
    qop: params.get('qop'),
    cnonce: params.get('cnonce'),
    nc,
    userhash: params.get('userhash')?.toLowerCase() === 'true',
  }
}

/** A challenge's value. RFC 3261 §22.4 point 8: qop is always there; RFC 8760 §2.4: one field an algorithm. */
export function formatDigestChallenge(challenge: DigestChallenge): string {
  const parts = [`Digest realm=${quoted(challenge.realm)}`, `nonce=${quoted(challenge.nonce)}`]
  if (challenge.opaque !== undefined) parts.push(`opaque=${quoted(challenge.opaque)}`)
  parts.push(`algorithm=${challenge.algorithm}`, `qop="${(challenge.qop ?? ['auth']).join(',')}"`)
  if (challenge.stale === true) parts.push('stale=true')
  return parts.join(', ')
}

/** The opposite of `formatDigestChallenge`; undefined when it is no Digest challenge. */
export function parseDigestChallenge(value: string): DigestChallenge | undefined {
  const auth = parseAuth(value)
  if (auth?.scheme !== 'digest') return undefined
  const { params } = auth
  const realm = params.get('realm')
  const nonce = params.get('nonce')
  if (realm === undefined || nonce === undefined) return undefined
  const opaque = params.get('opaque')
  const qop = params.get('qop')
  return {
    realm,
    nonce,
    algorithm: params.get('algorithm') ?? 'MD5',
    ...(opaque === undefined ? {} : { opaque }),
    stale: params.get('stale')?.toLowerCase() === 'true',
    ...(qop === undefined ? {} : { qop: qop.split(',').map((word) => word.trim()) }),
  }
}

/** Credentials as a client of ours writes them. */
export function formatDigestCredentials(credentials: DigestCredentials): string {
  const parts = [
    `Digest username=${quoted(credentials.username)}`,
    `realm=${quoted(credentials.realm)}`,
    `nonce=${quoted(credentials.nonce)}`,
    `uri=${quoted(credentials.uri)}`,
    `response="${credentials.response}"`,
    `algorithm=${credentials.algorithm}`,
  ]
  if (credentials.opaque !== undefined) parts.push(`opaque=${quoted(credentials.opaque)}`)
  if (credentials.qop !== undefined) parts.push(`qop=${credentials.qop}`)
  if (credentials.nc !== undefined) parts.push(`nc=${credentials.nc}`)
  if (credentials.cnonce !== undefined) parts.push(`cnonce=${quoted(credentials.cnonce)}`)
  return parts.join(', ')
}
