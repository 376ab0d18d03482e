// The HTTP listener that the world may reach, over TLS: web sockets, and whether we live. No metrics, no details of health.

import {
  type HttpLimits,
  type HttpListener,
  listenHttp,
  type NetMetrics,
  type TlsContext,
  type WebSockets,
} from '#net'
import type { Log } from '#observe'
import { json } from './refusal.ts'
import { router } from './router.ts'

export interface PublicWebOptions {
  readonly host: string | undefined
  readonly port: number
  readonly tls: TlsContext
  readonly web: WebSockets
  readonly limits: Partial<HttpLimits>
  readonly netMetrics: NetMetrics
  readonly log: Log
}

/** @throws ListenError */
export function startPublicWeb(options: PublicWebOptions): Promise<HttpListener> {
  const { host, port, tls, web, limits, netMetrics, log } = options
  return listenHttp({
    name: 'https',
    at: { host, port },
    tls,
    web,
    metrics: netMetrics,
    limits: { ...limits, bodyBytesMax: 0 },
    onFault: (error) => log.error('an HTTPS request failed', { error }),
    onRequest: router([
      { method: 'GET', path: '/health/live', handle: () => json(200, { status: 'ok', checks: [] }) },
    ]),
  })
}
