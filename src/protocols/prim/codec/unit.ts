// The units of PRIM (docs/specs/prim.md §3): requests and responses, by offsets into the octets they came in.

import type { Bytes } from '#base'
import type { HeaderLines } from '#wire/header-lines'

/** The version tokens (docs/specs/prim.md §3.2): the first two name the service, the third leaves it to the method. */
export type Token = 'PRIM-PR' | 'PRIM-IM' | 'PRIM'

/** What both have. `raw` and `body` are loans until the next octets are pushed into the framer. */
interface UnitParts {
  readonly token: Token
  /** `-` where no response is expected. */
  readonly id: string
  readonly headers: HeaderLines
  readonly body: Bytes
  /** Start line to the end of the body. */
  readonly raw: Bytes
}

export interface PrimRequest extends UnitParts {
  readonly kind: 'request'
  readonly method: string
}

export interface PrimResponse extends UnitParts {
  readonly kind: 'response'
  readonly status: number
}

export type PrimUnit = PrimRequest | PrimResponse

/** What could not be a unit. After a fatal one nobody knows where the next unit begins. */
export interface PrimFault {
  readonly kind: 'fault'
  readonly condition: 'malformed' | 'message-too-large' | 'version-not-supported'
  readonly token: Token
  /** `-` where the start line could not be read, or no answer is wanted. */
  readonly id: string
  /** Of the request, as far as known: what its answer repeats. */
  readonly headers: HeaderLines | undefined
  /** True when it was a response, which is not answered. */
  readonly response: boolean
  readonly fatal: boolean
  /** Octets after the beginning of the unit. */
  readonly offset: number
}
