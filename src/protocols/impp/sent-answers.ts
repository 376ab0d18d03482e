// What each user's clients were answered to SEND, so that one that asks again by a new connection is answered again and nothing is
// delivered twice (docs/specs/impp-1.0.md §7.5).

import type { Clock } from '#base'
import { Answered, type AnsweredLimits } from '#core'
import type { Address, Refused } from '#model'
import type { Body, Fields } from './codec/index.ts'
import type { ImppSettings } from './settings.ts'

/** The parties and the id are those of the request that is answered. */
export type SendAnswer =
  | { readonly kind: 'ok'; readonly fields: Fields | undefined; readonly body: Body | undefined }
  | { readonly kind: 'refused'; readonly refused: Refused }

export class SentAnswers {
  readonly #clock: Clock
  readonly #limits: AnsweredLimits
  /** By user; who asked longest ago is first. */
  readonly #users = new Map<string, Answered<SendAnswer>>()

  constructor(clock: Clock, limits: AnsweredLimits) {
    this.#clock = clock
    this.#limits = limits
  }

  static by(clock: Clock, { answersSeconds, answersMax }: ImppSettings): SentAnswers {
    return new SentAnswers(clock, { seconds: answersSeconds, countMax: answersMax })
  }

  /** Users of whom something is remembered. */
  get size(): number {
    return this.#users.size
  }

  of({ key }: Address): Answered<SendAnswer> {
    const answered = this.#users.get(key) ?? new Answered<SendAnswer>(this.#clock, this.#limits)
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
