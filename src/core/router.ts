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

  /**
   * The one way for presence and authorizations to another domain, whatever devices are at its ends (decision 0045). `permission-denied`:
   * the domain can be reached, and the policy for it is to show and take no presence.
   */
  findPresenceLink(domain: string, use: (link: PeerLink | Condition) => void): void {
    if (this.takesPresence(domain)) this.#peers.find(domain, undefined, use)
    else use('permission-denied')
  }

  /** False where the policy forbids presence from and to the domain. */
  takesPresence(domain: string): boolean {
    if (this.isLocal(domain)) return true
    const policy = this.#peers.policyFor(domain)
    return policy.allowed && policy.presence
  }
}
