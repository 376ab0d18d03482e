// What this folder counts.
import type { Counter, CounterFamily, Gauge, Metrics } from '#observe'

export interface XmppMetrics {
  readonly sessions: Gauge
  readonly stanzas: Readonly<Record<'message' | 'presence' | 'iq', Counter>>
  readonly streamErrors: CounterFamily
  /** Sessions without a stream, whose clients may come back. */
  readonly awaited: Gauge
  readonly resumed: Counter
  readonly overflows: Counter
}

/** Registers them; a second call gives the same. */
export function xmppMetrics(metrics: Metrics): XmppMetrics {
  const stanzas = metrics.counterFamily({
    name: 'verona_xmpp_stanzas_received',
    help: 'Stanzas that clients sent, by kind.',
    labels: ['kind'],
  })
  return {
    sessions: metrics.gauge({ name: 'verona_xmpp_sessions', help: 'Clients that have bound a resource.' }),
    stanzas: {
      message: stanzas.with('message'),
      presence: stanzas.with('presence'),
      iq: stanzas.with('iq'),
    },
    awaited: metrics.gauge({
      name: 'verona_xmpp_sessions_awaited',
      help: 'Sessions without a stream, whose clients may come back (XEP-0198).',
    }),
    resumed: metrics.counter({
      name: 'verona_xmpp_sessions_resumed',
      help: 'Sessions whose clients came back (XEP-0198).',
    }),
    overflows: metrics.counter({
      name: 'verona_xmpp_unacknowledged_overflows',
      help: 'Sessions ended because their clients left too much unacknowledged.',
    }),
    streamErrors: metrics.counterFamily({
      name: 'verona_xmpp_stream_errors',
      help: 'Streams that we ended with an error, by its condition.',
      labels: ['condition'],
    }),
  }
}
