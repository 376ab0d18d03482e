// The units of IMPP/1.0 (docs/specs/impp-1.0.md §4): requests and responses, by offsets into the octets they came in.

import type { Bytes } from '#base'
import type { HeaderLines } from '#wire/header-lines'

export const version = 'impp/1.0'

/** What both have. `raw` and `body` are loans until the next octets are pushed into the framer. */
interface UnitParts {
  /** Between the parentheses of a response, where it is for people only. */
  readonly method: string
  readonly id: string
  readonly headers: HeaderLines
  readonly body: Bytes
  /** Start line to the end of the body; the envelope before it is not part of it. */
  readonly raw: Bytes
}

export interface ImppRequest extends UnitParts {
  readonly kind: 'request'
  /** What a server on the way said of it. */
  readonly envelope: HeaderLines | undefined
}

export interface ImppResponse extends UnitParts {
  readonly kind: 'response'
  readonly ok: boolean
}

export type ImppUnit = ImppRequest | ImppResponse

/** What could not be a unit. After a fatal one nobody knows where the next unit begins. */
export interface ImppFault {
  readonly kind: 'fault'
  readonly condition: 'malformed' | 'message-too-large' | 'version-not-supported'
  /** `-` where the start line could not be read (§4 item 3). */
  readonly method: string
  readonly id: string
  /** Of the request, as far as known, so that the answer finds its way. */
  readonly headers: HeaderLines | undefined
  /** True when it was a response, which is not answered. */
  readonly response: boolean
  readonly fatal: boolean
  /** Octets after the beginning of the unit. */
  readonly offset: number
}
