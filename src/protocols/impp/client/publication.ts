// What the program says of itself, kept said: again after each login, and before a lease ends.

import type { Clock, Timer } from '#base'
import type { PresenceDocument, PresenceTuple } from '#model'
import type { PublicationLease } from './impp-session.ts'
import type { Run } from './own-lists.ts'

/** How somebody is, in short. */
export interface Status {
  /** Whether messages are answered; open when left out. */
  readonly basic?: 'open' | 'closed'
  readonly show?: NonNullable<PresenceTuple['show']>
  readonly note?: string
}

export type Said = Status | (Pick<PresenceDocument, 'tuples'> & Partial<PresenceDocument>)

export interface PublishOptions {
  /**
   * `connection` (the default): as long as we are connected, and again after each reconnection. A number: that many seconds.
   * `permanent`: what is shown whenever nothing else is.
   */
  readonly lease?: 'connection' | 'permanent' | number
  /** With a number of seconds: whether it is renewed before it ends, until something else is said. */
  readonly renew?: boolean
  readonly signal?: AbortSignal
}

export function documentOf(said: Said): Pick<PresenceDocument, 'tuples'> & Partial<PresenceDocument> {
  if ('tuples' in said) return said
  const { basic = 'open', show, note } = said
  const notes = note === undefined ? [] : [{ language: '', text: note }]
  const tuple = { id: 'x', basic, notes, statusExtensions: [], extensions: [], ...(show && { show }) }
  return { tuples: [tuple] }
}

interface Kept {
  readonly said: Said
  readonly lease: PublicationLease
}

export class Publication {
  readonly #run: Run
  readonly #clock: Clock
  readonly #onTrouble: (error: Error) => void
  /** What is to be said again, and how long it is to hold. */
  #kept: Kept | undefined
  #renewal: Timer | undefined

  constructor(run: Run, clock: Clock, onTrouble: (error: Error) => void) {
    this.#run = run
    this.#clock = clock
    this.#onTrouble = onTrouble
  }

  async publish(said: Said | undefined, options: PublishOptions = {}): Promise<PublicationLease> {
    const lease = options.lease === 'permanent' ? Number.POSITIVE_INFINITY : (options.lease ?? 'connection')
    const isKept = lease === 'connection' || options.renew === true
    if (lease !== Number.POSITIVE_INFINITY) {
      this.stop()
      this.#kept = said !== undefined && isKept ? { said, lease } : undefined
    }
    const kept = this.#kept
    const granted = await this.#run(
      (session) => session.publish(said && documentOf(said), lease),
      options.signal,
    )
    if (lease !== Number.POSITIVE_INFINITY && kept === this.#kept) this.#renewAfter(granted)
    return granted
  }

  /** There is a new login. */
  restore(): void {
    const kept = this.#kept
    if (kept !== undefined) void this.#again(kept)
  }

  stop(): void {
    this.#renewal?.cancel()
    this.#renewal = undefined
  }

  #renewAfter(granted: PublicationLease): void {
    const kept = this.#kept
    this.stop()
    if (kept === undefined || typeof granted !== 'number' || !Number.isFinite(granted)) return
    this.#renewal = this.#clock.schedule(granted * 750, () => void this.#again(kept))
  }

  async #again(kept: Kept): Promise<void> {
    try {
      const granted = await this.#run((session) => session.publish(documentOf(kept.said), kept.lease))
      if (kept === this.#kept) this.#renewAfter(granted)
    } catch (error) {
      this.#onTrouble(error as Error)
    }
  }
}
