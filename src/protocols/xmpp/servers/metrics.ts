// What is counted of streams with other servers.
import type { Counter, Gauge, Metrics } from '#observe'

export interface ServerMetrics {
  readonly streams: Gauge
  readonly sent: Counter
  readonly taken: Counter
  readonly lost: Counter
  readonly tooLarge: Counter
  readonly resumed: Counter
  readonly forged: Counter
}

export function serverMetrics(metrics: Metrics): ServerMetrics {
  return {
    streams: metrics.gauge({
      name: 'verona_xmpp_server_streams',
      help: 'Streams with XMPP servers of other domains that carry stanzas.',
    }),
    sent: metrics.counter({
      name: 'verona_xmpp_server_stanzas_sent',
      help: 'Stanzas to other XMPP servers.',
    }),
    taken: metrics.counter({
      name: 'verona_xmpp_server_stanzas_received',
      help: 'Stanzas of other XMPP servers.',
    }),
    lost: metrics.counter({
      name: 'verona_xmpp_server_stanzas_given_back',
      help: 'Stanzas for other XMPP servers that could not be handed on; messages among them wait in the queue.',
    }),
    tooLarge: metrics.counter({
      name: 'verona_xmpp_server_stanzas_too_large',
      help: 'Stanzas for other XMPP servers that were larger than those take (XEP-0478); senders of messages and requests are told.',
    }),
    resumed: metrics.counter({
      name: 'verona_xmpp_server_streams_resumed',
      help: 'Streams to other XMPP servers that went on after they had broken (XEP-0198).',
    }),
    forged: metrics.counter({
      name: 'verona_xmpp_server_stanzas_forged',
      help: 'Stanzas in the name of a domain that had not proven itself; each ended its stream.',
    }),
  }
}
