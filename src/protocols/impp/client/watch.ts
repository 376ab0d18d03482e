// One presentity watched: its subscription is renewed before the lease ends (IMPP §14, D51, D52).

import type { Clock, Timer } from '#base'
import type { PresenceDocument } from '#model'

export interface WatchHandlers {
  /** How they are now: at once when they let us see, and at each change. */
  onPresence(presence: PresenceDocument): void
  /** They have not agreed yet. */
  onPending?(): void
  /** The server ended it; `reason` is for people. Not called after `stop`, nor when the whole connection ends. */
  onEnded?(reason: string): void
}

export interface Granted {
  readonly presence: PresenceDocument
  readonly pending: boolean
  readonly seconds: number
}

export interface WatchParts {
  /** Calls `use` with what was granted before any later news is read. */
  readonly subscribe: (use: (granted: Granted) => void) => Promise<void>
  readonly unsubscribe: () => Promise<void>
  readonly onOver: () => void
}

export class Watch {
  readonly #clock: Clock
  readonly #handlers: WatchHandlers
  readonly #parts: WatchParts
  #renewal: Timer | undefined
  #over = false

  constructor(clock: Clock, handlers: WatchHandlers, parts: WatchParts) {
    this.#clock = clock
    this.#handlers = handlers
    this.#parts = parts
  }

  /** Subscribes; rejects as the request did. */
  async begin(): Promise<void> {
    try {
      await this.#parts.subscribe((granted) => this.#granted(granted))
    } catch (error) {
      this.end(undefined)
      throw error
    }
  }

  /** Ends it at our wish. */
  async stop(): Promise<void> {
    if (this.#over) return
    this.end(undefined)
    await this.#parts.unsubscribe()
  }

  /** @internal a CHANGE-NOTIFY came */
  told(presence: PresenceDocument): void {
    if (!this.#over) this.#handlers.onPresence(presence)
  }

  /** @internal it is over; with a reason, the handler is told */
  end(reason: string | undefined): void {
    if (this.#over) return
    this.#over = true
    this.#renewal?.cancel()
    this.#parts.onOver()
    if (reason !== undefined) this.#handlers.onEnded?.(reason)
  }

  #granted({ presence, pending, seconds }: Granted): void {
    if (this.#over) return
    if (pending) this.#handlers.onPending?.()
    else this.#handlers.onPresence(presence)
    this.#renewal = this.#clock.schedule(seconds * 750, () => this.#renew())
  }

  #renew(): void {
    const renewed = ({ seconds }: Granted): void => {
      // What it returns is told already: the server notifies every change.
      if (!this.#over) this.#renewal = this.#clock.schedule(seconds * 750, () => this.#renew())
    }
    this.#parts.subscribe(renewed).catch((error: Error) => this.end(error.message))
  }
}
