// What all that speaks with other domains' servers shares.
import type { PeerRoute, Service } from '#core'
import type { Resolver, TlsContext, TlsInfo } from '#net'
import type { StreamLimits } from '../codec/stream-limits.ts'
import type { XmppSettings } from '../settings.ts'
import type { DialbackKeys } from './dialback-key.ts'
import { type Proof, proofOf } from './identity.ts'
import type { ServerMetrics } from './metrics.ts'

/** How a domain must prove itself to us, and we to it (`PeerRoute.tls`), and whether by dialback at all. */
export interface ProofPolicy {
  readonly tls: PeerRoute['tls']
  readonly dialback: boolean
}

export interface ServersEnvironment {
  readonly service: Service
  readonly settings: XmppSettings
  readonly version: string
  /** Our certificates, by domain; it trusts whom the operator trusts. */
  readonly tls: TlsContext
  readonly resolver: Resolver
  /** How we get to a domain, as the configuration says. */
  readonly routeTo: (domain: string) => PeerRoute
  readonly keys: DialbackKeys
  readonly metrics: ServerMetrics
}

/** What the operator says of the domain, else of all. */
export function proofPolicyOf({ routeTo, settings }: ServersEnvironment, domain: string): ProofPolicy {
  const { tls, dialback } = routeTo(domain)
  return { tls, dialback: dialback ?? settings.dialback }
}

/** What we take on a stream, and how long we keep it unused (XEP-0478). */
export function ownLimits({ settings }: ServersEnvironment): StreamLimits {
  return { octets: settings.stanzaOctetsMax, seconds: settings.serverIdleSeconds * 2 }
}

/** Whether the other side's certificate proves that domain, by the name that the operator says it has. */
export function proofBy({ routeTo }: ServersEnvironment, tls: TlsInfo | undefined, domain: string): Proof {
  return proofOf(tls, domain, routeTo(domain).identity)
}
