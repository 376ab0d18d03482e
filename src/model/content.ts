// MIME content in flight: type and exact octets, so that signatures survive (Framework §2, F17, F18).
import type { Bytes } from '#base'

export interface Content {
  /** Media type with its parameters, as the sender wrote it: `text/plain;charset=utf-8`. */
  readonly type: string
  readonly bytes: Bytes
  /** Further MIME header fields that belong to the content, name as written. */
  readonly fields: readonly { readonly name: string; readonly value: string }[]
}
