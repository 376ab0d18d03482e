// Start lines (docs/specs/impp-1.0.md §4), read from octets.

import type { Bytes } from '#base'
import { internAscii } from '#wire/xml'

export type StartLine =
  | { readonly kind: 'request'; readonly method: string; readonly id: string; readonly major: number }
  | {
      readonly kind: 'response'
      readonly ok: boolean
      readonly method: string
      readonly id: string
      readonly major: number
    }
  | { readonly kind: 'envelope'; readonly major: number }

/** The line from `start` to `end` (its CR LF left out); undefined when it is no start line. */
export function parseStartLine(bytes: Bytes, start: number, end: number): StartLine | undefined {
  const first = spaceAt(bytes, start, end)
  if (first === -1) return undefined
  const word = internAscii(bytes, start, first)
  if (word === 'ENVELOPE') {
    const major = majorOf(bytes, first + 1, end)
    return major === -1 ? undefined : { kind: 'envelope', major }
  }
  const second = spaceAt(bytes, first + 1, end)
  if (second === -1) return undefined
  if (word !== 'OK' && word !== 'ERROR') {
    const major = majorOf(bytes, second + 1, end)
    if (major === -1 || !isMethod(bytes, start, first) || !isId(bytes, first + 1, second)) return undefined
    const id = slice(bytes, first + 1, second)
    return id === '-' ? undefined : { kind: 'request', method: word, id, major }
  }
  const third = spaceAt(bytes, second + 1, end)
  if (third === -1 || bytes[first + 1] !== 40 || bytes[second - 1] !== 41) return undefined
  const major = majorOf(bytes, third + 1, end)
  if (major === -1 || !isMethod(bytes, first + 2, second - 1) || !isId(bytes, second + 1, third))
    return undefined
  const method = internAscii(bytes, first + 2, second - 1)
  return { kind: 'response', ok: word === 'OK', method, id: slice(bytes, second + 1, third), major }
}

function spaceAt(bytes: Bytes, at: number, end: number): number {
  for (; at < end; at++) if (bytes[at] === 32) return at
  return -1
}

/** For ids, which do not come again. */
function slice(bytes: Bytes, at: number, end: number): string {
  let text = ''
  for (; at < end; at++) text += String.fromCharCode(bytes[at] as number)
  return text
}

/** LIMIT: 32 characters. */
function isMethod(bytes: Bytes, at: number, end: number): boolean {
  if (end <= at || end - at > 32) return false
  for (; at < end; at++) {
    const octet = bytes[at] as number
    if (!(octet >= 65 && octet <= 90) && octet !== 45) return false
  }
  return true
}

/** LIMIT: 64 characters. */
function isId(bytes: Bytes, at: number, end: number): boolean {
  if (end <= at || end - at > 64) return false
  for (; at < end; at++) if (idCodes[bytes[at] as number] !== 1) return false
  return true
}

const idCodes = new Uint8Array(256)
for (const character of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.+=/') {
  idCodes[character.charCodeAt(0)] = 1
}

/** The major number of `impp/1.0`, or -1 when it is no version. */
function majorOf(bytes: Bytes, at: number, end: number): number {
  if (end - at < 8 || end - at > 12) return -1
  for (let i = 0; i < 5; i++) if (bytes[at + i] !== 'impp/'.charCodeAt(i)) return -1
  let major = 0
  let minor = 0
  at += 5
  for (let digits = 0; digits < 3 && isDigit(bytes[at]); digits++)
    major = major * 10 + (bytes[at++] as number) - 48
  if (at === end || bytes[at - 1] === 47 || bytes[at++] !== 46) return -1
  for (; minor < 3 && isDigit(bytes[at]) && at < end; minor++) at++
  return minor > 0 && at === end ? major : -1
}

function isDigit(octet: number | undefined): boolean {
  return octet !== undefined && octet >= 48 && octet <= 57
}
