// What the server starts: the listener for clients, and the legs to other domains.

import type { Logins } from '#auth'
import type { Environment, Listener, Protocol, RunningProtocol, Service } from '#core'
import {
  type Connection,
  listenAddressText,
  listenTcp,
  netMetrics,
  type Resolver,
  type TcpListener,
  type TlsContext,
  type TlsContexts,
  type WebOffers,
} from '#net'
import { protocolName } from './binding.ts'
import { ClientSession } from './client-session.ts'
import { startDomains } from './domains/start.ts'
import { reviveEnvelope } from './envelope.ts'
import { SentAnswers } from './sent-answers.ts'
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
  const answers = SentAnswers.by(service.clock, values)
  const shared: SessionEnvironment = { ...environment, service, sessions, answers }
  const opened = await listenForClients(shared)
  const withdraw = environment.web && offerWebSockets(environment.web, shared)
  const others = await startDomains({
    service,
    settings: values,
    tls: environment.tls,
    others: environment.domains,
  }).catch(async (error: unknown) => {
    withdraw?.()
    await opened.close()
    throw error
  })
  return {
    listeners: others === undefined ? opened.listeners : [...opened.listeners, others.listener],
    ...(others !== undefined && { peers: others.domains }),
    stop: async () => {
      withdraw?.()
      for (const session of [...sessions.open]) session.signOut('temporarily-unavailable')
      await others?.stop()
      await opened.close()
    },
  }
}

interface Opened {
  readonly listeners: readonly Listener[]
  close(): Promise<void>
}

/** Those that are on; when one can't be opened, the other is closed again. */
async function listenForClients(shared: SessionEnvironment): Promise<Opened> {
  const { client, clientTls } = shared.settings
  const open: TcpListener[] = []
  const close = async (): Promise<void> => {
    await Promise.all(open.map((listener) => listener.close()))
  }
  const listeners: Listener[] = []
  try {
    if (client !== undefined) {
      const listener = await listenAt(shared, client, undefined)
      open.push(listener)
      listeners.push(listenerOf(listener, 'impp.client', 'IMPP clients (STARTTLS)'))
    }
    if (clientTls !== undefined && shared.tls !== undefined) {
      const listener = await listenAt(shared, clientTls, shared.tls)
      open.push(listener)
      listeners.push(listenerOf(listener, 'impp.client_tls', 'IMPP clients (TLS)'))
    }
    return { listeners, close }
  } catch (error) {
    await close()
    throw error
  }
}

function listenAt(
  shared: SessionEnvironment,
  { host, port }: { host: string | undefined; port: number },
  tls: TlsContext | undefined,
): Promise<TcpListener> {
  const { service } = shared
  return listenTcp({
    name: tls === undefined ? 'impp client' : 'impp client tls',
    host,
    port,
    // docs/specs/impp-1.0.md §6.2: no ALPN is needed; who offers one must mean us (RFC 7301 §3.2).
    ...(tls && { tls: { context: tls, alpn: ['impp'] } }),
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

function listenerOf(listener: TcpListener, setting: string, purpose: string): Listener {
  return { setting, purpose, where: `${listenAddressText(listener)}/tcp` }
}
