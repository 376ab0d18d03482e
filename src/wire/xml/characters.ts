// Characters of XML 1.0 (fifth edition) §2.2 and §2.3 in UTF-8 (RFC 3629 §4), classified without decoding
// where a byte is enough.

import type { Bytes } from '#base'
import type { XmlReason } from './faults.ts'

/** May be skipped in character data: neither markup, nor `>`, nor a control, nor part of a longer character. */
export const plainText = 1
/** May be skipped in an attribute value: as above, and neither a quote nor whitespace to normalise. */
export const plainValue = 2
export const nameStart = 4
export const nameChar = 8
export const space = 16

/** Bit set of the classes above for each octet. */
export const classOf: Uint8Array = (() => {
  const table = new Uint8Array(256)
  for (let c = 0x20; c < 0x80; c++) table[c] = plainText | plainValue
  for (const c of '\t\n\r') table[c.charCodeAt(0)] = plainText | space
  table[0x20] |= space
  for (const c of '<&') table[c.charCodeAt(0)] = 0
  table['>'.charCodeAt(0)] = plainValue
  for (const c of `"'`) table[c.charCodeAt(0)] = plainText
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_'
  for (const c of letters) table[c.charCodeAt(0)] |= nameStart | nameChar
  for (const c of '0123456789-.') table[c.charCodeAt(0)] |= nameChar
  return table
})()

/** What `characterLength` answers when it has no length. */
export const needMore = 0
export const invalidUtf8 = -1
export const illegalCharacter = -2
export const badName = -3

/**
 * Length (2 to 4) of the character beyond ASCII that starts at `i`, or one of the three answers above. Refuses at
 * the first octet that cannot continue it: overlong forms, surrogates, above U+10FFFF (RFC 3629 §3), and U+FFFE
 * and U+FFFF (XML 1.0 §2.2).
 */
export function characterLength(bytes: Bytes, i: number, end: number): number {
  const first = bytes[i]
  if (first < 0xc2 || first > 0xf4) return invalidUtf8
  if (i + 1 >= end) return needMore
  const second = bytes[i + 1]
  if (first < 0xe0) return (second & 0xc0) === 0x80 ? 2 : invalidUtf8
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80
  const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf
  if (second < low || second > high) return invalidUtf8
  if (i + 2 >= end) return needMore
  const third = bytes[i + 2]
  if ((third & 0xc0) !== 0x80) return invalidUtf8
  if (first < 0xf0) return first === 0xef && second === 0xbf && third >= 0xbe ? illegalCharacter : 3
  if (i + 3 >= end) return needMore
  return (bytes[i + 3] & 0xc0) === 0x80 ? 4 : invalidUtf8
}

/** The code point of a character whose length (2 to 4) is known and valid. */
export function codePointAt(bytes: Bytes, i: number, length: number): number {
  const first = bytes[i]
  if (length === 2) return ((first & 0x1f) << 6) | (bytes[i + 1] & 0x3f)
  const rest = ((bytes[i + 1] & 0x3f) << 6) | (bytes[i + 2] & 0x3f)
  if (length === 3) return ((first & 0x0f) << 12) | rest
  return ((first & 0x07) << 18) | (rest << 6) | (bytes[i + 3] & 0x3f)
}

/** Char, XML 1.0 §2.2. */
export function isCharacter(c: number): boolean {
  if (c < 0x20) return c === 0x09 || c === 0x0a || c === 0x0d
  return c <= 0xd7ff || (c >= 0xe000 && c <= 0xfffd) || (c >= 0x10000 && c <= 0x10ffff)
}

/** NameStartChar beyond ASCII, XML 1.0 §2.3. */
export function isNameStart(c: number): boolean {
  return (
    (c >= 0xc0 && c !== 0xd7 && c !== 0xf7 && c <= 0x2ff) ||
    (c >= 0x370 && c !== 0x37e && c <= 0x1fff) ||
    c === 0x200c ||
    c === 0x200d ||
    (c >= 0x2070 && c <= 0x218f) ||
    (c >= 0x2c00 && c <= 0x2fef) ||
    (c >= 0x3001 && c <= 0xd7ff) ||
    (c >= 0xf900 && c <= 0xfdcf) ||
    (c >= 0xfdf0 && c <= 0xfffd) ||
    (c >= 0x10000 && c <= 0xeffff)
  )
}

/** NameChar beyond ASCII, XML 1.0 §2.3. */
export function isNameChar(c: number): boolean {
  return isNameStart(c) || c === 0xb7 || (c >= 0x300 && c <= 0x36f) || c === 0x203f || c === 0x2040
}

/** The fault that a negative length stands for. */
export function characterReason(length: number): XmlReason {
  if (length === badName) return 'bad-name'
  return length === illegalCharacter ? 'illegal-character' : 'invalid-utf8'
}

/** Length of a character that no class let pass: in ASCII none is left that may stand there. */
export function otherLength(bytes: Bytes, i: number, end: number): number {
  return bytes[i] < 0x80 ? illegalCharacter : characterLength(bytes, i, end)
}

/** The same where `<` and `&` are no markup. */
export function looseLength(bytes: Bytes, i: number, end: number): number {
  return bytes[i] === 0x3c || bytes[i] === 0x26 ? 1 : otherLength(bytes, i, end)
}

export function nameStartLength(bytes: Bytes, i: number, end: number): number {
  const c = bytes[i]
  if ((classOf[c] & nameStart) !== 0) return 1
  if (c < 0x80) return badName
  const length = characterLength(bytes, i, end)
  return length <= 0 || isNameStart(codePointAt(bytes, i, length)) ? length : badName
}

/** Of a character beyond ASCII. */
export function nameCharLength(bytes: Bytes, i: number, end: number): number {
  const length = characterLength(bytes, i, end)
  return length <= 0 || isNameChar(codePointAt(bytes, i, length)) ? length : badName
}
