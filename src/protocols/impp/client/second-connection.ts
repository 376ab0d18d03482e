// A client's second login, for what is long (IMPP §12, D42): made when it is needed, without an inbox, and left when it has not been for a
// time. Where it cannot be had, the first one serves.

import type { Clock, Timer } from '#base'
import type { ImppSession } from './impp-session.ts'
import type { Run } from './own-lists.ts'
import { Reconnection, type ReconnectionOptions } from './reconnection.ts'

/** It is kept so long for the next one. */
const idleMilliseconds = 60_000

export interface SecondParts {
  readonly clock: Clock
  /** The first connection, which serves where the second is refused. */
  readonly first: Run
  readonly again: ReconnectionOptions | undefined
  readonly logIn: (location: string | undefined) => Promise<ImppSession>
  /** It could not be had. */
  readonly onTrouble: (error: Error) => void
}

export class SecondConnection {
  readonly #parts: SecondParts
  /** Undefined where the login was refused. */
  #opening: Promise<Reconnection | undefined> | undefined
  #using = 0
  #isClosed = false
  #idle: Timer | undefined

  constructor(parts: SecondParts) {
    this.#parts = parts
  }

  readonly run: Run = async (use, signal) => {
    if (this.#isClosed) return this.#parts.first(use, signal)
    this.#using++
    this.#idle?.cancel()
    try {
      this.#opening ??= this.#open()
      const second = await this.#opening
      return await (second === undefined ? this.#parts.first(use, signal) : second.run(use, signal))
    } finally {
      this.#using--
      if (this.#using === 0 && this.#opening !== undefined)
        this.#idle = this.#parts.clock.schedule(idleMilliseconds, () => void this.#leave())
    }
  }

  /** The client leaves: what is under way gets its answer first. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#leave()
  }

  async #leave(): Promise<void> {
    this.#idle?.cancel()
    const opening = this.#opening
    this.#opening = undefined
    await (await opening)?.leave()
  }

  async #open(): Promise<Reconnection | undefined> {
    const { clock, again, logIn, onTrouble } = this.#parts
    let hasBegun = false
    const second: Reconnection = new Reconnection({
      clock,
      again,
      logIn,
      onSession: () => {},
      onState: () => {},
      onOver: () => {
        // Another one may be had for the next message; where the first try failed, after a time.
        if (hasBegun) this.#opening = undefined
      },
    })
    try {
      await second.begin()
      hasBegun = true
      return second
    } catch (error) {
      onTrouble(
        new Error(`there is no second connection for what is long: ${(error as Error).message}`, {
          cause: error,
        }),
      )
      return undefined
    }
  }
}
