// What all that speaks with other domains shares.

import type { Service } from '#core'
import type { Resolver, TlsContext } from '#net'
import type { ImppSettings } from '../settings.ts'
import type { DomainMetrics } from './metrics.ts'

export interface DomainsEnvironment {
  readonly service: Service
  readonly settings: ImppSettings
  /** Our certificates, by domain; it trusts whom the operator trusts. */
  readonly tls: TlsContext
  readonly resolver: Resolver
  /** `host` or `host:port` of the servers of a domain that DNS is not asked about. */
  readonly serversOf: (domain: string) => readonly string[] | undefined
  readonly metrics: DomainMetrics
}
