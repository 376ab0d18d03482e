// What net counts. One set a process, given to every listener.

import type { Counter, CounterFamily, Metrics } from '#observe'

export interface NetMetrics {
  readonly accepted: CounterFamily
  readonly refused: CounterFamily
  readonly closed: CounterFamily
  readonly slowReaders: Counter
  readonly handshakes: Counter
  readonly handshakeFailures: Counter
  readonly datagramsReceived: CounterFamily
  readonly datagramsSent: CounterFamily
  readonly datagramsDropped: CounterFamily
}

export function netMetrics(metrics: Metrics): NetMetrics {
  return {
    accepted: metrics.counterFamily({
      name: 'verona_connections_accepted',
      help: 'Connections accepted, by listener',
      labels: ['listener'],
    }),
    refused: metrics.counterFamily({
      name: 'verona_connections_refused',
      help: 'Connections closed at once, by listener and the limit that was met',
      labels: ['listener', 'limit'],
    }),
    closed: metrics.counterFamily({
      name: 'verona_connections_closed',
      help: 'Connections that are over, by reason',
      labels: ['why'],
    }),
    slowReaders: metrics.counter({
      name: 'verona_slow_readers',
      help: 'Connections lost because the far end did not read',
    }),
    handshakes: metrics.counter({ name: 'verona_tls_handshakes', help: 'TLS handshakes done' }),
    handshakeFailures: metrics.counter({
      name: 'verona_tls_handshake_failures',
      help: 'TLS handshakes that failed',
    }),
    datagramsReceived: metrics.counterFamily({
      name: 'verona_datagrams_received',
      help: 'UDP datagrams handed to their protocol, by listener',
      labels: ['listener'],
    }),
    datagramsSent: metrics.counterFamily({
      name: 'verona_datagrams_sent',
      help: 'UDP datagrams sent, by listener',
      labels: ['listener'],
    }),
    datagramsDropped: metrics.counterFamily({
      name: 'verona_datagrams_dropped',
      help: 'UDP datagrams not handed on or not sent, by listener and reason',
      labels: ['listener', 'reason'],
    }),
  }
}
