// What a protocol needs to log people in: both families of mechanisms over one back-off, so that guesses at one name count
// together whatever protocol they come by.
import type { Digest } from './digest.ts'
import type { Sasl } from './sasl.ts'

export interface Logins {
  readonly sasl: Sasl
  readonly digest: Digest
}
