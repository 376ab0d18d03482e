// A login that is made again when its connection is lost, with back-off, until the program leaves or the server says no for good.

import type { Clock, Timer } from '#base'
import { ConnectionLost, Refused } from './failures.ts'
import type { ImppSession } from './impp-session.ts'

export interface ReconnectionOptions {
  /** Seconds before the first try, 1 by default; each further one waits twice as long, and all are spread at random. */
  readonly firstSeconds?: number
  /** The longest wait, 60 by default. */
  readonly maxSeconds?: number
}

export type ClientState =
  | { readonly kind: 'connected' }
  | { readonly kind: 'reconnecting'; readonly why: string; readonly seconds: number }
  | { readonly kind: 'closed'; readonly why: string }

/** After so long a connection counts as good, and the next loss begins with the shortest wait. */
const goodMilliseconds = 60_000
/** LIMIT: how often in a row a server may send us elsewhere. */
const redirectsMax = 5

export interface ReconnectionParts {
  readonly clock: Clock
  /** Undefined: the end of the connection is the end. */
  readonly again: ReconnectionOptions | undefined
  /** Logs in; at `location` where a server sent us there. */
  readonly logIn: (location: string | undefined) => Promise<ImppSession>
  /** A new login: what is to be asked for again. */
  readonly onSession: (session: ImppSession) => void
  readonly onState: (state: ClientState) => void
  /** It is over; with an error, not by our wish. */
  readonly onOver: (why: string, error: Error | undefined) => void
}

export class Reconnection {
  session: ImppSession | undefined
  readonly #parts: ReconnectionParts
  #next = Promise.withResolvers<ImppSession>()
  #timer: Timer | undefined
  #tries = 0
  #since = 0
  #leaving = false
  readonly #underWay = new Set<Promise<unknown>>()
  #over: { readonly error: Error } | undefined

  constructor(parts: ReconnectionParts) {
    this.#parts = parts
    this.#next.promise.catch(unheard)
  }

  get isOver(): boolean {
    return this.#over !== undefined
  }

  /** The first login; rejects as it failed. */
  async begin(): Promise<void> {
    try {
      this.#established(await this.#logIn())
    } catch (error) {
      this.#finish('the login failed', error as Error)
      throw error
    }
  }

  /** Does what `use` does over the connection; when that is lost before the answer, again over the next one. */
  async run<T>(use: (session: ImppSession) => Promise<T>, signal?: AbortSignal): Promise<T> {
    for (;;) {
      if (this.#leaving) throw new ConnectionLost('we left')
      const session = await withSignal(this.session ?? this.#next.promise, signal)
      try {
        return await withSignal(this.#counted(use(session)), signal)
      } catch (error) {
        if (!(error instanceof ConnectionLost) || session.isOpen) throw error
        // Told apart from a connection that only did not answer: this one is over, and its end is told at once.
        if (this.session === session) await session.closed
      }
    }
  }

  async leave(): Promise<void> {
    if (this.#over !== undefined || this.#leaving) return
    this.#leaving = true
    const { session } = this
    // What is under way gets its answer first.
    if (session !== undefined) await Promise.race([Promise.allSettled(this.#underWay), session.closed])
    this.#finish('we left', undefined)
    await session?.quit()
  }

  #counted<T>(call: Promise<T>): Promise<T> {
    const settled: Promise<unknown> = call.catch(unheard).then(() => this.#underWay.delete(settled))
    this.#underWay.add(settled)
    return call
  }

  async #logIn(): Promise<ImppSession> {
    let location: string | undefined
    for (let redirects = 0; ; redirects++) {
      try {
        return await this.#parts.logIn(location)
      } catch (error) {
        const isElsewhere = error instanceof Refused && error.reason === 'redirect-to-server'
        if (!isElsewhere || error.location === undefined || redirects === redirectsMax) throw error
        location = error.location
      }
    }
  }

  #established(session: ImppSession): void {
    if (this.#over !== undefined) {
      session.quit().catch(unheard)
      return
    }
    this.session = session
    this.#since = this.#parts.clock.monotonic()
    const { resolve } = this.#next
    this.#next = Promise.withResolvers()
    this.#next.promise.catch(unheard)
    void session.closed.then((why) => this.#lost(session, why))
    this.#parts.onSession(session)
    this.#parts.onState({ kind: 'connected' })
    resolve(session)
  }

  #lost(session: ImppSession, why: string): void {
    if (this.session === session) this.session = undefined
    if (this.#over !== undefined) return
    if (this.#parts.again === undefined) return this.#finish(why, new ConnectionLost(why))
    if (this.#parts.clock.monotonic() - this.#since >= goodMilliseconds) this.#tries = 0
    this.#later(why)
  }

  #later(why: string): void {
    const { firstSeconds = 1, maxSeconds = 60 } = this.#parts.again as ReconnectionOptions
    const most = Math.min(maxSeconds, firstSeconds * 2 ** this.#tries++)
    // Spread, so that a server that comes back does not meet all its clients at once.
    const seconds = most / 2 + (most / 2) * Math.random()
    this.#timer = this.#parts.clock.schedule(seconds * 1000, () => void this.#try())
    this.#parts.onState({ kind: 'reconnecting', why, seconds })
  }

  async #try(): Promise<void> {
    try {
      this.#established(await this.#logIn())
    } catch (error) {
      if (this.#over !== undefined) return
      if (isForGood(error)) this.#finish((error as Error).message, error as Error)
      else this.#later((error as Error).message)
    }
  }

  #finish(why: string, error: Error | undefined): void {
    if (this.#over !== undefined) return
    this.#over = { error: error ?? new ConnectionLost(why) }
    this.#timer?.cancel()
    this.#next.reject(this.#over.error)
    this.#parts.onOver(why, error)
    this.#parts.onState({ kind: 'closed', why })
  }
}

/** No other try will end otherwise. */
function isForGood(error: unknown): boolean {
  return error instanceof Refused && (error.isLogin || error.condition === 'permission-denied')
}

/** Whoever waits hears of it by the call that waits; where nobody does, there is nobody to tell. */
function unheard(): void {
  // A promise that nobody awaits now is no fault.
}

function withSignal<T>(what: T | Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return Promise.resolve(what)
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason)
    if (signal.aborted) {
      Promise.resolve(what).catch(unheard)
      return abort()
    }
    signal.addEventListener('abort', abort, { once: true })
    Promise.resolve(what)
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', abort))
  })
}
