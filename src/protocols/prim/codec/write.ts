// Units out (docs/specs/prim.md §3). Values that would break their line are refused by the header writer.

import { type Bytes, concat, utf8 } from '#base'
import { headerLine, isHeaderName } from '#wire/header-lines'
import { phraseOf } from './status.ts'
import type { Token } from './unit.ts'

export type Fields = Iterable<readonly [name: string, value: string | undefined]>

/** A body with its media type; without one where the method has a default (LOGIN). */
export interface Body {
  readonly type: string | undefined
  readonly bytes: Bytes
}

export const versionNumber = '1.0'

export function requestLine(method: string, token: Token, id: string, length: number): string {
  return `${method} ${token}/${versionNumber} ${id} ${length}\r\n`
}

export function requestBytes(method: string, token: Token, id: string, fields: Fields, body?: Body): Bytes {
  return unitBytes(requestLine(method, token, id, body?.bytes.length ?? 0), fields, body)
}

export function responseBytes(
  token: Token,
  id: string,
  status: number,
  fields: Fields,
  body?: Body,
  phrase: string = phraseOf(status),
): Bytes {
  const line = `${token}/${versionNumber} ${id} ${body?.bytes.length ?? 0} ${status} ${phrase}\r\n`
  return unitBytes(line, fields, body)
}

/** A response of fields that were read, name, value, name, value: hot, and written as they stood. */
export function repeatedResponse(
  token: Token,
  id: string,
  status: number,
  fields: readonly string[],
  phrase: string = phraseOf(status),
): string {
  let block = ''
  for (let at = 0; at < fields.length; at += 2) block += `${fields[at]}: ${fields[at + 1]}\r\n`
  return `${token}/${versionNumber} ${id} 0 ${status} ${phrase}\r\n${block}\r\n`
}

/** All lines and the blank line that ends them; §3.1: a space follows the colon, were there nothing behind it. */
export function fieldBlock(fields: Fields): string {
  let block = ''
  for (const [name, value] of fields)
    if (value !== undefined)
      block += value === '' && isHeaderName(name) ? `${name}: \r\n` : headerLine(name, value)
  return `${block}\r\n`
}

function unitBytes(startLine: string, fields: Fields, body: Body | undefined): Bytes {
  if (body === undefined || body.bytes.length === 0) return utf8(startLine + fieldBlock(fields))
  const head = fieldBlock([...fields, ['Content-Type', body.type]])
  return concat([utf8(startLine + head), body.bytes])
}
