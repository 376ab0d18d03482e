// What one other domain may send us and we it a second, in stanzas or requests and in octets (decision 0131): the same for every protocol.
// Here it is counted and said how long to wait; what then waits, and who is refused, each protocol and the relay say.
import { type Clock, TokenBucket } from '#base'
import type { CounterFamily, Metrics } from '#observe'
import type { PeerShare, Peers } from './peers.ts'

/** LIMIT: domains whose use is remembered; past it those that owe nothing are forgotten, else the first. */
const domainsMax = 10_000

/** What became of something beyond the share. */
export type BeyondShare = 'slowed' | 'refused' | 'delayed' | 'queued'

/** Since the start, of one domain. */
export type BeyondShareCounts = Readonly<Record<BeyondShare, number>>

export interface PeerSharesParts {
  readonly clock: Clock
  readonly peers: Peers
  readonly metrics: Metrics
}

interface Side {
  readonly share: PeerShare
  readonly units: TokenBucket | undefined
  readonly octets: TokenBucket | undefined
}

interface Use {
  from: Side | undefined
  to: Side | undefined
  readonly beyond: Record<BeyondShare, number>
}

type Direction = 'from' | 'to'

export class PeerShares {
  readonly #parts: PeerSharesParts
  readonly #beyond: CounterFamily
  /** Of domains that have a share. */
  readonly #uses = new Map<string, Use>()

  constructor(parts: PeerSharesParts) {
    this.#parts = parts
    this.#beyond = parts.metrics.counterFamily({
      name: 'verona_peers_beyond_share',
      help: 'What was beyond the share of another domain, by what became of it: slowed and refused from it; delayed, queued and refused to it.',
      labels: ['direction', 'outcome'],
    })
  }

  /**
   * Something came from the domain: counts it, and says for how many milliseconds no more of it should be read; 0: go on.
   * `refused`: it is not taken, since it would have to wait for more than `patience`. Hot path.
   */
  received(domain: string, octets: number, patience = Number.POSITIVE_INFINITY): number | 'refused' {
    const side = this.#side(domain, 'from')
    if (side === undefined) return 0
    if (patience < Number.POSITIVE_INFINITY && waitOf(side) > patience) {
      this.beyond(domain, 'from', 'refused')
      return 'refused'
    }
    take(side, octets)
    const rest = waitOf(side)
    if (rest > 0) this.beyond(domain, 'from', 'slowed')
    return rest
  }

  /** Milliseconds until the domain may send again; 0: now. */
  untilFrom(domain: string): number {
    const side = this.#side(domain, 'from')
    return side === undefined ? 0 : waitOf(side)
  }

  /** Milliseconds until something may go to the domain; 0: now. */
  untilTo(domain: string): number {
    const side = this.#side(domain, 'to')
    return side === undefined ? 0 : waitOf(side)
  }

  /** It goes. */
  sent(domain: string, octets: number): void {
    const side = this.#side(domain, 'to')
    if (side !== undefined) take(side, octets)
  }

  /** False while nothing limits what goes there. */
  limitsTo(domain: string): boolean {
    return this.#parts.peers.policyFor(domain).shares?.to !== undefined
  }

  beyond(domain: string, direction: Direction, outcome: BeyondShare): void {
    this.#beyond.with(direction, outcome).add()
    const use = this.#uses.get(domain)
    if (use !== undefined) use.beyond[outcome]++
  }

  countsOf(domain: string): BeyondShareCounts | undefined {
    const counts = this.#uses.get(domain)?.beyond
    return counts === undefined ? undefined : { ...counts }
  }

  #side(domain: string, direction: Direction): Side | undefined {
    const share = this.#parts.peers.policyFor(domain).shares?.[direction]
    if (share === undefined) return undefined
    const use = this.#uses.get(domain) ?? this.#begin(domain)
    const known = use[direction]
    // An operator may have said otherwise since.
    if (known !== undefined && isSame(known.share, share)) return known
    const made = sideOf(this.#parts.clock, share)
    use[direction] = made
    return made
  }

  #begin(domain: string): Use {
    if (this.#uses.size >= domainsMax) this.#forget()
    const use: Use = {
      from: undefined,
      to: undefined,
      beyond: { slowed: 0, refused: 0, delayed: 0, queued: 0 },
    }
    this.#uses.set(domain, use)
    return use
  }

  #forget(): void {
    for (const [domain, use] of this.#uses)
      if (owesNothing(use.from) && owesNothing(use.to)) this.#uses.delete(domain)
    if (this.#uses.size < domainsMax) return
    for (const domain of this.#uses.keys()) return void this.#uses.delete(domain)
  }
}

function sideOf(clock: Clock, share: PeerShare): Side {
  const { perSecondMax, octetsPerSecondMax } = share
  return {
    share,
    units: perSecondMax === undefined ? undefined : new TokenBucket(clock, perSecondMax),
    octets: octetsPerSecondMax === undefined ? undefined : new TokenBucket(clock, octetsPerSecondMax),
  }
}

function waitOf({ units, octets }: Side): number {
  return Math.max(units?.wait() ?? 0, octets?.wait() ?? 0)
}

function take({ units, octets }: Side, size: number): void {
  units?.take()
  octets?.take(size)
}

function owesNothing(side: Side | undefined): boolean {
  return side?.units?.isFull !== false && side?.octets?.isFull !== false
}

function isSame(one: PeerShare, other: PeerShare): boolean {
  return one.perSecondMax === other.perSecondMax && one.octetsPerSecondMax === other.octetsPerSecondMax
}
