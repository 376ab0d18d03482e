// What a watcher is told: shared by all watchers of one visibility class, so that whatever is made of it is made once.
import { type Address, type PresenceDocument, type PresenceEnvelope, presUri } from '#model'
import type { VisibilityClass } from '../people/access-rules.ts'
import { basicOnly, composed, type TupleChange } from './presentities.ts'

export interface VisibleSource {
  readonly tuple: string
  readonly source: PresenceEnvelope
}

export class PresenceNotification {
  /** The presentity that this is about. */
  readonly presentity: Address
  readonly visibility: VisibilityClass
  /** What changed since the last one; for a full notification every present tuple as `added`. */
  readonly changes: readonly TupleChange[]
  /** True for the first one a watcher gets, and after what it may see has changed as a whole. */
  readonly full: boolean
  /** All that the class may see now. Source octets may be shown only where `visibility` is `full`. */
  readonly sources: readonly VisibleSource[]
  #document: PresenceDocument | undefined
  #made = new Map<symbol, unknown>()

  constructor(
    presentity: Address,
    visibility: VisibilityClass,
    changes: readonly TupleChange[],
    full: boolean,
    sources: readonly VisibleSource[],
  ) {
    this.presentity = presentity
    this.visibility = visibility
    this.changes = changes
    this.full = full
    this.sources = sources
  }

  /** The whole as one document, composed when first asked. */
  document(): PresenceDocument {
    if (this.#document === undefined) {
      const whole = composed(presUri(this.presentity), this.sources)
      this.#document = this.visibility === 'basic' ? basicOnly(whole) : whole
    }
    return this.#document
  }

  /** What `make` makes, made once a notification: a rendering shared by all watchers of the class. */
  once<T>(key: symbol, make: () => T): T {
    if (!this.#made.has(key)) this.#made.set(key, make())
    return this.#made.get(key) as T
  }
}
