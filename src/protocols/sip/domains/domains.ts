// All other domains by this protocol (PeerProtocol): the links to them, the user agent by which they are asked, and whose requests are taken.

import { namedWay, noWay, type PeerExamination, type PeerProtocol, type PeerStatus, type Way } from '#core'
import type { Address } from '#model'
import { DnsError } from '#net'
import { addressOfSipUri } from '../binding.ts'
import { UserAgent } from '../client/user-agent.ts'
import { formatSipUri } from '../codec/uri.ts'
import { contactUri } from '../context.ts'
import { uriIn } from '../dialog.ts'
import type { Flow } from '../flow.ts'
import type { Forwardable, Incoming } from '../incoming.ts'
import { Admission } from './admission.ts'
import { DomainFlow } from './domain-flow.ts'
import type { DomainsEnvironment, Ends } from './environment.ts'
import { examine } from './examination.ts'
import { SipLink } from './link.ts'
import { Reach } from './reach.ts'

/** LIMIT: links that are remembered; past it the oldest by which nobody is watched goes, and works on while somebody has it. */
const linksMax = 10_000

/** LIMIT: people of other domains who were seen to read Message/CPIM; past it the first is forgotten. */
const readersMax = 10_000

export class Domains implements PeerProtocol {
  readonly protocol = 'sip'
  readonly reach: Reach
  readonly agent: UserAgent
  readonly admission: Admission
  readonly #environment: DomainsEnvironment
  readonly #links = new Map<string, SipLink>()
  readonly #readers = new Set<string>()

  constructor(environment: DomainsEnvironment) {
    this.#environment = environment
    this.reach = new Reach(environment, (domain) => this.#reachable(domain))
    this.agent = new UserAgent(environment, this.reach)
    this.admission = new Admission(environment)
  }

  // As a PeerProtocol.

  async reaches(domain: string): Promise<Way | 'unanswered'> {
    try {
      if ((await this.reach.recordsOf(domain, undefined)).length > 0) return namedWay
    } catch (error) {
      if (error instanceof DnsError) return 'unanswered'
      throw error
    }
    const labelled = await this.reach.labelled(domain)
    if (labelled === 'unanswered' || labelled.messages || labelled.presence) return labelled
    return this.#environment.service.peers.policyFor(domain).protocol === this.protocol ? namedWay : noWay
  }

  examine(ours: string, domain: string): Promise<PeerExamination> {
    const { service } = this.#environment
    const isChosen = service.peers.policyFor(domain).protocol === this.protocol
    return examine(this.#environment, this.reach, { ours, theirs: domain }, isChosen)
  }

  linkTo(domain: string): SipLink {
    const known = this.#links.get(domain)
    if (known !== undefined) return known
    const link = new SipLink({
      domain,
      agent: this.agent,
      readsCpim: (person) => this.#readers.has(person.key),
    })
    if (this.#links.size >= linksMax) this.#forgetOne()
    this.#links.set(domain, link)
    return link
  }

  #forgetOne(): void {
    for (const [domain, { watches }] of this.#links) if (watches === 0) return void this.#links.delete(domain)
  }

  status(): readonly PeerStatus[] {
    const { connections } = this.reach.ways
    const domains = new Set([...this.#links.keys(), ...connections.keys(), ...this.reach.failing])
    return [...domains].map((domain) => {
      const open = connections.get(domain) ?? []
      const lastError = this.reach.lastError(domain)
      const isAway = this.reach.isFailing(domain)
      return {
        protocol: this.protocol,
        domain,
        state: open.length > 0 ? 'connected' : isAway ? 'backing-off' : 'idle',
        connections: open.map(({ line }) => line),
        identity: open.find(({ identity }) => identity !== '')?.identity ?? '',
        lastError,
      } as const
    })
  }

  // For what comes from there.

  /** Somebody there wrote Message/CPIM, and so reads it (decision 0095). */
  writesCpim({ key }: Address): void {
    if (this.#readers.has(key)) return
    if (this.#readers.size >= readersMax)
      for (const first of this.#readers) {
        this.#readers.delete(first)
        break
      }
    this.#readers.add(key)
  }

  /** The way back to somebody there who began a dialog; a datagram's is where it came from. @param hop the first route, or the target */
  flowBack(incoming: Incoming, hop: string): Flow | undefined {
    const ends = this.endsOf(incoming)
    if (ends === undefined || !incoming.flow.reliable) return undefined
    return new DomainFlow(this.#environment, this.reach, ends, uriIn(hop), incoming.flow)
  }

  /** The URI by which they come back. */
  contactBack(incoming: Incoming): string | undefined {
    const ends = this.endsOf(incoming)
    return ends === undefined
      ? undefined
      : contactUri(incoming.flow, this.#environment.settings.host, ends.ours)
  }

  /** Whose request it is where that is another domain, and which domain of ours it is for. */
  endsOf({ parts }: Forwardable): Ends | undefined {
    const { router } = this.#environment.service
    const theirs = addressOfSipUri(parts.from.uri)?.domain
    if (theirs === undefined || router.isLocal(theirs)) return undefined
    const named = [parts.to.uri, formatSipUri(parts.uri)].map((uri) => addressOfSipUri(uri)?.domain)
    const ours = named.find((domain) => domain !== undefined && router.isLocal(domain)) ?? router.domains[0]
    return ours === undefined ? undefined : { ours, theirs }
  }

  /** Whether we have to do with it: a stranger's claim alone leaves no trace. */
  knows(domain: string): boolean {
    return this.#links.has(domain) || this.reach.ways.connections.has(domain)
  }

  flowEnded(flow: Flow): void {
    this.reach.ways.flowEnded(flow)
  }

  stop(): void {
    for (const link of this.#links.values()) link.stop()
  }

  /** It failed, and has answered again: what waits for it is tried. */
  #reachable(domain: string): void {
    this.#links.get(domain)?.askAgain()
    this.agent.reachable(domain)
    this.#environment.service.relay.retry(domain)
  }
}
