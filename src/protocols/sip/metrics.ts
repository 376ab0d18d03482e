// What this folder counts.

import type { Counter, CounterFamily, Metrics } from '#observe'

export interface SipMetrics {
  readonly received: CounterFamily
  readonly malformed: CounterFamily
  readonly strayResponses: Counter
  readonly challenges: Counter
}

/** Registers them; a second call gives the same. */
export function sipMetrics(metrics: Metrics): SipMetrics {
  return {
    received: metrics.counterFamily({
      name: 'verona_sip_messages_received',
      help: 'SIP requests and responses that came in, by transport.',
      labels: ['transport'],
    }),
    malformed: metrics.counterFamily({
      name: 'verona_sip_malformed',
      help: 'SIP messages that were refused or dropped because they break the grammar, by transport.',
      labels: ['transport'],
    }),
    strayResponses: metrics.counter({
      name: 'verona_sip_stray_responses',
      help: 'SIP responses that no request of ours waited for.',
    }),
    challenges: metrics.counter({
      name: 'verona_sip_challenges',
      help: 'SIP requests that were answered with a Digest challenge.',
    }),
  }
}
