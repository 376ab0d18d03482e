// What this folder counts.
import type { Counter, CounterFamily, Gauge, Metrics } from '#observe'

export interface XmppMetrics {
  readonly sessions: Gauge
  readonly stanzas: Readonly<Record<'message' | 'presence' | 'iq', Counter>>
  readonly streamErrors: CounterFamily
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
    streamErrors: metrics.counterFamily({
      name: 'verona_xmpp_stream_errors',
      help: 'Streams that we ended with an error, by its condition.',
      labels: ['condition'],
    }),
  }
}
