// Which link carries what to another domain: the policy for it, and what its protocols answered when they were asked whether they
// reach it. A domain that was asked about lately is answered in the tick.
import type { Clock } from '#base'
import type { Condition, ProtocolName } from '#model'
import type {
  DomainExamination,
  PeerLink,
  PeerPolicy,
  PeerProtocol,
  PeerService,
  PeerStatus,
  Peers,
  Way,
} from './peers.ts'

/** LIMIT: domains whose ways are remembered, those being asked about included; past it the longest known is forgotten. */
export const knownDomainsMax = 10_000

/** LIMIT: finders that wait for one domain's look-up. */
export const waitingFindersMax = 1000

/** LIMIT: how long what was learnt holds: that there is a way, that there is none, that nobody could say. */
const knownForMs = { way: 300_000, none: 60_000, unanswered: 5_000 } as const

/** Whom we speak with, and how. */
export interface PeerTable {
  /** The policy for domains that no entry names. */
  readonly strangers: PeerPolicy
  /** By domain, A-labels in lower case. */
  readonly domains: ReadonlyMap<string, PeerPolicy>
  /** The policy of one of our domains, where they hold it differently; the two above are then what the most open of them says. */
  readonly policyOf?: (ours: string, domain: string) => PeerPolicy
  /** Protocols in the order to be tried where the envelope's own does not reach; those that are not named come after. */
  readonly order: readonly ProtocolName[]
}

export interface PeerLinksParts extends PeerTable {
  readonly clock: Clock
  readonly fault: (cause: unknown, what: string) => void
}

type Use = (link: PeerLink | Condition) => void

interface Finder {
  readonly service: PeerService
  readonly protocol: ProtocolName | undefined
  readonly use: Use
}

interface Known {
  /** What each protocol answered, as it answers. */
  readonly reached: Map<ProtocolName, Way | 'unanswered'>
  readonly waiting: Finder[]
  /** Of the clock that never steps back; undefined while protocols are still asked. */
  until: number | undefined
  /** What is answered may have been true before a change. */
  isStale?: boolean
}

export function createPeers(parts: PeerLinksParts): Peers {
  return new PeerLinks(parts)
}

class PeerLinks implements Peers {
  readonly #parts: PeerLinksParts
  /** In the order to be tried. */
  #protocols: PeerProtocol[] = []
  /** Insertion order is order of asking. */
  readonly #known = new Map<string, Known>()

  constructor(parts: PeerLinksParts) {
    this.#parts = parts
  }

  policyFor(domain: string, ours?: string): PeerPolicy {
    const { domains, strangers, policyOf } = this.#parts
    const own = ours === undefined ? undefined : policyOf?.(ours, domain)
    return own ?? domains.get(domain) ?? strangers
  }

  add(protocol: PeerProtocol): void {
    const place = ({ protocol: name }: PeerProtocol): number => {
      const at = this.#parts.order.indexOf(name)
      return at < 0 ? this.#parts.order.length : at
    }
    this.#protocols = [...this.#protocols, protocol].sort((a, b) => place(a) - place(b))
    // What was found without it is out of date; who waits for an answer gets that one.
    for (const [domain, { until }] of this.#known) if (until !== undefined) this.#known.delete(domain)
  }

  find(domain: string, service: PeerService, protocol: ProtocolName | undefined, use: Use): void {
    const policy = this.policyFor(domain)
    if (!policy.allowed) return use('permission-denied')
    if (policy.protocol !== undefined) return use(this.#named(domain, policy.protocol))
    if (this.#protocols.length === 0) return use('domain-unknown')
    const known = this.#remembered(domain) ?? this.#ask(domain, this.#known.get(domain)?.reached)
    if (known === undefined) return use('resource-limit')
    const decided = this.#decide(domain, known, { service, protocol })
    if (decided !== undefined) return use(decided)
    if (known.waiting.length >= waitingFindersMax) return use('resource-limit')
    known.waiting.push({ service, protocol, use })
  }

  changed(domain: string): void {
    const known = this.#known.get(domain)
    // Who is asked now has answered or will, of what was so before or after; what that is holds no longer than it would have.
    if (known !== undefined)
      known.until = known.until === undefined ? undefined : this.#parts.clock.monotonic()
  }

  status(): readonly PeerStatus[] {
    return this.#protocols.flatMap((protocol) => protocol.status())
  }

  async examine(ours: string, domain: string): Promise<DomainExamination> {
    const protocols = await Promise.all(
      this.#protocols.map(async (one) => ({ protocol: one.protocol, ...(await one.examine(ours, domain)) })),
    )
    const reached = new Map(protocols.map((one) => [one.protocol, one.reached]))
    const policy = this.policyFor(domain)
    const by = (service: PeerService): ProtocolName | Condition => {
      if (!policy.allowed || !policy[service]) return 'permission-denied'
      const link =
        policy.protocol === undefined
          ? this.#decide(domain, { reached, waiting: [], until: 0 }, { service, protocol: undefined })
          : this.#named(domain, policy.protocol)
      return typeof link === 'object' ? link.protocol : (link ?? 'domain-unknown')
    }
    return { domain, policy, protocols, goes: { messages: by('messages'), presence: by('presence') } }
  }

  /** The operator has said how: nobody is asked, and what does not reach is told by the link. */
  #named(domain: string, name: ProtocolName): PeerLink | Condition {
    const protocol = this.#protocols.find((one) => one.protocol === name)
    return protocol?.linkTo(domain) ?? 'domain-unknown'
  }

  #remembered(domain: string): Known | undefined {
    const known = this.#known.get(domain)
    if (known?.until === undefined || known.until > this.#parts.clock.monotonic()) return known
    return undefined
  }

  /**
   * Asks all protocols at once; undefined when too many domains are being asked about. A way that was known `before` holds while DNS
   * is silent: presence and words have no queue, and a connection may be open.
   */
  #ask(domain: string, before: Known['reached'] | undefined): Known | undefined {
    this.#known.delete(domain)
    if (this.#known.size >= knownDomainsMax && !this.#forgetOne()) return undefined
    const known: Known = { reached: new Map(), waiting: [], until: undefined }
    this.#known.set(domain, known)
    const asked = this.#protocols
    for (const protocol of asked) {
      protocol
        .reaches(domain)
        .catch((cause: unknown) => {
          this.#parts.fault(cause, 'a protocol could not say whether it reaches a domain')
          return 'unanswered' as const
        })
        .then((reaches) => {
          const held = reaches === 'unanswered' ? before?.get(protocol.protocol) : undefined
          known.reached.set(protocol.protocol, isWay(held) ? held : reaches)
          if (known.reached.size === asked.length) known.until = this.#parts.clock.monotonic() + lifeOf(known)
          this.#answered(domain, known)
        })
    }
    return known
  }

  #forgetOne(): boolean {
    for (const [domain, { until }] of this.#known) {
      if (until !== undefined) return this.#known.delete(domain)
    }
    return false
  }

  /** Serves those that can be, in their order. */
  #answered(domain: string, known: Known): void {
    for (const finder of known.waiting.splice(0)) {
      const decided = this.#decide(domain, known, finder)
      if (decided === undefined) known.waiting.push(finder)
      else this.#serve(finder, decided)
    }
  }

  #serve({ use }: Finder, link: PeerLink | Condition): void {
    try {
      use(link)
    } catch (cause) {
      // One that fails must not take the answer from the others who wait for it.
      this.#parts.fault(cause, 'a way to another domain could not be used')
    }
  }

  /**
   * The same protocol where the domain names it, else the first in order that it names, else the same or the first by implication;
   * undefined while that is not known yet.
   */
  #decide(
    domain: string,
    { reached, until }: Known,
    { service, protocol: own }: Omit<Finder, 'use'>,
  ): PeerLink | Condition | undefined {
    const order = this.#ownFirst(own)
    let implied: PeerProtocol | undefined
    for (const protocol of order) {
      const way = reached.get(protocol.protocol)
      if (way === undefined && until === undefined) return undefined
      if (way === undefined || way === 'unanswered' || !way[service]) continue
      if (way.named) return protocol.linkTo(domain)
      implied ??= protocol
    }
    if (implied !== undefined) return implied.linkTo(domain)
    return [...reached.values()].includes('unanswered') ? 'connection-failed' : 'domain-unknown'
  }

  #ownFirst(own: ProtocolName | undefined): readonly PeerProtocol[] {
    const same = this.#protocols.find(({ protocol }) => protocol === own)
    return same === undefined ? this.#protocols : [same, ...this.#protocols.filter((one) => one !== same)]
  }
}

function lifeOf({ reached, isStale }: Known): number {
  if (isStale === true) return 0
  const ways = [...reached.values()]
  if (ways.some(isWay)) return knownForMs.way
  return ways.includes('unanswered') ? knownForMs.unanswered : knownForMs.none
}

function isWay(way: Way | 'unanswered' | undefined): way is Way {
  return way !== undefined && way !== 'unanswered' && (way.messages || way.presence)
}
