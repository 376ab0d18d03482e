// What the HTTP listener serves to whoever may reach it: metrics and health. Nothing here changes anything.

import { type HttpListener, listenHttp } from '#net'
import type { Log, Metrics } from '#observe'
import { openMetricsText, openMetricsType } from '#observe'
import type { Health } from './health.ts'
import { json } from './refusal.ts'
import { router } from './router.ts'

export interface MonitoringOptions {
  readonly host: string | undefined
  readonly port: number
  readonly metrics: Metrics
  readonly health: Health
  readonly log: Log
}

/** @throws ListenError */
export function startMonitoring(options: MonitoringOptions): Promise<HttpListener> {
  const { metrics, health, log } = options
  return listenHttp({
    name: 'http',
    at: { host: options.host, port: options.port },
    limits: { bodyBytesMax: 0, connectionsMax: 200 },
    onFault: (error) => log.error('an HTTP request failed', { error }),
    onRequest: router([
      {
        method: 'GET',
        path: '/metrics',
        handle: () => ({
          status: 200,
          headers: { 'Content-Type': openMetricsType },
          body: openMetricsText(metrics),
        }),
      },
      {
        method: 'GET',
        path: '/health',
        handle: async () => {
          const report = await health.report()
          return json(report.status === 'ok' ? 200 : 503, report)
        },
      },
      { method: 'GET', path: '/health/live', handle: () => json(200, { status: 'ok', checks: [] }) },
    ]),
  })
}
