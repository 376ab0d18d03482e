// A request on its way to another domain: one server after the other until one answers (RFC 3263 §4.3). What is sent to each is
// the same request with another branch; sending it is its owner's.

import type { Flow } from '../flow.ts'
import type { DomainsEnvironment } from './environment.ts'
import type { Place } from './locate.ts'
import type { Hop, Ways, Wish } from './ways.ts'

/** LIMIT: addresses that are tried for one request. */
const hopsMax = 8
/** LIMIT: milliseconds in which a request is to find a server that takes it. */
const findingMax = 12_000

/** RFC 3261 §18.1.1: what is larger goes over a congestion-controlled transport. */
const datagramBytesMax = 1300

export interface JourneyParts {
  readonly environment: DomainsEnvironment
  readonly ways: Ways
  readonly wish: Wish
  /** The servers in their order; rejects where DNS does not say. */
  readonly places: () => Promise<readonly Place[]>
  /** Octets of the request, about. */
  readonly size: number
  /** A flow that leads there already: it is tried first. */
  readonly first?: Flow | undefined
  /** A flow that will do where nothing else does. */
  readonly last?: Flow | undefined
  /** Whether a server said lately that it takes nothing for now (RFC 3261 §21.5.4). */
  readonly isResting: (hop: Hop) => boolean
  /** It took a request lately and said nothing: others are tried before. */
  readonly isSilent: (hop: Hop) => boolean
}

export class Journey {
  readonly #parts: JourneyParts
  readonly #due: number
  #places: Place[] | undefined
  #hops: Hop[] = []
  #tried = 0
  /** Those that were silent, for when no other is left. */
  #silent: Hop[] | undefined = []
  #first: Flow | undefined
  #last: Flow | undefined
  /** Why each that was tried did not do. */
  readonly failures: string[] = []
  /** DNS did not say where to go, or there was no time. */
  hop: Hop | undefined

  constructor(parts: JourneyParts) {
    this.#parts = parts
    this.#due = parts.environment.service.clock.monotonic() + findingMax
    this.#first = parts.first
    this.#last = parts.last
  }

  /** The next way; undefined when there is none left. Later, never in this tick. */
  next(use: (flow: Flow | undefined) => void): void {
    this.#advance().then(use, (error: Error) => {
      this.failures.push(error.message)
      use(undefined)
    })
  }

  get why(): string {
    const { theirs } = this.#parts.wish
    return this.failures.length === 0
      ? `${theirs} has no server for SIP that will do`
      : this.failures.join('; ')
  }

  async #advance(): Promise<Flow | undefined> {
    const first = this.#first
    this.#first = undefined
    if (first?.open === true) return first
    try {
      for (;;) {
        const hop = await this.#nextHop()
        if (hop === undefined) break
        const flow = await this.#tryOne(hop)
        if (flow !== undefined) return flow
      }
    } catch (error) {
      this.failures.push((error as Error).message)
    }
    const last = this.#last
    this.#last = undefined
    return last?.open === true ? last : undefined
  }

  async #tryOne(hop: Hop): Promise<Flow | undefined> {
    const { ways, wish } = this.#parts
    try {
      const flow = await ways.flowTo(hop, wish)
      this.hop = hop
      return flow
    } catch (error) {
      this.failures.push(`${hop.address}:${hop.port}: ${(error as Error).message}`)
      return undefined
    }
  }

  async #nextHop(): Promise<Hop | undefined> {
    for (;;) {
      if (this.#parts.environment.service.clock.monotonic() > this.#due) {
        this.failures.push('the time is up')
        return undefined
      }
      const hop = this.#hops.shift()
      if (hop !== undefined) {
        if (this.#parts.isResting(hop)) this.failures.push(`${hop.address}:${hop.port} takes nothing for now`)
        else if (this.#silent !== undefined && this.#parts.isSilent(hop)) this.#silent.push(hop)
        else return ++this.#tried > hopsMax ? undefined : hop
        continue
      }
      this.#places ??= [...(await this.#parts.places())]
      const place = this.#places.shift()
      if (place === undefined) {
        if (this.#silent === undefined) return undefined
        this.#hops = this.#silent
        this.#silent = undefined
        continue
      }
      this.#hops = await this.#hopsOf(place)
    }
  }

  async #hopsOf({ transport, host, port }: Place): Promise<Hop[]> {
    const { environment, size } = this.#parts
    let addresses: readonly string[] = []
    try {
      addresses = await environment.resolver.addresses(host)
      if (addresses.length === 0) this.failures.push(`${host} has no address`)
    } catch (error) {
      // Another server of the domain may be found.
      this.failures.push((error as Error).message)
    }
    // RFC 3261 §18.1.1: too large for a datagram; "if [that] results in an ICMP Protocol Not Supported, or a TCP reset", then UDP.
    const transports =
      transport === 'UDP' && size > datagramBytesMax ? (['TCP', 'UDP'] as const) : [transport]
    return addresses.flatMap((address) => transports.map((each) => ({ transport: each, address, port })))
  }
}
