// Units out (docs/specs/impp-1.0.md §4). Values that would break their line are refused by the header writer.

import { type Bytes, concat, noBytes, utf8 } from '#base'
import { headerBlock } from '#wire/header-lines'
import { version } from './unit.ts'

export type Fields = Iterable<readonly [name: string, value: string | undefined]>

/** A body with its media type. */
export interface Body {
  readonly type: string
  readonly bytes: Bytes
}

export function requestBytes(method: string, id: string, fields: Fields, body?: Body): Bytes {
  return unitBytes(`${method} ${id} ${version}\r\n`, fields, body)
}

export function responseBytes(ok: boolean, method: string, id: string, fields: Fields, body?: Body): Bytes {
  return unitBytes(`${ok ? 'OK' : 'ERROR'} (${method}) ${id} ${version}\r\n`, fields, body)
}

/** What is written before a request that passes untouched (§4 item 5). */
export function envelopeBytes(fields: Fields): Bytes {
  return utf8(`ENVELOPE ${version}\r\n${headerBlock(fields)}`)
}

function unitBytes(startLine: string, fields: Fields, body: Body | undefined): Bytes {
  const content: [string, string][] =
    body === undefined || body.bytes.length === 0
      ? []
      : [
          ['Content-Type', body.type],
          ['Content-Length', String(body.bytes.length)],
        ]
  const head = utf8(startLine + headerBlock([...fields, ...content]))
  return content.length === 0 ? head : concat([head, body?.bytes ?? noBytes])
}
