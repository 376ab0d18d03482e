// What is counted of the legs to other domains.

import type { Counter, Gauge, Metrics } from '#observe'

export interface DomainMetrics {
  readonly sessions: Gauge
  readonly sent: Counter
  readonly taken: Counter
  readonly sentAgain: Counter
  readonly takenAgain: Counter
  readonly forged: Counter
}

export function domainMetrics(metrics: Metrics): DomainMetrics {
  return {
    sessions: metrics.gauge({
      name: 'verona_impp_domain_connections',
      help: 'IMPP connections with servers of other domains that are ready.',
    }),
    sent: metrics.counter({
      name: 'verona_impp_domain_requests_sent',
      help: 'IMPP requests to other domains.',
    }),
    taken: metrics.counter({
      name: 'verona_impp_domain_requests_taken',
      help: 'IMPP requests of other domains.',
    }),
    sentAgain: metrics.counter({
      name: 'verona_impp_domain_requests_sent_again',
      help: 'IMPP requests that went to another domain again because their connection ended.',
    }),
    takenAgain: metrics.counter({
      name: 'verona_impp_domain_requests_taken_again',
      help: 'IMPP requests of other domains that came again and were answered as before.',
    }),
    forged: metrics.counter({
      name: 'verona_impp_domain_requests_forged',
      help: 'IMPP requests in the name of a domain that had not proven itself, refused.',
    }),
  }
}
