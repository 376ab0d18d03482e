// How fast one other domain is asked to be watched: subscriptions begun, begun anew and renewed, probes, and words between people. After a
// restart, theirs or ours, all who look want to ask at one moment (decision 0132).
import { type Clock, TokenBucket } from '#base'
import type { PeerShares } from './peer-shares.ts'
import { come, type Turn, Turns } from './turns.ts'

/** LIMIT: questions to one domain a second, where nothing else is set. */
export const asksPerSecondMax = 50

/** Octets that a question has about: it is counted before it is written. */
const askOctets = 400

/** LIMIT: questions that wait for their turn with one domain; more go at once. */
const waitingMax = 100_000

/** LIMIT: domains whose last second is remembered; past it those that were not asked in it are forgotten. */
const domainsMax = 10_000

interface Line {
  readonly bucket: TokenBucket
  readonly turns: Turns
}

export interface AsksParts {
  readonly clock: Clock
  readonly shares: PeerShares
  readonly perSecondMax: number
  readonly fault: (cause: unknown, what: string) => void
}

export class Asks {
  readonly #parts: AsksParts
  readonly #lines = new Map<string, Line>()

  constructor(parts: AsksParts) {
    this.#parts = parts
  }

  /** Calls `ask` in the domain's turn, in the order of the calls; in the same tick where that has come. */
  next(domain: string, ask: () => void): Turn {
    const { turns } = this.#lineTo(domain)
    if (turns.length < waitingMax) return turns.next(ask)
    ask()
    return come
  }

  #lineTo(domain: string): Line {
    const known = this.#lines.get(domain)
    if (known !== undefined) return known
    if (this.#lines.size >= domainsMax) this.#forget()
    const { clock, shares, perSecondMax, fault } = this.#parts
    const bucket = new TokenBucket(clock, perSecondMax)
    const wait = (): number => {
      const milliseconds = Math.max(bucket.wait(), shares.untilTo(domain))
      if (milliseconds > 0) return milliseconds
      bucket.take()
      shares.sent(domain, askOctets)
      return 0
    }
    const turns = new Turns(clock, wait, (cause) => fault(cause, 'another domain could not be asked'))
    const line = { bucket, turns }
    this.#lines.set(domain, line)
    return line
  }

  #forget(): void {
    for (const [domain, { bucket, turns }] of this.#lines)
      if (turns.isEmpty && bucket.isFull) this.#lines.delete(domain)
  }
}
