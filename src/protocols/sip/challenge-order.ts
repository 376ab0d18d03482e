// Which Digest algorithms a challenge offers, and in which order. RFC 8760 §2.4 wants the strongest first, and a client to take the
// first that it knows; two programs give up instead.
//
// COMPAT: sipp up to 3.6 ends the whole run when the first challenge is not for MD5, and mostly names no User-Agent; baresip 1 (libre
// below 2) ends its registration with "Function not implemented" when any is not. Gone when `sipp -v` and `baresip` show later versions.
import type { DigestHash } from '#core'

const strongestFirst: readonly DigestHash[] = ['SHA-256', 'MD5']
const md5First: readonly DigestHash[] = ['MD5', 'SHA-256']
const md5Alone: readonly DigestHash[] = ['MD5']

export function challengeOrder(userAgent: string | undefined): readonly DigestHash[] {
  if (userAgent === undefined || /^sipp\b/i.test(userAgent)) return md5First
  return /^baresip v?[01]\./.test(userAgent) ? md5Alone : strongestFirst
}
