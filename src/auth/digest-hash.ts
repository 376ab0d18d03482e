// The hashes of HTTP and SIP Digest and the HA1 that is kept (RFC 7616 §3.4.2, RFC 8760 §2).
import { hash } from 'node:crypto'
import type { Bytes } from '#base'
import type { DigestHash, Secrets } from '#core'

/** Strongest first (RFC 8760 §2.3: the order of preference). */
export const digestHashes: readonly DigestHash[] = ['SHA-256', 'MD5']

const names = { MD5: 'md5', 'SHA-256': 'sha256' } as const

/** H(data), lower-case hexadecimal. */
export function digestOf(algorithm: DigestHash, data: string | Bytes): string {
  return hash(names[algorithm], data, 'hex')
}

/** A1 := unq(username) ":" unq(realm) ":" passwd, hashed (RFC 7616 §3.4.2). */
export function ha1Of(algorithm: DigestHash, name: string, realm: string, password: string): string {
  return digestOf(algorithm, `${name}:${realm}:${password}`)
}

/** The key of an HA1 in `Secrets.ha1`; `name` is `user` or `user@domain`. */
export function ha1Key(algorithm: DigestHash, name: string, realm: string): string {
  return `${algorithm} ${name}:${realm}`
}

/** The secrets without the MD5 digests, which are as good as the password to who steals them (RFC 7616 §5.2). */
export function withoutMd5(secrets: Secrets): Secrets {
  return {
    ...secrets,
    ha1: Object.fromEntries(Object.entries(secrets.ha1).filter(([key]) => !key.startsWith('MD5 '))),
  }
}
