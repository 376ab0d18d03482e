// Header fields of PRIM and how their values are read (docs/specs/prim.md §3.3, §5). Letter case of names matters.

import type { Bytes } from '#base'
import { HeaderLines } from '#wire/header-lines'
import { internAscii } from '#wire/xml'

/** The fields that a unit may have once. All others are kept and passed on as they are. */
export const knownFields: ReadonlySet<string> = new Set([
  'From',
  'To',
  'Domain',
  'Auth-State',
  'SASL-Mech',
  'Redirect',
  'Server-Address',
  'AStrength',
  'Max-Content-Length',
  'Date',
  'Content-Type',
  'Class',
  'Tuple-ID',
  'Duration',
  'PI-Type',
  'Watcher-Type',
  'Subscription-ID',
  'Message-ID',
  'Conversation-ID',
  'Reply-To',
  'Hop-Count',
  'Report',
  'About',
  'Status',
])

/** A bit for each, so that what was seen is one number. */
const bits: ReadonlyMap<string, number> = new Map([...knownFields].map((name, at) => [name, 1 << at]))

/** The value of the field with exactly this name. */
export function field(headers: HeaderLines, name: string): string | undefined {
  const { bytes, offsets } = headers
  for (let at = 0; at < offsets.length; at += 4)
    if (isName(bytes, offsets[at] as number, offsets[at + 1] as number, name)) return headers.value(at >> 2)
  return undefined
}

function isName(bytes: Bytes, at: number, end: number, name: string): boolean {
  if (end - at !== name.length) return false
  for (let i = 0; i < name.length; i++) if (bytes[at + i] !== name.charCodeAt(i)) return false
  return true
}

/**
 * The same block by PRIM's own rules: one space after the colon, names of letters, digits and hyphens, no control in a value, no
 * known field twice, no Content-Transfer-Encoding. An offset where it breaks one.
 */
export function primLines({ bytes, start, end, offsets }: HeaderLines): HeaderLines | number {
  const own: number[] = []
  let fault = -1
  let seen = 0
  for (let at = 0; at < offsets.length; at += 4) {
    const name = offsets[at] as number
    const colon = offsets[at + 1] as number
    const value = offsets[at + 2] as number
    const valueEnd = offsets[at + 3] as number
    for (let i = name; i < colon; i++) if (!isNameOctet(bytes[i] as number)) return i
    if (bytes[value] !== 32) return value
    for (let i = value; i < valueEnd; i++) if (bytes[i] === 9) return i
    own.push(name, colon, value + 1, valueEnd)
    const written = internAscii(bytes, name, colon)
    const bit = bits.get(written) ?? 0
    const isWrong = (seen & bit) !== 0 || written === 'Content-Transfer-Encoding'
    if (isWrong && fault === -1) fault = name
    seen |= bit
  }
  return fault === -1 ? new HeaderLines(bytes, start, end, own) : fault
}

function isNameOctet(octet: number): boolean {
  return octet === 45 || (octet >= 48 && octet <= 57) || ((octet | 32) >= 97 && (octet | 32) <= 122)
}

/** A number of 1 to 10 digits. */
export function decimal(value: string): number | undefined {
  return /^[0-9]{1,10}$/.test(value) ? Number(value) : undefined
}

/** LIMIT: characters of an identifier of the user's making (Tuple-ID, Subscription-ID, a class's name). */
export const tokenLengthMax = 255

/** `token-text` (docs/specs/prim.md §3.1): Tuple-ID, Conversation-ID, Subscription-ID, a class. */
export function isTokenText(value: string): boolean {
  return value.length <= tokenLengthMax && /^(?:[A-Za-z0-9!$&'*.+\-/=?_~]|%[0-9A-Fa-f]{2})+$/.test(value)
}

/** Any text as `token-text`. */
export function tokenText(text: string): string {
  return text.replace(/[^A-Za-z0-9!$&'*.+\-/=?_~]/gu, (character) => {
    const encoded = encodeURIComponent(character)
    return encoded.length > 1 ? encoded : `%${character.charCodeAt(0).toString(16).toUpperCase()}`
  })
}

/** The text that `token-text` stands for; as it is where its escapes are no UTF-8. */
export function textOfToken(token: string): string {
  try {
    return decodeURIComponent(token)
  } catch {
    return token
  }
}

/** The classes of a list, or undefined when it is none. LIMIT: 32 of them. */
export function classList(value: string): readonly string[] | undefined {
  const classes = value.split(' ')
  return classes.length <= 32 && classes.every(isTokenText) ? [...new Set(classes)] : undefined
}

/** Mechanisms, whichever way they are separated (docs/specs/prim.md §3.1). */
export function mechanismList(value: string): readonly string[] | undefined {
  const mechanisms = value.split(/, ?| /)
  return mechanisms.length <= 32 && mechanisms.every((name) => /^[A-Z0-9_-]{1,20}$/.test(name))
    ? mechanisms
    : undefined
}

/** LIMIT: characters of a Message-ID. */
export const messageIdLengthMax = 512

/** `token-text [ "@" domain ]`. */
export function isMessageId(value: string): boolean {
  if (value.length > messageIdLengthMax) return false
  return /^(?:[A-Za-z0-9!$&'*.+\-/=?_~]|%[0-9A-Fa-f]{2})+(?:@[A-Za-z0-9.-]+)?$/.test(value)
}

/** The last that was written: many in a row are of one second. */
let written = { second: Number.NaN, text: '' }

/** RFC 1123 §5.2.14, numeric zone: `Fri, 01 May 2026 09:05:00 +0000`. */
export function dateText(milliseconds: number): string {
  const second = Math.floor(milliseconds / 1000)
  if (second !== written.second)
    written = { second, text: new Date(milliseconds).toUTCString().replace('GMT', '+0000') }
  return written.text
}

export function dateOf(value: string | undefined): number | undefined {
  const at = value === undefined ? Number.NaN : Date.parse(value)
  return Number.isNaN(at) ? undefined : at
}
