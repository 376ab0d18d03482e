// What DNS said lately (RFC 1035 §7.4, RFC 2308): many messages to one domain ask once. Failures are not remembered.

import type { Clock } from '#base'

/** LIMIT: seconds that an answer serves: at most, where it says how long it lasts; where the system does not tell; where it was empty. */
const seconds = { most: 300, untold: 30, empty: 10 } as const

/** LIMIT: questions whose answers are remembered; past it the oldest goes. */
const answersMax = 10_000

export interface Answer<T> {
  readonly value: T
  /** Seconds; undefined where the answer does not tell. */
  readonly ttl: number | undefined
  /** There is no such name or record. */
  readonly isEmpty: boolean
}

interface Known {
  readonly answer: Promise<unknown>
  /** Clock.monotonic(); Infinity while it is being asked. */
  until: number
}

export class AnswerCache {
  readonly #clock: Clock
  readonly #known = new Map<string, Known>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The answer to the question, asked now or lately; who asks meanwhile gets the same. */
  get<T>(question: string, ask: () => Promise<Answer<T>>): Promise<T> {
    const known = this.#known.get(question)
    if (known !== undefined && known.until > this.#clock.monotonic()) return known.answer as Promise<T>
    this.#known.delete(question)
    if (this.#known.size >= answersMax) this.#forgetOldest()
    const asked: Known = {
      until: Number.POSITIVE_INFINITY,
      answer: ask().then(
        (answer) => {
          asked.until = this.#clock.monotonic() + lifetime(answer) * 1000
          return answer.value
        },
        (error: unknown) => {
          if (this.#known.get(question) === asked) this.#known.delete(question)
          throw error
        },
      ),
    }
    this.#known.set(question, asked)
    return asked.answer as Promise<T>
  }

  #forgetOldest(): void {
    for (const question of this.#known.keys()) return void this.#known.delete(question)
  }
}

function lifetime({ ttl, isEmpty }: Answer<unknown>): number {
  if (isEmpty) return seconds.empty
  return ttl === undefined ? seconds.untold : Math.min(ttl, seconds.most)
}
