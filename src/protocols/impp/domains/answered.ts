// What a responder remembers of requests that it has taken, so that one that comes again by another connection is answered as
// before and not carried out twice (IMPP §13; docs/specs/impp-1.0.md §12.5).

import { hash } from 'node:crypto'
import type { Clock } from '#base'
import type { ImppRequest } from '../codec/index.ts'

export interface AnsweredLimits {
  /** LIMIT: seconds that an answer is remembered. */
  readonly seconds: number
  /** LIMIT: answers remembered of one other domain; past it the oldest are forgotten. */
  readonly countMax: number
}

/** Asked for twice these give the state of their moment, and change nothing more. */
const repeatable: ReadonlySet<string> = new Set(['SUBSCRIBE', 'FETCH'])

/** Where the response of a request goes; undefined: it went by a later connection, and is not due here any more. */
export type Answer = (response: string | Uint8Array | undefined) => void

export class Answered {
  readonly #clock: Clock
  readonly #limits: AnsweredLimits
  /** Whom to answer of what is being carried out: each connection it came by. */
  readonly #underWay = new Map<string, Answer[]>()
  /** Oldest first. */
  readonly #done = new Map<string, { readonly until: number; readonly response: string | Uint8Array }>()

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
   * Has a request carried out by `take`, which gives its response once, unless it was taken before: then `answer` gets the same
   * response, now or when there is one. `done`: only what was done is remembered; what was refused may be asked again.
   */
  once(
    request: ImppRequest,
    answer: Answer,
    take: (respond: (response: string | Uint8Array, done: boolean) => void) => void,
  ): 'taken' | 'again' {
    if (repeatable.has(request.method)) {
      take((response) => answer(response))
      return 'taken'
    }
    const key = keyOf(request)
    const done = this.#done.get(key)
    if (done !== undefined && done.until > this.#clock.monotonic()) {
      answer(done.response)
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
      // The last connection it came by is the likeliest to be there.
      const last = answers.pop() as Answer
      for (const earlier of answers) earlier(undefined)
      last(response)
    })
    return 'taken'
  }

  #remember(key: string, response: string | Uint8Array): void {
    const now = this.#clock.monotonic()
    for (const [old, { until }] of this.#done) {
      if (until > now && this.#done.size < this.#limits.countMax) break
      this.#done.delete(old)
    }
    this.#done.set(key, { until: now + this.#limits.seconds * 1000, response })
  }
}

/** By the mark that its domain gave it, else by what its response is matched by; of one length, whatever they wrote. */
function keyOf({ method, id, headers, envelope }: ImppRequest): string {
  const mark = envelope?.get('transmission')
  const said =
    mark === undefined ? `${headers.get('from')}\n${headers.get('connection-id')}\n${id}` : `=${mark}`
  return hash('sha256', `${method}\n${said}`, 'base64')
}
