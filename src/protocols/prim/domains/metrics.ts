// What is counted of the legs to other domains.

import type { Counter, Gauge, Metrics } from '#observe'

export interface DomainMetrics {
  readonly connections: Gauge
  readonly sent: Counter
  readonly taken: Counter
  readonly forged: Counter
}

export function domainMetrics(metrics: Metrics): DomainMetrics {
  return {
    connections: metrics.gauge({
      name: 'verona_prim_domain_connections',
      help: 'PRIM connections with servers of other domains that are ready.',
    }),
    sent: metrics.counter({
      name: 'verona_prim_domain_requests_sent',
      help: 'PRIM requests to other domains.',
    }),
    taken: metrics.counter({
      name: 'verona_prim_domain_requests_taken',
      help: 'PRIM requests of other domains.',
    }),
    forged: metrics.counter({
      name: 'verona_prim_domain_requests_forged',
      help: 'PRIM requests in the name of a domain that had not proven itself, refused.',
    }),
  }
}
