// A SEND that goes on (docs/specs/prim.md §5.3): a start line of our own, its fields and body octet for octet, but for those of the
// hop, which are put anew at the end of the block.

import { type Bytes, concat, utf8 } from '#base'
import type { HeaderLines } from '#wire/header-lines'
import { field } from './header-fields.ts'
import type { PrimRequest, Token } from './unit.ts'
import { fieldBlock, requestLine } from './write.ts'

/** The whole unit with `hop` in place of the fields of those names; hot: it is made for every message. */
export function withHopFields(
  { headers, body }: Pick<PrimRequest, 'headers' | 'body'>,
  method: string,
  token: Token,
  id: string,
  hop: readonly (readonly [name: string, value: string | undefined])[],
): Bytes {
  const { bytes, start, end } = headers
  const before = requestLine(method, token, id, body.length)
  const after = fieldBlock(hop)
  // The blank line that ends the block is behind the fields of the hop.
  const kept = hasAny(headers, hop) ? linesWithout(headers, hop) : bytes.subarray(start, end - 2)
  const whole = new Uint8Array(before.length + kept.length + after.length + body.length)
  putAscii(whole, 0, before)
  whole.set(kept, before.length)
  putAscii(whole, before.length + kept.length, after)
  whole.set(body, whole.length - body.length)
  return whole
}

/** Start lines and fields of the hop are ours, and ASCII. */
function putAscii(bytes: Bytes, at: number, text: string): void {
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i)
}

type Hop = readonly (readonly [name: string, value: string | undefined])[]

function hasAny(headers: HeaderLines, hop: Hop): boolean {
  for (const [name] of hop) if (field(headers, name) !== undefined) return true
  return false
}

function linesWithout(headers: HeaderLines, hop: Hop): Bytes {
  const lines: Bytes[] = []
  for (let index = 0; index < headers.length; index++) {
    const name = headers.name(index)
    if (!hop.some(([own]) => own === name)) lines.push(lineOf(headers, index))
  }
  return concat(lines)
}

/** One line, its CR LF included. */
function lineOf({ bytes, offsets }: HeaderLines, index: number): Bytes {
  return bytes.subarray(offsets[index * 4], (offsets[index * 4 + 3] as number) + 2)
}

/** The same unit with another start line: nothing else is touched. */
export function withStartLine(raw: Bytes, method: string, token: Token, id: string, body: number): Bytes[] {
  return [utf8(requestLine(method, token, id, body)), raw.subarray(raw.indexOf(10) + 1)]
}
