// A SEND that goes on (docs/specs/prim.md §5.3): a start line of our own, its fields and body octet for octet, but for those of the
// hop, which are put anew at the end of the block.

import { type Bytes, concat, utf8 } from '#base'
import type { HeaderLines } from '#wire/header-lines'
import type { PrimRequest, Token } from './unit.ts'
import { fieldBlock, requestLine } from './write.ts'

/** The whole unit with `hop` in place of the fields of those names. */
export function withHopFields(
  { headers, body }: Pick<PrimRequest, 'headers' | 'body'>,
  method: string,
  token: Token,
  id: string,
  hop: readonly (readonly [name: string, value: string | undefined])[],
): Bytes {
  const parts: Bytes[] = [utf8(requestLine(method, token, id, body.length))]
  for (let index = 0; index < headers.length; index++) {
    const name = headers.name(index)
    if (!hop.some(([own]) => own === name)) parts.push(lineOf(headers, index))
  }
  parts.push(utf8(fieldBlock(hop)), body)
  return concat(parts)
}

/** One line, its CR LF included. */
function lineOf({ bytes, offsets }: HeaderLines, index: number): Bytes {
  return bytes.subarray(offsets[index * 4], (offsets[index * 4 + 3] as number) + 2)
}

/** The same unit with another start line: nothing else is touched. */
export function withStartLine(raw: Bytes, method: string, token: Token, id: string, body: number): Bytes[] {
  return [utf8(requestLine(method, token, id, body)), raw.subarray(raw.indexOf(10) + 1)]
}
