// References (XML 1.0 §4.1, §4.6) and the normalisation of line ends (§2.11) and attribute values (§3.3.3).
// Only the five predefined entities exist (RFC 6120 §11.1).

import type { Bytes } from '#base'
import { isCharacter } from './characters.ts'
import type { XmlReason } from './faults.ts'
import { internAscii, readText } from './intern.ts'

const predefined = new Map([
  ['lt', '<'],
  ['gt', '>'],
  ['amp', '&'],
  ['apos', "'"],
  ['quot', '"'],
])

/** LIMIT: octets from `&` to `;`; a longer one is a bad reference. */
const referenceBytesMax = 32

/** Length of the reference at `i` (which holds `&`), 0 when its end is not here yet, or what is wrong. */
export function referenceLength(bytes: Bytes, i: number, end: number): number | XmlReason {
  const stop = Math.min(end, i + referenceBytesMax)
  let name = ''
  for (let j = i + 1; j < stop; j++) {
    const c = bytes[j]
    if (c === 0x3b) return referenceReason(name) ?? j + 1 - i
    if (!belongs(name, c)) return 'bad-reference'
    name += String.fromCharCode(c)
  }
  return stop === i + referenceBytesMax ? 'bad-reference' : 0
}

function belongs(name: string, c: number): boolean {
  const digit = c >= 0x30 && c <= 0x39
  if (name === '') return c === 0x23 || isLetter(c)
  if (name.charCodeAt(0) !== 0x23) return digit || isLetter(c) || c === 0x2d || c === 0x2e || c === 0x5f
  if (name === '#') return digit || c === 0x78
  if (name.charCodeAt(1) !== 0x78) return digit
  return digit || (c >= 0x41 && c <= 0x46) || (c >= 0x61 && c <= 0x66)
}

function isLetter(c: number): boolean {
  return (c >= 0x41 && c <= 0x5a) || (c >= 0x61 && c <= 0x7a)
}

function referenceReason(name: string): XmlReason | undefined {
  if (name.charCodeAt(0) !== 0x23) {
    if (name === '') return 'bad-reference'
    return predefined.has(name) ? undefined : 'undefined-entity'
  }
  const point = characterPoint(name)
  if (Number.isNaN(point)) return 'bad-reference'
  // XML 1.0 §4.1, "Legal Character": what may not stand there itself may not be referred to either.
  return isCharacter(point) ? undefined : 'illegal-character'
}

function characterPoint(name: string): number {
  return name.charCodeAt(1) === 0x78 ? Number.parseInt(name.slice(2), 16) : Number.parseInt(name.slice(1), 10)
}

function replacement(name: string): string {
  return predefined.get(name) ?? String.fromCodePoint(characterPoint(name))
}

/** Text of a checked attribute value between its quotes (XML 1.0 §3.3.3, CDATA type). */
export function decodeValue(bytes: Bytes, start: number, end: number): string {
  if (isPlain(bytes, start, end)) return internAscii(bytes, start, end)
  const raw = readText(bytes, start, end)
  return expand(raw.replace(/\r\n|[\t\n\r]/g, ' '))
}

/** True for ASCII in which nothing stands for something else. */
function isPlain(bytes: Bytes, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const c = bytes[i]
    if (c < 0x20 || c >= 0x80 || c === 0x26) return false
  }
  return true
}

/** Text of checked character data without markup (XML 1.0 §2.11). */
export function decodeText(bytes: Bytes, start: number, end: number): string {
  return expand(decodeCdata(bytes, start, end))
}

/** Text of the inside of a CDATA section: line ends are normalised, nothing is expanded. */
export function decodeCdata(bytes: Bytes, start: number, end: number): string {
  const raw = readText(bytes, start, end)
  return raw.includes('\r') ? raw.replace(/\r\n?/g, '\n') : raw
}

function expand(raw: string): string {
  return raw.includes('&') ? raw.replace(/&([^;]*);/g, (_, name: string) => replacement(name)) : raw
}
