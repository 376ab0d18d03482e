// What the relay counts.
import type { Counter, CounterFamily, Metrics } from '#observe'

export interface RelayMetrics {
  readonly relayed: Counter
  readonly queued: Counter
  readonly expired: Counter
  readonly dropped: Counter
  readonly failed: CounterFamily
}

/** @param waiting how much waits now */
export function relayMetrics(
  metrics: Metrics,
  waiting: { readonly units: number; readonly octets: number },
): RelayMetrics {
  const counter = (name: string, help: string): Counter => metrics.counter({ name, help })
  metrics.gauge(
    { name: 'verona_relay_waiting', help: 'Messages that wait for another domain now.' },
    () => waiting.units,
  )
  metrics.gauge(
    { name: 'verona_relay_waiting_octets', help: 'Octets of the messages that wait for another domain now.' },
    () => waiting.octets,
  )
  return {
    relayed: counter('verona_messages_relayed', 'Messages handed on to another domain.'),
    queued: counter(
      'verona_relay_queued',
      'Messages stored until another domain can be reached; each is handed on, expired, dropped or failed later.',
    ),
    expired: counter(
      'verona_relay_expired',
      'Messages that waited too long for another domain; their senders were told.',
    ),
    dropped: counter(
      'verona_relay_dropped',
      'Messages to another domain that an operator gave up; their senders were told.',
    ),
    failed: metrics.counterFamily({
      name: 'verona_relay_failed',
      help: 'Messages that waited for another domain and were then refused by it; their senders were told.',
      labels: ['condition'],
    }),
  }
}
