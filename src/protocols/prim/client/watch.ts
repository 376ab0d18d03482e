// One subscription of a client (docs/specs/prim.md §6.3): renewed at three quarters of its Duration; what was told already is not told again.

import { type Bytes, type Clock, SystemClock, sameBytes, type Timer } from '#base'
import type { PresenceDocument } from '#model'

export interface WatchHandlers {
  presence(document: PresenceDocument): void
  /** The server ended it, or does not renew it. */
  ended(reason: string): void
}

const secondsWanted = 3600

export class Watch {
  readonly #handlers: WatchHandlers
  /** SUBSCRIBE for so many seconds; answers those that were granted. */
  readonly #subscribe: (seconds: number) => Promise<number>
  readonly #clock: Clock
  #last: Bytes | undefined
  #renewal: Timer | undefined
  #over = false

  constructor(
    handlers: WatchHandlers,
    subscribe: (seconds: number) => Promise<number>,
    clock: Clock = new SystemClock(),
  ) {
    this.#handlers = handlers
    this.#subscribe = subscribe
    this.#clock = clock
  }

  async begin(): Promise<void> {
    const seconds = await this.#subscribe(secondsWanted)
    if (!this.#over) this.#renewal = this.#clock.schedule(seconds * 750, () => void this.#renew())
  }

  /** `octets`: a loan. A renewal is followed by the whole anew, which is no news. */
  tell(document: PresenceDocument, octets: Bytes): void {
    if (this.#over || (this.#last !== undefined && sameBytes(this.#last, octets))) return
    this.#last = octets.slice()
    this.#handlers.presence(document)
  }

  end(reason = 'the subscription was ended'): void {
    if (this.#over) return
    this.stop()
    this.#handlers.ended(reason)
  }

  /** Nothing more is told. */
  stop(): void {
    this.#over = true
    this.#renewal?.cancel()
  }

  async #renew(): Promise<void> {
    try {
      await this.begin()
    } catch (error) {
      this.end((error as Error).message)
    }
  }
}
