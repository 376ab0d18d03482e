// The management API, on a Unix socket that the server's own user alone can open: who can, may do everything.

import type { Listener, Service } from '#core'
import { type HttpListener, listenHttp } from '#net'
import type { Log } from '#observe'
import { accountRoutes } from './accounts.ts'
import { contactRoutes } from './contacts.ts'
import type { Health } from './health.ts'
import { peerRoutes } from './peers.ts'
import { json } from './refusal.ts'
import { router } from './router.ts'
import { scriptRoutes } from './scripts.ts'
import type { PeerTables, ServerStatus } from './types.ts'

export interface ControlOptions {
  /** Where the socket is made: `data/control.sock`. */
  readonly path: string
  readonly service: Service
  /** What holds for single other domains. */
  readonly peers: PeerTables
  readonly health: Health
  readonly log: Log
  readonly version: string
  readonly domains: readonly string[]
  /** Of all protocols, as they are now. */
  readonly listeners: () => readonly Listener[]
  /** Called once the answer to a request to stop is on its way. */
  readonly onStop: () => void
}

/** @throws ListenError */
export function startControl(options: ControlOptions): Promise<HttpListener> {
  const { service, log } = options
  const startedAt = service.clock.now()
  return listenHttp({
    name: 'control',
    at: { path: options.path },
    // A batch of accounts with aliases is the longest body.
    limits: { bodyBytesMax: 4 * 1024 * 1024, connectionsMax: 100, requestSecondsMax: 120 },
    onFault: (error) => log.error('a management request failed', { error }),
    onRequest: router([
      ...accountRoutes(service, options.domains),
      ...contactRoutes(service),
      ...peerRoutes(service, options.peers),
      ...scriptRoutes(service),
      { method: 'GET', path: '/status', handle: async () => json(200, await statusOf(options, startedAt)) },
      {
        method: 'POST',
        path: '/stop',
        handle: () => {
          log.info('asked to stop over the control socket')
          setImmediate(options.onStop)
          return json(202, {})
        },
      },
    ]),
  })
}

async function statusOf(options: ControlOptions, startedAt: number): Promise<ServerStatus> {
  const { service } = options
  let accountsOnline = 0
  let agentsOnline = 0
  for (const account of service.directory.residents()) {
    if (account.inbox.agents.length > 0) accountsOnline++
    agentsOnline += account.inbox.agents.length
  }
  return {
    version: options.version,
    node: process.version,
    pid: process.pid,
    startedAt,
    uptimeSeconds: Math.floor((service.clock.now() - startedAt) / 1000),
    domains: options.domains,
    listeners: options.listeners(),
    accounts: await service.store.countAccounts(),
    accountsOnline,
    agentsOnline,
    memoryBytes: process.memoryUsage.rss(),
    health: await options.health.report(),
  }
}
