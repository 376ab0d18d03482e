// What a responder remembers of requests that it has taken, so that one that comes again by another connection is answered as
// before and not carried out twice: between domains, and of a client that lost its connection.

import { hash } from 'node:crypto'
import type { Clock } from '#base'

export interface AnsweredLimits {
  /** LIMIT: seconds that an answer is remembered. */
  readonly seconds: number
  /** LIMIT: answers remembered of one requester; past it the oldest are forgotten. */
  readonly countMax: number
}

/** Where an answer goes; `isLast`: this is the connection that the request came by last, the likeliest to be there. */
export type Answer<Response> = (response: Response, isLast: boolean) => void

export class Answered<Response> {
  readonly #clock: Clock
  readonly #limits: AnsweredLimits
  /** Whom to answer of what is being carried out: each connection it came by. */
  readonly #underWay = new Map<string, Answer<Response>[]>()
  /** Oldest first. */
  readonly #done = new Map<string, { readonly until: number; readonly response: Response }>()

  constructor(clock: Clock, limits: AnsweredLimits) {
    this.#clock = clock
    this.#limits = limits
  }

  /** Nothing is being carried out, and all that was has been long enough ago. */
  get isEmpty(): boolean {
    const now = this.#clock.monotonic()
    for (const { until } of this.#done.values()) if (until > now) return false
    return this.#underWay.size === 0
  }

  get size(): number {
    return this.#done.size
  }

  /**
   * Has the request that `name` tells from all others carried out by `take`, which gives its response once, unless it was taken
   * before: then `answer` gets the same response, now or when there is one. `done`: only what was done is remembered; what was
   * refused may be asked again.
   */
  once(
    name: string,
    answer: Answer<Response>,
    take: (respond: (response: Response, done: boolean) => void) => void,
  ): 'taken' | 'again' {
    // Of one length, whatever they wrote.
    const key = hash('sha256', name, 'base64')
    const done = this.#done.get(key)
    if (done !== undefined && done.until > this.#clock.monotonic()) {
      answer(done.response, true)
      return 'again'
    }
    const waiting = this.#underWay.get(key)
    if (waiting !== undefined) {
      waiting.push(answer)
      return 'again'
    }
    const answers = [answer]
    this.#underWay.set(key, answers)
    take((response, isDone) => {
      this.#underWay.delete(key)
      if (isDone) this.#remember(key, response)
      const last = answers.length - 1
      for (const [at, each] of answers.entries()) each(response, at === last)
    })
    return 'taken'
  }

  #remember(key: string, response: Response): void {
    const now = this.#clock.monotonic()
    for (const [old, { until }] of this.#done) {
      if (until > now && this.#done.size < this.#limits.countMax) break
      this.#done.delete(old)
    }
    this.#done.set(key, { until: now + this.#limits.seconds * 1000, response })
  }
}
