// Start lines (docs/specs/prim.md §3.1), read from octets. They say how long the body is.

import type { Bytes } from '#base'
import { internAscii } from '#wire/xml'
import type { Token } from './unit.ts'

interface Common {
  readonly token: Token
  readonly major: number
  readonly id: string
  /** Octets of the body. */
  readonly length: number
}

export type StartLine =
  | (Common & { readonly kind: 'request'; readonly method: string })
  | (Common & { readonly kind: 'response'; readonly status: number })

/** LIMIT: characters of a method and of a request id. */
const methodLengthMax = 32
const idLengthMax = 32

/** The line from `start` to `end` (its CR LF left out); undefined when it is no start line. */
export function parseStartLine(bytes: Bytes, start: number, end: number): StartLine | undefined {
  const first = spaceAt(bytes, start, end)
  if (first === -1) return undefined
  return isMethod(bytes, start, first)
    ? requestLine(bytes, start, first, end)
    : responseLine(bytes, start, first, end)
}

function requestLine(bytes: Bytes, start: number, first: number, end: number): StartLine | undefined {
  const second = spaceAt(bytes, first + 1, end)
  const third = second === -1 ? -1 : spaceAt(bytes, second + 1, end)
  if (third === -1) return undefined
  const version = versionOf(bytes, first + 1, second)
  const id = idOf(bytes, second + 1, third) ?? (isDash(bytes, second + 1, third) ? '-' : undefined)
  const length = numberOf(bytes, third + 1, end, 10)
  if (version === undefined || id === undefined || length === -1) return undefined
  return { kind: 'request', method: internAscii(bytes, start, first), ...version, id, length }
}

function responseLine(bytes: Bytes, start: number, first: number, end: number): StartLine | undefined {
  const second = spaceAt(bytes, first + 1, end)
  const third = second === -1 ? -1 : spaceAt(bytes, second + 1, end)
  const fourth = third === -1 ? -1 : spaceAt(bytes, third + 1, end)
  if (fourth !== third + 4) return undefined
  const version = versionOf(bytes, start, first)
  const id = idOf(bytes, first + 1, second)
  const length = numberOf(bytes, second + 1, third, 10)
  const status = numberOf(bytes, third + 1, fourth, 3)
  if (version === undefined || id === undefined || length === -1 || status < 100) return undefined
  // The phrase is for people; controls have no use in it.
  for (let at = fourth + 1; at < end; at++)
    if ((bytes[at] as number) < 32 || bytes[at] === 127) return undefined
  return { kind: 'response', ...version, id, length, status }
}

function spaceAt(bytes: Bytes, at: number, end: number): number {
  for (; at < end; at++) if (bytes[at] === 32) return at
  return -1
}

function isMethod(bytes: Bytes, at: number, end: number): boolean {
  if (end <= at || end - at > methodLengthMax) return false
  for (; at < end; at++) {
    const octet = bytes[at] as number
    if (octet < 65 || octet > 90) return false
  }
  return true
}

function isDash(bytes: Bytes, at: number, end: number): boolean {
  return end === at + 1 && bytes[at] === 45
}

/** For ids, which do not come again. */
function idOf(bytes: Bytes, at: number, end: number): string | undefined {
  if (end <= at || end - at > idLengthMax) return undefined
  let id = ''
  for (; at < end; at++) {
    const octet = bytes[at] as number
    if (!isDigit(octet) && !isLetter(octet)) return undefined
    id += String.fromCharCode(octet)
  }
  return id
}

/** A number of at most so many digits, or -1. */
function numberOf(bytes: Bytes, at: number, end: number, digitsMax: number): number {
  if (end <= at || end - at > digitsMax) return -1
  let number = 0
  for (; at < end; at++) {
    if (!isDigit(bytes[at])) return -1
    number = number * 10 + (bytes[at] as number) - 48
  }
  return number
}

const tokens: readonly Token[] = ['PRIM-PR', 'PRIM-IM', 'PRIM']

/** `PRIM-PR/1.0`; the minor number says nothing to us (RFC 9110 §2.5). */
function versionOf(bytes: Bytes, at: number, end: number): { token: Token; major: number } | undefined {
  const token = tokenAt(bytes, at, end)
  if (token === undefined) return undefined
  at += token.length + 1
  let dot = at
  while (dot < end && bytes[dot] !== 46) dot++
  const major = numberOf(bytes, at, dot, 2)
  const minor = numberOf(bytes, dot + 1, end, 2)
  return major === -1 || minor === -1 ? undefined : { token, major }
}

function tokenAt(bytes: Bytes, at: number, end: number): Token | undefined {
  for (const token of tokens) if (startsWith(bytes, at, end, token)) return token
  return undefined
}

function startsWith(bytes: Bytes, at: number, end: number, token: string): boolean {
  if (end - at < token.length + 4 || bytes[at + token.length] !== 47) return false
  for (let i = 0; i < token.length; i++) if (bytes[at + i] !== token.charCodeAt(i)) return false
  return true
}

function isDigit(octet: number | undefined): boolean {
  return octet !== undefined && octet >= 48 && octet <= 57
}

function isLetter(octet: number): boolean {
  return (octet | 32) >= 97 && (octet | 32) <= 122
}
