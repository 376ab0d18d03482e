// What is counted of APEX.

import type { Counter, Gauge, Metrics } from '#observe'

export interface ApexMetrics {
  readonly data: Counter
  readonly reports: Counter
  readonly attachments: Gauge
}

export function apexMetrics(metrics: Metrics): ApexMetrics {
  return {
    data: metrics.counter({ name: 'verona_apex_data', help: 'Data elements taken from APEX applications.' }),
    reports: metrics.counter({
      name: 'verona_apex_reports',
      help: 'Status responses of the APEX report service.',
    }),
    attachments: metrics.gauge({
      name: 'verona_apex_attachments',
      help: 'APEX endpoints that are attached.',
    }),
  }
}
