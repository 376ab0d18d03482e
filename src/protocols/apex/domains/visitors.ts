// Sessions that relays of other domains opened to us: how many there may be, and for whom each has proven to speak.

import type { Clock } from '#base'
import type { PeerStatus } from '#core'
import type { Session } from '#protocols/beep'
import { protocolName } from '../binding.ts'
import type { MeshMetrics } from './metrics.ts'

interface Visitor {
  readonly source: string
  /** Milliseconds since the epoch. */
  readonly since: number
  /** The domains that it speaks for, and who it has proven to be for each. */
  readonly domains: Map<string, string>
}

export interface VisitorLimits {
  readonly domainConnectionsMax: number
  readonly domainStrangersPerAddressMax: number
}

export class Visitors {
  readonly #clock: Clock
  readonly #limits: VisitorLimits
  readonly #metrics: MeshMetrics
  readonly #all = new Map<Session, Visitor>()
  /** Those that have not bound, by source. */
  readonly #strangers = new Map<string, number>()

  constructor(clock: Clock, limits: VisitorLimits, metrics: MeshMetrics) {
    this.#clock = clock
    this.#limits = limits
    this.#metrics = metrics
  }

  /** LIMIT: who has not said who he is is one of few. */
  admits(source: string): boolean {
    const { domainConnectionsMax, domainStrangersPerAddressMax } = this.#limits
    return (
      this.#all.size < domainConnectionsMax &&
      (this.#strangers.get(source) ?? 0) < domainStrangersPerAddressMax
    )
  }

  came(session: Session, source: string): void {
    this.#all.set(session, { source, since: this.#clock.now(), domains: new Map() })
    this.#strangers.set(source, (this.#strangers.get(source) ?? 0) + 1)
  }

  /** True where that is news; never where we opened the session. */
  bound(session: Session, domain: string, identity: string): boolean {
    const visitor = this.#all.get(session)
    if (visitor === undefined) return false
    if (visitor.domains.size === 0) {
      this.#known(visitor.source)
      this.#metrics.sessions.add(1)
    }
    const isNews = !visitor.domains.has(domain)
    visitor.domains.set(domain, identity)
    return isNews
  }

  left(session: Session): void {
    const visitor = this.#all.get(session)
    if (visitor === undefined) return
    this.#all.delete(session)
    if (visitor.domains.size === 0) this.#known(visitor.source)
    else this.#metrics.sessions.add(-1)
  }

  linesOf(domain: string): readonly string[] {
    return this.#of(domain).map(([{ connection }, { since }]) => {
      const { address, port } = connection.remote
      const seconds = Math.round((this.#clock.now() - since) / 1000)
      const host = address.includes(':') ? `[${address}]` : address
      return `from ${host}:${port}, ${connection.tls?.protocol ?? 'no TLS'}, ${seconds} s`
    })
  }

  identityOf(domain: string): string {
    return this.#of(domain)[0]?.[1].domains.get(domain) ?? ''
  }

  /** Domains that are here and to which nothing ever went. */
  strangersTo(known: ReadonlySet<string>): readonly PeerStatus[] {
    const domains = new Set([...this.#all.values()].flatMap((visitor) => [...visitor.domains.keys()]))
    return [...domains]
      .filter((domain) => !known.has(domain))
      .map((domain) => ({
        protocol: protocolName,
        domain,
        state: 'connected',
        connections: this.linesOf(domain),
        identity: this.identityOf(domain),
        lastError: '',
      }))
  }

  #of(domain: string): readonly (readonly [Session, Visitor])[] {
    return [...this.#all].filter(([, { domains }]) => domains.has(domain))
  }

  #known(source: string): void {
    const left = (this.#strangers.get(source) ?? 1) - 1
    if (left === 0) this.#strangers.delete(source)
    else this.#strangers.set(source, left)
  }
}
