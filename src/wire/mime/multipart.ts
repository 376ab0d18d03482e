// multipart/*: body parts by their places in the octets (RFC 2046 §5.1). Parts are byte-exact, as signatures need.

import { type Bytes, concat, randomId, utf8 } from '#base'

/** LIMIT: body parts of one multipart. */
export const partsMax = 100

/** Where one part lies: from after its delimiter line to before the CR LF that belongs to the next delimiter. */
export interface PartPlace {
  readonly start: number
  readonly end: number
}

export type MultipartFault = 'bad-boundary' | 'too-many-parts' | 'no-parts' | 'unfinished'

/** The places of the parts in `bytes`, the preamble and the epilogue left out; or why there are none. */
export function splitMultipart(bytes: Bytes, boundary: string): readonly PartPlace[] | MultipartFault {
  if (!isBoundary(boundary)) return 'bad-boundary'
  const dash = utf8(`--${boundary}`)
  const parts: PartPlace[] = []
  let start = -1
  for (let line = 0; line !== -1 && line <= bytes.length; line = nextLine(bytes, line)) {
    const kind = delimiterAt(bytes, line, dash)
    if (kind === 'none') continue
    if (start !== -1) {
      if (parts.length === partsMax) return 'too-many-parts'
      parts.push({ start, end: Math.max(start, lineEndBefore(bytes, line)) })
    }
    if (kind === 'close') return parts.length === 0 ? 'no-parts' : parts
    start = nextLine(bytes, line)
    if (start === -1) return 'unfinished'
  }
  return start === -1 ? 'no-parts' : 'unfinished'
}

/** RFC 2046 §5.1.1: 1 to 70 bchars, no space at the end. */
export function isBoundary(boundary: string): boolean {
  return /^[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]$/.test(boundary)
}

function nextLine(bytes: Bytes, at: number): number {
  const lf = bytes.indexOf(10, at)
  return lf === -1 ? -1 : lf + 1
}

/** RFC 2046 §5.1.1: "--boundary", perhaps "--", then transport padding, then the line's end. */
function delimiterAt(bytes: Bytes, line: number, dash: Bytes): 'none' | 'part' | 'close' {
  for (let i = 0; i < dash.length; i++) if (bytes[line + i] !== dash[i]) return 'none'
  let at = line + dash.length
  const close = bytes[at] === 45 && bytes[at + 1] === 45
  if (close) at += 2
  while (bytes[at] === 32 || bytes[at] === 9) at++
  const ends = at >= bytes.length || bytes[at] === 10 || (bytes[at] === 13 && bytes[at + 1] === 10)
  if (!ends) return 'none'
  return close ? 'close' : 'part'
}

/** The line end before a delimiter belongs to the delimiter (RFC 2046 §5.1.1). */
function lineEndBefore(bytes: Bytes, line: number): number {
  if (bytes[line - 1] !== 10) return line
  return bytes[line - 2] === 13 ? line - 2 : line - 1
}

/**
 * A multipart body of whole entities (headers, blank line, body), each kept octet for octet.
 * @throws RangeError when `boundary` is none or occurs in a part.
 */
export function writeMultipart(parts: readonly Bytes[], boundary: string): Bytes {
  if (!isBoundary(boundary)) throw new RangeError('not a boundary')
  const dash = utf8(`--${boundary}`)
  const pieces: Bytes[] = []
  for (const part of parts) {
    if (occurs(part, dash)) throw new RangeError('the boundary occurs in a part')
    pieces.push(pieces.length === 0 ? dash : utf8(`\r\n--${boundary}`), utf8('\r\n'), part)
  }
  pieces.push(utf8(`\r\n--${boundary}--\r\n`))
  return concat(pieces)
}

/** A boundary that nobody guessed, so that no part holds it. */
export function freshBoundary(): string {
  return `=_${randomId(24)}`
}

function occurs(bytes: Bytes, needle: Bytes): boolean {
  const first = needle[0] as number
  for (let at = bytes.indexOf(first); at !== -1; at = bytes.indexOf(first, at + 1)) {
    let i = 1
    while (i < needle.length && bytes[at + i] === needle[i]) i++
    if (i === needle.length) return true
  }
  return false
}
