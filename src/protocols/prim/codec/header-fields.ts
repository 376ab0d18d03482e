// Header fields of PRIM and how their values are read (docs/specs/prim.md §3.3, §5). Letter case of names matters.

import { HeaderLines } from '#wire/header-lines'

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
])

/** The value of the field with exactly this name. */
export function field(headers: HeaderLines, name: string): string | undefined {
  const lower = name.toLowerCase()
  for (let at = headers.find(lower); at !== -1; at = headers.find(lower, at + 1))
    if (headers.name(at) === name) return headers.value(at)
  return undefined
}

/**
 * The same block by PRIM's own rules: one space after the colon, names of letters, digits and hyphens, no control in a value, no
 * known field twice, no Content-Transfer-Encoding. An offset where it breaks one.
 */
export function primLines({ bytes, start, end, offsets }: HeaderLines): HeaderLines | number {
  const own: number[] = []
  const seen = new Set<string>()
  for (let at = 0; at < offsets.length; at += 4) {
    const [name, colon, value, valueEnd] = offsets.slice(at, at + 4) as [number, number, number, number]
    for (let i = name; i < colon; i++) if (!isNameOctet(bytes[i] as number)) return i
    if (bytes[value] !== 32) return value
    for (let i = value; i < valueEnd; i++) if (bytes[i] === 9) return i
    own.push(name, colon, value + 1, valueEnd)
  }
  const lines = new HeaderLines(bytes, start, end, own)
  for (let at = 0; at < lines.length; at++) {
    const name = lines.name(at)
    if (name === 'Content-Transfer-Encoding') return own[at * 4] as number
    if (!knownFields.has(name)) continue
    if (seen.has(name)) return own[at * 4] as number
    seen.add(name)
  }
  return lines
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

/** RFC 1123 §5.2.14, numeric zone: `Fri, 01 May 2026 09:05:00 +0000`. */
export function dateText(milliseconds: number): string {
  return new Date(milliseconds).toUTCString().replace('GMT', '+0000')
}

export function dateOf(value: string | undefined): number | undefined {
  const at = value === undefined ? Number.NaN : Date.parse(value)
  return Number.isNaN(at) ? undefined : at
}
