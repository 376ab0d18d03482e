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
  const { nonce, nc, cnonce, qop, uri } = credentials
  const a2 = `${method}:${uri}`
  const ha2 = digestOf(algorithm, qop === 'auth-int' ? `${a2}:${digestOf(algorithm, body ?? '')}` : a2)
  const middle = qop === undefined ? nonce : `${nonce}:${nc}:${cnonce}:${qop}`
  return digestOf(algorithm, `${ha1}:${middle}:${ha2}`)
}

/** Authentication-Info: `rspauth` is computed with an empty method (RFC 7616 §3.5). */
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
