// What the server starts: the listener for clients, and the legs to other domains.

import type { Logins } from '#auth'
import type { Environment, Listener, Protocol, RunningProtocol, Service } from '#core'
import {
  type Connection,
  listenTcp,
  netMetrics,
  type Resolver,
  type TcpListener,
  type TlsContexts,
  type WebOffers,
} from '#net'
import { protocolName } from './binding.ts'
import { ClientSession } from './client-session.ts'
import { startDomains } from './domains/start.ts'
import { reviveEnvelope } from './envelope.ts'
import { type SessionEnvironment, Sessions } from './session-environment.ts'
import { type ImppSettings, settings } from './settings.ts'

export const protocol: Protocol<ImppSettings, TlsContexts, Logins, WebOffers, Resolver> = {
  name: protocolName,
  settings,
  revive: reviveEnvelope,
  start,
}

async function start(
  service: Service,
  environment: Environment<ImppSettings, TlsContexts, Logins, WebOffers, Resolver>,
): Promise<RunningProtocol> {
  const sessions = new Sessions(service.metrics)
  const { settings: values } = environment
  const shared: SessionEnvironment = { ...environment, service, sessions }
  const opened =
    values.client === undefined ? undefined : await listenForClients(service, shared, values.client)
  const withdraw = environment.web && offerWebSockets(environment.web, shared)
  const others = await startDomains({
    service,
    settings: values,
    tls: environment.tls,
    others: environment.domains,
  }).catch(async (error: unknown) => {
    await opened?.close()
    throw error
  })
  const listeners = opened === undefined ? [] : [listenerOf(opened)]
  return {
    listeners: others === undefined ? listeners : [...listeners, others.listener],
    ...(others !== undefined && { peers: others.domains }),
    stop: async () => {
      withdraw?.()
      for (const session of [...sessions.open]) session.signOut('temporarily-unavailable')
      await others?.stop()
      await opened?.close()
    },
  }
}

function listenForClients(
  service: Service,
  shared: SessionEnvironment,
  { host, port }: { host: string | undefined; port: number },
): Promise<TcpListener> {
  return listenTcp({
    name: 'impp client',
    host,
    port,
    clock: service.clock,
    metrics: netMetrics(service.metrics),
    onConnection: (connection) => serveClient(connection, shared),
    onFault: (error, connection) => {
      service.log.error('an impp connection was cut by a fault', { error, connection: connection?.id })
    },
  })
}

/** docs/specs/impp-1.0.md §2.1: the same octets in binary messages; TLS is the web socket's, so STARTTLS is not there. */
function offerWebSockets(web: WebOffers, shared: SessionEnvironment): () => void {
  const environment = { ...shared, tls: undefined }
  return web.offer({
    path: '/impp',
    subprotocol: 'impp',
    purpose: 'IMPP clients (WebSocket)',
    kind: 'binary',
    framing: 'stream',
    messageBytesMax: shared.settings.messageOctetsMax,
    accept: (connection) => serveClient(connection, environment),
  })
}

/** Serves one connection; also for tests, over a pair in memory. */
export function serveClient(connection: Connection, shared: SessionEnvironment): ClientSession {
  const session = new ClientSession(connection, shared)
  shared.sessions.open.add(session)
  connection.start(session)
  return session
}

function listenerOf({ host, port }: TcpListener): Listener {
  const where = host?.includes(':') ? `[${host}]` : (host ?? '*')
  return { setting: 'impp.client', purpose: 'IMPP clients (STARTTLS)', where: `${where}:${port}/tcp` }
}
