// What the HTTP listener serves to whoever may reach it: metrics and health. Nothing here changes anything.

import { type HttpLimits, type HttpListener, listenHttp, type NetMetrics, type WebSockets } from '#net'
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
  /** Served beside these. */
  readonly web?: WebSockets
  readonly netMetrics?: NetMetrics
  readonly limits?: Partial<HttpLimits>
}

/** @throws ListenError */
export function startMonitoring(options: MonitoringOptions): Promise<HttpListener> {
  const { metrics, health, log, web, netMetrics } = options
  return listenHttp({
    name: 'http',
    at: { host: options.host, port: options.port },
    limits: { connectionsMax: 200, ...options.limits, bodyBytesMax: 0 },
    ...(web && { web }),
    ...(netMetrics && { metrics: netMetrics }),
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
