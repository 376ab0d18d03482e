// What an unknown name gets instead of a verifier: a salt that is always the same for the same name and tells nothing,
// so that a guesser cannot see whether the account exists (RFC 5802 §9, RFC 7677 §4 leave it to us; we choose).
import { createHmac } from 'node:crypto'
import type { Bytes } from '#base'
import type { ScramHash, ScramVerifier } from '#core'
import { octetsOf } from './scram-keys.ts'

/** Octets of a SCRAM salt, ours and the pretended ones alike. */
export const saltOctets = 16

/** A verifier that no password fits; `key` is a secret of this server that outlives restarts. */
export function pretendedVerifier(
  key: Bytes,
  hash: ScramHash,
  name: string,
  iterations: number,
): ScramVerifier {
  return {
    salt: derived(key, `salt ${hash} ${name}`, saltOctets),
    iterations,
    storedKey: derived(key, `stored ${hash} ${name}`, octetsOf(hash)),
    serverKey: derived(key, `server ${hash} ${name}`, octetsOf(hash)),
  }
}

/** An HA1 that no password fits. */
export function pretendedHa1(key: Bytes, hash: string, name: string): string {
  return createHmac('sha256', key)
    .update(`ha1 ${hash} ${name}`)
    .digest('hex')
    .slice(0, hash === 'MD5' ? 32 : 64)
}

function derived(key: Bytes, what: string, octets: number): string {
  return createHmac('sha512', key).update(what).digest().subarray(0, octets).toString('base64')
}
