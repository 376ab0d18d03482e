// Which way an address lies: here, or at another domain.
import type { Address, Condition, ProtocolName } from '#model'
import type { PeerLink, Peers } from './peers.ts'

export class Router {
  readonly #domains: ReadonlySet<string>
  readonly #peers: Peers

  /** @param domains our own, as A-labels in lower case */
  constructor(domains: Iterable<string>, peers: Peers) {
    this.#domains = new Set(domains)
    this.#peers = peers
  }

  isLocal(domain: string): boolean {
    return this.#domains.has(domain)
  }

  get domains(): readonly string[] {
    return [...this.#domains]
  }

  /** The way to another domain for something of `protocol`, or why there is none; in the same tick when it is known. */
  findLink(
    address: Address,
    protocol: ProtocolName | undefined,
    use: (link: PeerLink | Condition) => void,
  ): void {
    this.#peers.find(address.domain, protocol, use)
  }
}
