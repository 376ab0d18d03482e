// Content-Transfer-Encoding (RFC 2045 §6): the octets that were meant.

import { type Bytes, concat, utf8 } from '#base'

/** The octets behind the encoding; undefined when the encoding is unknown or the octets are not in it. */
export function decodeTransferEncoding(bytes: Bytes, encoding: string): Bytes | undefined {
  switch (encoding.trim().toLowerCase()) {
    case '':
    case '7bit':
    case '8bit':
    case 'binary':
      return bytes
    case 'base64':
      return decodeBase64(bytes)
    case 'quoted-printable':
      return decodeQuotedPrintable(bytes)
    default:
      return undefined
  }
}

const base64Alphabet = utf8('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/')
const base64Values = new Int8Array(256).fill(-1)
for (const [value, octet] of base64Alphabet.entries()) base64Values[octet] = value

/**
 * RFC 2045 §6.8: characters outside the alphabet are skipped there, so only line ends and white space are here; anything
 * else, a length that cannot be, bits left over that are not zero, or data after the padding is undefined (RFC 4648 §3.3,
 * §3.5: what is lenient can hide data).
 */
export function decodeBase64(bytes: Bytes): Bytes | undefined {
  const decoded = new Uint8Array(Math.floor((bytes.length * 3) / 4))
  let length = 0
  let bits = 0
  let held = 0
  let sextets = 0
  let padding = 0
  for (const octet of bytes) {
    if (octet === 13 || octet === 10 || octet === 32 || octet === 9) continue
    if (octet === 61) {
      padding++
      continue
    }
    const value = base64Values[octet] as number
    if (value === -1 || padding > 0) return undefined
    held = ((held << 6) | value) & 0xfff
    sextets++
    bits += 6
    if (bits >= 8) {
      bits -= 8
      decoded[length++] = (held >> bits) & 0xff
    }
  }
  if (padding > 2 || (sextets + padding) % 4 !== 0 || (held & ((1 << bits) - 1)) !== 0) return undefined
  return decoded.subarray(0, length)
}

/** Base64 on one line, or in lines of 76 ended by CR LF where `lines` is asked for (RFC 2045 §6.8). */
export function encodeBase64(bytes: Bytes, lines = false): string {
  let encoded = ''
  for (let i = 0; i < bytes.length; i += 3) {
    if (lines && i > 0 && i % 57 === 0) encoded += '\r\n'
    const [a, b, c] = [bytes[i] as number, bytes[i + 1], bytes[i + 2]]
    encoded += sextet(a >> 2) + sextet(((a & 3) << 4) | ((b ?? 0) >> 4))
    encoded += b === undefined ? '=' : sextet(((b & 15) << 2) | ((c ?? 0) >> 6))
    encoded += c === undefined ? '=' : sextet(c & 63)
  }
  return encoded
}

function sextet(value: number): string {
  return String.fromCharCode(base64Alphabet[value] as number)
}

/** RFC 2045 §6.7. A `=` that is neither a soft line break nor followed by two hexadecimal digits makes it undefined. */
export function decodeQuotedPrintable(bytes: Bytes): Bytes | undefined {
  const decoded = new Uint8Array(bytes.length)
  let length = 0
  /** Where white space at the end of what was written began: it is deleted before a line end (rule 3). */
  let solid = 0
  for (let at = 0; at < bytes.length; at++) {
    const octet = bytes[at] as number
    if (octet === 61) {
      const soft = softBreakEnd(bytes, at + 1)
      if (soft !== -1) {
        at = soft
        solid = length
        continue
      }
      const value = hexadecimal(bytes[at + 1]) * 16 + hexadecimal(bytes[at + 2])
      if (!(value >= 0)) return undefined
      decoded[length++] = value
      solid = length
      at += 2
    } else {
      if (octet === 10 || (octet === 13 && bytes[at + 1] === 10)) length = solid
      decoded[length++] = octet
      if (octet !== 32 && octet !== 9) solid = length
    }
  }
  return decoded.subarray(0, solid)
}

/** The last octet of a soft line break whose `=` stands before `at` (rule 5; white space may pad it), or -1. */
function softBreakEnd(bytes: Bytes, at: number): number {
  while (bytes[at] === 32 || bytes[at] === 9) at++
  if (bytes[at] === 13 && bytes[at + 1] === 10) return at + 1
  if (bytes[at] === 10) return at
  return at >= bytes.length ? at : -1
}

function hexadecimal(octet: number | undefined): number {
  if (octet === undefined) return Number.NaN
  if (octet >= 48 && octet <= 57) return octet - 48
  const lower = octet | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : Number.NaN
}

/** `bytes` as quoted-printable, octet for octet: line ends are encoded too, so that nothing is normalised on the way. */
export function encodeQuotedPrintable(bytes: Bytes): Bytes {
  const lines: Bytes[] = []
  let line = ''
  for (const octet of bytes) {
    const plain = octet >= 33 && octet <= 126 && octet !== 61
    const piece = plain ? String.fromCharCode(octet) : `=${octet.toString(16).toUpperCase().padStart(2, '0')}`
    if (line.length + piece.length > 75) {
      lines.push(utf8(`${line}=\r\n`))
      line = ''
    }
    line += piece
  }
  lines.push(utf8(line))
  return concat(lines)
}
