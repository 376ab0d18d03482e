// Presence of somebody in another domain, asked for once (RFC 3859): a probe, and what comes within a moment of its first answer.
import type { Timer } from '#base'
import { type FetchOutcome, PresenceNotification, type Service, type TupleChange } from '#core'
import { type Address, type Condition, type PresenceEnvelope, refused } from '#model'

/** LIMIT: seconds for the first answer; seconds in which those of the other devices come. */
const answerSecondsMax = 10
const gatherSeconds = 0.5
/** LIMIT: questions to one domain at a time. */
const fetchesMax = 1000

interface Fetch {
  readonly presentity: Address
  readonly tuples: Map<string, PresenceEnvelope>
  readonly waiting: ((fetched: FetchOutcome) => void)[]
  timer: Timer
}

export class Fetches {
  readonly #service: Service
  readonly #fetches = new Map<string, Fetch>()
  /** How many there are of each domain. */
  readonly #ofDomain = new Map<string, number>()

  constructor(service: Service) {
    this.#service = service
  }

  begin(watcher: Address, presentity: Address, onFetched: (fetched: FetchOutcome) => void): void {
    const key = keyOf(watcher, presentity)
    const known = this.#fetches.get(key)
    if (known !== undefined) return void known.waiting.push(onFetched)
    const { domain } = presentity
    const others = this.#ofDomain.get(domain) ?? 0
    if (others >= fetchesMax) return onFetched(refused('resource-limit'))
    this.#ofDomain.set(domain, others + 1)
    const timer = this.#service.clock.schedule(answerSecondsMax * 1000, () =>
      this.#end(key, refused('remote-timeout')),
    )
    this.#fetches.set(key, { presentity, tuples: new Map(), waiting: [onFetched], timer })
  }

  /** @param source undefined: that device is not there */
  learnt(watcher: Address, presentity: Address, tuple: string, source: PresenceEnvelope | undefined): void {
    if (this.#fetches.size === 0) return
    const key = keyOf(watcher, presentity)
    const fetch = this.#fetches.get(key)
    if (fetch === undefined) return
    if (source !== undefined) fetch.tuples.set(tuple, source.keep())
    fetch.timer.cancel()
    fetch.timer = this.#service.clock.schedule(gatherSeconds * 1000, () => this.#end(key, fetched(fetch)))
  }

  refuse(watcher: Address, presentity: Address, condition: Condition): void {
    this.#end(keyOf(watcher, presentity), refused(condition))
  }

  stop(): void {
    for (const key of [...this.#fetches.keys()]) this.#end(key, refused('temporarily-unavailable'))
  }

  #leave(domain: string): void {
    const left = (this.#ofDomain.get(domain) ?? 1) - 1
    if (left === 0) this.#ofDomain.delete(domain)
    else this.#ofDomain.set(domain, left)
  }

  #end(key: string, outcome: FetchOutcome): void {
    const fetch = this.#fetches.get(key)
    if (fetch === undefined) return
    this.#fetches.delete(key)
    this.#leave(fetch.presentity.domain)
    fetch.timer.cancel()
    for (const tell of fetch.waiting) tell(outcome)
  }
}

function fetched({ presentity, tuples }: Fetch): FetchOutcome {
  const sources = [...tuples].map(([tuple, source]) => ({ tuple, source }))
  const changes = sources.map(({ tuple, source }): TupleChange => ({ kind: 'added', tuple, source }))
  return {
    kind: 'fetched',
    notification: new PresenceNotification(presentity, 'full', changes, true, sources),
  }
}

function keyOf(watcher: Address, presentity: Address): string {
  return `${watcher.key}\n${presentity.key}`
}
