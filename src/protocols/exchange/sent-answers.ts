// What each user's clients were answered to the messages that they sent, so that one that asks again by a new connection is answered again
// and nothing is delivered twice (docs/specs/impp-1.0.md §7.5, docs/specs/prim.md §6.1).

import type { Clock } from '#base'
import { Answered, type AnsweredLimits } from '#core'
import type { Address } from '#model'

export class SentAnswers<Response> {
  readonly #clock: Clock
  readonly #limits: AnsweredLimits
  /** By user; who asked longest ago is first. */
  readonly #users = new Map<string, Answered<Response>>()

  constructor(clock: Clock, limits: AnsweredLimits) {
    this.#clock = clock
    this.#limits = limits
  }

  /** Users of whom something is remembered. */
  get size(): number {
    return this.#users.size
  }

  of({ key }: Address): Answered<Response> {
    const answered = this.#users.get(key) ?? new Answered<Response>(this.#clock, this.#limits)
    this.#users.delete(key)
    this.#users.set(key, answered)
    this.#forget()
    return answered
  }

  /** Two at a time: more than come, so that those of whom nothing is left go. */
  #forget(): void {
    let looked = 0
    for (const [key, answered] of this.#users) {
      if (++looked > 2 || looked === this.#users.size || !answered.isEmpty) return
      this.#users.delete(key)
    }
  }
}
