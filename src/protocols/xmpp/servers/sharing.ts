// Which stream that is there may carry one more pair of domains (XEP-0220 §2.6; decision 0086), and asking for it.
import type { PlaceFinder } from '#net'
import type { Channel } from './channel.ts'
import { proofBy, proofPolicyOf, type ServersEnvironment } from './environment.ts'
import type { Multiplexing } from './multiplexing.ts'
import type { ServerPair } from './pair.ts'

/** Seconds for which a domain that would not have it is not asked again; LIMIT: such domains that are remembered. */
const aloneSeconds = 3600
const aloneMax = 1000

export interface SharingParts {
  readonly environment: ServersEnvironment
  readonly places: PlaceFinder
  /** Whom each channel serves. */
  readonly served: ReadonlyMap<Channel, ReadonlySet<ServerPair>>
  readonly onShared: (channel: Channel, pair: ServerPair) => void
}

interface Candidate {
  readonly channel: Channel
  readonly multiplexing: Multiplexing
}

export class Sharing {
  readonly #parts: SharingParts
  /** Domains whose servers would not have more by a stream, until when: some end it when they are asked. */
  readonly #alone = new Map<string, number>()

  constructor(parts: SharingParts) {
    this.#parts = parts
  }

  /** Resolves with a channel that carries the pair too, or with undefined: it needs a stream of its own. Never rejects. */
  ask(pair: ServerPair): Promise<Channel | undefined> | undefined {
    if (this.#isAlone(pair.theirs)) return undefined
    const candidates = [...this.#candidates(pair)]
    const same = candidates.find(({ multiplexing }) => multiplexing.parts.theirs === pair.theirs)
    if (same !== undefined) return this.#askBy(same, pair)
    const others = candidates.filter((each) => this.#isTrusted(each, pair))
    return others.length === 0 ? undefined : this.#askWhereNamed(others, pair)
  }

  *#candidates({ ours, theirs }: ServerPair): Iterable<Candidate> {
    for (const channel of this.#parts.served.keys()) {
      const { multiplexing } = channel
      if (multiplexing === undefined || channel.isOver || channel.isClosing || channel.isAway) continue
      const { parts } = multiplexing
      // One end is as it was; where neither is, nothing is gained by sharing.
      if (parts.theirs !== theirs && parts.ours !== ours) continue
      if (this.#isAlone(parts.theirs) || !multiplexing.mayAsk(theirs)) continue
      if (parts.ours === ours || this.#mayProve(multiplexing, ours, theirs)) yield { channel, multiplexing }
    }
  }

  /**
   * A stream of certificates proves the domain whose certificate was shown: another of ours comes by it where that certificate is its too.
   * A stream of dialback takes any.
   */
  #mayProve({ parts }: Multiplexing, ours: string, theirs: string): boolean {
    const { environment } = this.#parts
    if (environment.tls.secureContext(ours) === environment.tls.secureContext(parts.ours)) return true
    return parts.provenBy === 'dialback' && proofPolicyOf(environment, theirs).dialback
  }

  /** What goes to another domain goes to a server that has proven to be it, as on a stream of its own. */
  #isTrusted({ multiplexing }: Candidate, { theirs }: ServerPair): boolean {
    const { environment } = this.#parts
    const { tls } = environment.routeTo(theirs)
    return tls !== 'verified' || proofBy(environment, multiplexing.parts.octets.connection.tls, theirs).proven
  }

  /** XEP-0220 §2.6.2: where the names of the other domain lead to the same address and port. */
  async #askWhereNamed(candidates: readonly Candidate[], pair: ServerPair): Promise<Channel | undefined> {
    const { places, environment } = this.#parts
    try {
      const { all } = await places.find(pair.theirs)
      const [first] = all
      if (first === undefined) return undefined
      const addresses = await environment.resolver.addresses(first.host)
      const there = candidates.find(({ multiplexing }) => {
        const { octets } = multiplexing.parts
        const { address, port } = octets.connection.remote
        return octets.isOpen && port === first.port && addresses.includes(address)
      })
      return there === undefined ? undefined : await this.#askBy(there, pair)
    } catch {
      // Why DNS did not answer is told by the stream of its own that is tried now.
      return undefined
    }
  }

  #askBy({ channel, multiplexing }: Candidate, pair: ServerPair): Promise<Channel | undefined> {
    return new Promise((resolve) => {
      multiplexing.ask(pair.ours, pair.theirs, (isValid) => {
        if (!isValid || channel.isOver || channel.isAway) {
          this.#leaveAlone(pair.theirs)
          this.#leaveAlone(multiplexing.parts.theirs)
          return resolve(undefined)
        }
        channel.outward.add(pair.key)
        const { tls } = multiplexing.parts.octets.connection
        const proof = proofBy(this.#parts.environment, tls, pair.theirs)
        if (proof.proven) channel.identities.set(pair.theirs, proof.identity)
        // Where they may send by it, they may in the name of whom they let us send to.
        if (multiplexing.parts.isBothWays) channel.admitted.add(pair.theirs)
        this.#parts.onShared(channel, pair)
        resolve(channel)
      })
    })
  }

  #isAlone(theirs: string): boolean {
    const until = this.#alone.get(theirs)
    return until !== undefined && until > this.#parts.environment.service.clock.monotonic()
  }

  #leaveAlone(theirs: string): void {
    const { clock } = this.#parts.environment.service
    this.#alone.delete(theirs)
    this.#alone.set(theirs, clock.monotonic() + aloneSeconds * 1000)
    const [oldest] = this.#alone.keys()
    if (this.#alone.size > aloneMax && oldest !== undefined) this.#alone.delete(oldest)
  }
}
