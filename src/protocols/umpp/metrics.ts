// What is counted of sessions with other domains.

import type { Counter, CounterFamily, Gauge, Metrics } from '#observe'

export interface UmppMetrics {
  readonly sessions: Gauge
  readonly waiting: Gauge
  readonly setUps: CounterFamily
  readonly refusals: CounterFamily
  readonly ended: CounterFamily
  readonly sent: Counter
  readonly received: Counter
}

/** Registers them; a second call gives the same. */
export function umppMetrics(metrics: Metrics): UmppMetrics {
  return {
    sessions: metrics.gauge({
      name: 'verona_umpp_sessions',
      help: 'Sessions of UMPP that are set up or being set up.',
    }),
    waiting: metrics.gauge({
      name: 'verona_umpp_messages_waiting',
      help: 'Messages that wait until their session is set up.',
    }),
    setUps: metrics.counterFamily({
      name: 'verona_umpp_set_ups',
      help: 'Sessions of UMPP that were set up, by who offered them: us, them.',
      labels: ['offered_by'],
    }),
    refusals: metrics.counterFamily({
      name: 'verona_umpp_refusals',
      help: 'Sessions of UMPP that were offered and not had, by who would not: us, them; and the status of SIP, or none where nobody answered.',
      labels: ['refused_by', 'status'],
    }),
    ended: metrics.counterFamily({
      name: 'verona_umpp_sessions_ended',
      help: 'Sessions of UMPP that had been set up and are over, by why: bye, idle, cut, crowded, stop, no-ack, gone, withdrawn.',
      labels: ['why'],
    }),
    sent: metrics.counter({
      name: 'verona_umpp_messages_sent',
      help: 'Messages that went by a session of UMPP and were taken.',
    }),
    received: metrics.counter({
      name: 'verona_umpp_messages_received',
      help: 'Messages, and what is told of messages, that came by a session of UMPP.',
    }),
  }
}
