// A stanza for another domain, and what becomes of it.
import type { Bytes } from '#base'
import type { Head } from '#model'

export interface Parcel {
  readonly bytes: Bytes
  /** Called once where given. */
  readonly settle?: ((fate: ParcelFate) => void) | undefined
  /** Of a message that is offered again if it is given back. */
  readonly head?: Head | undefined
}

/** The other side has it (or, where it does not acknowledge, it is written), or it is given back; or it never will have it. */
export type ParcelFate = 'taken' | 'given-back' | 'too-large' | 'host-unknown'
