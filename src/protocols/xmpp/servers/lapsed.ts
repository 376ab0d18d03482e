// What a stream had carried unacknowledged when it was given up (XEP-0198 §5): the other side may have it. It is asked by `resume` when
// there is a stream again, and what it took is not sent twice though the relay offers it again.
import type { Head } from '#model'
import type { Handled } from '../handled.ts'

/** LIMIT: ended streams of which is remembered how far they came, of all domains. */
const pastMax = 10_000

/** A stream that we gave up. */
export interface Lapsed {
  readonly id: string
  readonly seconds: number
  /** The stanzas that we had taken by it. */
  readonly handled: Handled
  /** All that we had sent by it, modulo 2^32, and of the last of those what each was: messages that the relay offers again. */
  readonly sent: number
  readonly left: readonly (Head | undefined)[]
}

/** What the other side took by streams that we gave up. */
export class TakenBefore {
  #heads: Head[] = []

  /** The other side says how many it took. */
  learn({ sent, left }: Lapsed, h: number): void {
    const lost = (sent - h) >>> 0
    if (lost > left.length) return
    for (const head of left.slice(0, left.length - lost)) if (head !== undefined) this.#heads.push(head)
  }

  /** Whether it has this one already; asked once of each that is offered again, in order. */
  has(head: Head): boolean {
    const at = this.#heads.findIndex((one) => isSame(one, head))
    if (at < 0) return false
    this.#heads.splice(at, 1)
    return true
  }

  get isEmpty(): boolean {
    return this.#heads.length === 0
  }

  forget(): void {
    this.#heads = []
  }
}

/** The same message, as far as two heads tell. */
export function isSame(one: Head, other: Head): boolean {
  return (
    one.id === other.id &&
    one.kind === other.kind &&
    one.from.key === other.from.key &&
    one.to.key === other.to.key &&
    one.fromAgent === other.fromAgent &&
    one.toAgent === other.toAgent
  )
}

interface Past {
  readonly domains: ReadonlySet<string>
  readonly handled: Handled
}

/** How many stanzas we took by streams that are over: told to the domain that asks to resume one (XEP-0198 §5). */
export class PastStreams {
  /** The first is the oldest. */
  readonly #past = new Map<string, Past>()

  remember(id: string, domains: ReadonlySet<string>, handled: Handled): void {
    this.#past.set(id, { domains, handled })
    if (this.#past.size <= pastMax) return
    for (const oldest of this.#past.keys()) return void this.#past.delete(oldest)
  }

  countOf(id: string, domain: string): number | undefined {
    const past = this.#past.get(id)
    return past?.domains.has(domain) === true ? past.handled.count : undefined
  }
}
