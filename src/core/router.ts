// Which way an address lies: here, at a peer, or nowhere.
import type { Address } from '#model'
import type { PeerLink, Peers } from './peers.ts'

export type Way = 'here' | 'nowhere' | PeerLink

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

  locate(address: Address): Way {
    if (this.#domains.has(address.domain)) return 'here'
    return this.#peers.linkTo(address) ?? 'nowhere'
  }
}
