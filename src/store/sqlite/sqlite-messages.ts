// What passes between the server's thread and the database's: arrays and plain values, cheap for the structured clone.
import type { Call } from '../sql/procedures.ts'
import type { SqliteFault } from './sqlite-fault.ts'

export type ToDatabase = readonly Call[] | 'close'

/** First `opened`, then an answer a batch, `closed` last. A fault instead of `opened` or `closed`. */
export type FromDatabase =
  | { readonly kind: 'opened' | 'closed'; readonly fault: SqliteFault | undefined }
  | {
      readonly kind: 'answers'
      readonly results: readonly unknown[]
      readonly faults: ReadonlyMap<number, SqliteFault> | undefined
    }
