// Answers of DNS, kept as long as they say (RFC 1035 §7.4; RFC 2308), and one question for all who ask the same meanwhile.
import type { RecordType } from 'dns-packet'
import type { Clock } from '#base'
import type { DnsAnswer } from './dns-client.ts'

/** LIMIT: answers that are kept; past it the oldest goes. */
const keptMax = 20_000

/** LIMIT: seconds that an answer is kept whatever it says; that there is nothing, as RFC 2308 §5 recommends. */
const secondsMax = { found: 86_400, nothing: 3600 } as const

interface Kept {
  readonly answer: Promise<DnsAnswer>
  /** Of the clock that never steps back; while it is asked, forever. */
  until: number
}

export class DnsCache {
  readonly #ask: (name: string, type: RecordType) => Promise<DnsAnswer>
  readonly #clock: Clock
  /** Insertion order is order of asking. */
  readonly #kept = new Map<string, Kept>()

  constructor(clock: Clock, ask: (name: string, type: RecordType) => Promise<DnsAnswer>) {
    this.#clock = clock
    this.#ask = ask
  }

  /** @throws DnsError, which is not kept */
  ask(name: string, type: RecordType): Promise<DnsAnswer> {
    const key = `${type} ${name.toLowerCase()}`
    const known = this.#kept.get(key)
    if (known !== undefined && known.until > this.#clock.monotonic()) return known.answer
    this.#kept.delete(key)
    const kept: Kept = { answer: this.#ask(name, type), until: Number.POSITIVE_INFINITY }
    this.#kept.set(key, kept)
    kept.answer.then(
      ({ records, seconds }) => {
        const longest = records.length > 0 ? secondsMax.found : secondsMax.nothing
        kept.until = this.#clock.monotonic() + Math.min(seconds, longest) * 1000
        if (seconds === 0) this.#forget(key, kept)
      },
      () => this.#forget(key, kept),
    )
    if (this.#kept.size > keptMax) this.#kept.delete(this.#kept.keys().next().value as string)
    return kept.answer
  }

  #forget(key: string, kept: Kept): void {
    if (this.#kept.get(key) === kept) this.#kept.delete(key)
  }
}
