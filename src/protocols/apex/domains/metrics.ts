// What is counted of the mesh.

import type { Counter, Gauge, Metrics } from '#observe'

export interface MeshMetrics {
  readonly sessions: Gauge
  readonly sent: Counter
  readonly sentAgain: Counter
  readonly taken: Counter
  readonly takenAgain: Counter
  readonly forged: Counter
}

export function meshMetrics(metrics: Metrics): MeshMetrics {
  return {
    sessions: metrics.gauge({
      name: 'verona_apex_mesh_sessions',
      help: 'BEEP sessions with relays of other domains that are ready, of either side.',
    }),
    sent: metrics.counter({
      name: 'verona_apex_mesh_sent',
      help: 'Data elements for relays of other domains.',
    }),
    sentAgain: metrics.counter({
      name: 'verona_apex_mesh_sent_again',
      help: 'Data elements that were written to another relay once more, as a session ended before they were answered.',
    }),
    taken: metrics.counter({
      name: 'verona_apex_mesh_taken',
      help: 'Data elements of relays of other domains that were taken.',
    }),
    takenAgain: metrics.counter({
      name: 'verona_apex_mesh_taken_again',
      help: 'Data elements of other relays that had been taken before, and were only answered.',
    }),
    forged: metrics.counter({
      name: 'verona_apex_mesh_forged',
      help: 'Data elements of other relays in the name of a domain that had not proven itself, refused.',
    }),
  }
}
