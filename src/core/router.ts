// Which way an address lies: here, or at another domain.
import type { Address, Condition, ProtocolName } from '#model'
import type { PeerLink, Peers } from './peers/peers.ts'

/** LIMIT: words and notifications that wait for the way to one domain. */
export const presenceFindersMax = 100_000

type Use = (link: PeerLink | Condition) => void

export class Router {
  readonly #domains: ReadonlySet<string>
  readonly #peers: Peers
  readonly #waiting = new Map<string, Use[]>()

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
    this.#peers.find(address.domain, 'messages', protocol, use)
  }

  /**
   * The one way for presence and authorizations to another domain, whatever devices are at its ends (decision 0045). `permission-denied`:
   * the domain can be reached, and the policy for it is to show and take no presence.
   */
  findPresenceLink(ours: string, domain: string, use: Use): void {
    if (!this.takesPresence(ours, domain)) return use('permission-denied')
    const waiting = this.#waiting.get(domain)
    if (waiting === undefined) return this.#lookUp(domain, use)
    if (waiting.length >= presenceFindersMax) return use('resource-limit')
    waiting.push(use)
  }

  /** One look-up for all who ask meanwhile, served in their order: many people may come at once after a restart. */
  #lookUp(domain: string, use: Use): void {
    let waiting: Use[] | undefined
    let isKnown = false
    this.#peers.find(domain, 'presence', undefined, (link) => {
      isKnown = true
      if (waiting === undefined) return use(link)
      this.#waiting.delete(domain)
      serveAll(waiting, link)
    })
    if (isKnown) return
    waiting = [use]
    this.#waiting.set(domain, waiting)
  }

  /** False where the policy of `ours` forbids presence from and to the domain. */
  takesPresence(ours: string, domain: string): boolean {
    if (this.isLocal(domain)) return true
    const policy = this.#peers.policyFor(domain, ours)
    return policy.allowed && policy.presence
  }
}

/** One that fails does not take the way from the others; its fault is told after them. */
function serveAll(waiting: readonly Use[], link: PeerLink | Condition): void {
  const faults: unknown[] = []
  for (const use of waiting) {
    try {
      use(link)
    } catch (cause) {
      faults.push(cause)
    }
  }
  if (faults.length > 0) throw faults[0]
}
