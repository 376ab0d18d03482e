// What all that speaks with other domains shares.

import type { PeerRoute, Service } from '#core'
import type { Resolver, TlsContext } from '#net'
import type { PrimSettings } from '../settings.ts'
import type { DomainMetrics } from './metrics.ts'

export interface DomainsEnvironment {
  readonly service: Service
  readonly settings: PrimSettings
  /** Our certificates, by domain; it trusts whom the operator trusts. */
  readonly tls: TlsContext
  readonly resolver: Resolver
  /** How we get to a domain, as the configuration says. */
  readonly routeTo: (domain: string) => PeerRoute
  readonly metrics: DomainMetrics
}
