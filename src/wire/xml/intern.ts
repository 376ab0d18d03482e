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
  let seen = 0
  for (let i = start; i < end; i++) {
    const c = bytes[i]
    hash = (Math.imul(hash, 31) + c) | 0
    seen |= c
  }
  const slot = (hash ^ (hash >>> 15)) & (slots - 1)
  const known = remembered[slot]
  if (sameAscii(known, bytes, start, end)) return known
  // A text beyond ASCII would never be found again by `sameAscii`.
  if (seen >= 0x80) return text(bytes.subarray(start, end))
  const fresh = asciiText(bytes, start, end)
  remembered[slot] = fresh
  return fresh
}

/** Text of checked octets, remembered by nobody. */
export function readText(bytes: Bytes, start: number, end: number): string {
  for (let i = start; i < end; i++) if (bytes[i] >= 0x80) return text(bytes.subarray(start, end))
  return asciiText(bytes, start, end)
}

/** A Buffer reads ASCII several times faster than a TextDecoder; identifiers of stanzas are new each time. */
function asciiText(bytes: Bytes, start: number, end: number): string {
  const { latin1Slice } = bytes as { latin1Slice?: (start: number, end: number) => string }
  return latin1Slice === undefined ? text(bytes.subarray(start, end)) : latin1Slice.call(bytes, start, end)
}

/** True when the octets are exactly the characters of an ASCII string. */
export function sameAscii(ascii: string, bytes: Bytes, start: number, end: number): boolean {
  if (ascii.length !== end - start) return false
  for (let i = 0; i < ascii.length; i++) if (ascii.charCodeAt(i) !== bytes[start + i]) return false
  return true
}
