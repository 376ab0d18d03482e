// The arithmetic of the Digest scheme (RFC 7616 §3.4, §3.5): from HA1 and the credentials to the response.
import type { Bytes } from '#base'
import type { DigestHash } from '#core'
import { digestOf } from './digest-hash.ts'
import type { DigestCredentials } from './digest-header.ts'

/** request-digest (RFC 7616 §3.4.1), or the older one without qop (RFC 2069). */
export function responseOf(
  ha1: string,
  credentials: DigestCredentials,
  method: string,
  body: Bytes | undefined,
): string {
  const algorithm: DigestHash = credentials.algorithm.toUpperCase() === 'MD5' ? 'MD5' : 'SHA-256'
  const { nonce, nc, cnonce, qop } = credentials
  const ha2 = ha2Of(algorithm, method, credentials, body)
  const middle = qop === undefined ? nonce : `${nonce}:${nc}:${cnonce}:${qop}`
  return digestOf(algorithm, `${ha1}:${middle}:${ha2}`)
}

/** LIMIT: hashes of A2 that are remembered, and the characters of one; past the first all are forgotten. */
const rememberedMax = 4096
const rememberedLengthMax = 128
const remembered: Readonly<Record<DigestHash, Map<string, string>>> = { MD5: new Map(), 'SHA-256': new Map() }

/** H(A2). Hot: phones write to the same people again and again, and it is half of the work. A2 holds no secret. */
function ha2Of(
  algorithm: DigestHash,
  method: string,
  { qop, uri }: DigestCredentials,
  body: Bytes | undefined,
): string {
  const a2 = `${method}:${uri}`
  if (qop === 'auth-int') return digestOf(algorithm, `${a2}:${digestOf(algorithm, body ?? '')}`)
  const hashes = remembered[algorithm]
  const known = hashes.get(a2)
  if (known !== undefined) return known
  const ha2 = digestOf(algorithm, a2)
  if (a2.length > rememberedLengthMax) return ha2
  if (hashes.size >= rememberedMax) hashes.clear()
  // A text of its own: a slice would keep the whole message that it came in.
  hashes.set(Buffer.from(a2).toString(), ha2)
  return ha2
}

/** Authentication-Info: `rspauth` is computed with an empty method, and with auth-int over the answer's body (RFC 7616 §3.5). */
export function authenticationInfo(
  ha1: string,
  credentials: DigestCredentials,
  body: Bytes | undefined,
): string {
  const { qop, cnonce, nc } = credentials
  const rspauth = responseOf(ha1, credentials, '', body)
  if (qop === undefined) return `rspauth="${rspauth}"`
  return `qop=${qop}, rspauth="${rspauth}", cnonce="${(cnonce as string).replace(/["\\]/g, '\\$&')}", nc=${nc}`
}
