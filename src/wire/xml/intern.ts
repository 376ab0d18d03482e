// Short texts that come again and again (names, namespaces, addresses) as one string each: no decoding, no garbage,
// and a string whose hash is already known to whatever map it is looked up in.

import { type Bytes, text } from '#base'

/** LIMIT: slots of the table; a newer text takes the place of an older one. Shared by the whole thread. */
const slots = 4096
/** LIMIT: octets of a text that is remembered. */
const bytesMax = 128

const remembered: string[] = new Array(slots).fill('')

/** The text of ASCII octets. For others use `text`. */
export function internAscii(bytes: Bytes, start: number, end: number): string {
  const length = end - start
  if (length === 0) return ''
  if (length > bytesMax) return text(bytes.subarray(start, end))
  let hash = length
  for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + bytes[i]) | 0
  const slot = (hash ^ (hash >>> 15)) & (slots - 1)
  const known = remembered[slot]
  if (sameAscii(known, bytes, start, end)) return known
  const fresh = text(bytes.subarray(start, end))
  // A text beyond ASCII would never be found again by `sameAscii`.
  if (fresh.length === length) remembered[slot] = fresh
  return fresh
}

/** True when the octets are exactly the characters of an ASCII string. */
export function sameAscii(ascii: string, bytes: Bytes, start: number, end: number): boolean {
  if (ascii.length !== end - start) return false
  for (let i = 0; i < ascii.length; i++) if (ascii.charCodeAt(i) !== bytes[start + i]) return false
  return true
}
