// What the server starts: the listeners for clients of both services.

import type { Logins } from '#auth'
import type { Environment, Listener, Protocol, RunningProtocol, Service } from '#core'
import {
  type Connection,
  listenAddressText,
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
import { type PrimSettings, settings } from './settings.ts'
import { Watches } from './watches.ts'

export const protocol: Protocol<PrimSettings, TlsContexts, Logins, WebOffers, Resolver> = {
  name: protocolName,
  settings,
  revive: reviveEnvelope,
  start,
}

async function start(
  service: Service,
  environment: Environment<PrimSettings, TlsContexts, Logins, WebOffers, Resolver>,
): Promise<RunningProtocol> {
  const { settings: values } = environment
  const sessions = new Sessions(service.metrics)
  const watches = new Watches({ clock: service.clock, subscriptionsMax: values.subscriptionsMax })
  const opened = await listenForClients({ ...environment, service, sessions, watches })
  const others = await startDomains({
    service,
    settings: values,
    tls: environment.tls,
    others: environment.domains,
  }).catch(async (error: unknown) => {
    await opened.close()
    throw error
  })
  return {
    listeners: others === undefined ? opened.listeners : [...opened.listeners, others.listener],
    ...(others !== undefined && { peers: others.domains }),
    stop: async () => {
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
  const { presence, im } = shared.settings
  const open: TcpListener[] = []
  const close = async (): Promise<void> => {
    await Promise.all(open.map((listener) => listener.close()))
  }
  const listeners: Listener[] = []
  try {
    if (presence !== undefined) {
      const listener = await listenAt(shared, 'prim presence', presence)
      open.push(listener)
      listeners.push(listenerOf(listener, 'prim.presence', 'PRIM clients, presence (STARTTLS)'))
    }
    if (im !== undefined) {
      const listener = await listenAt(shared, 'prim im', im)
      open.push(listener)
      listeners.push(listenerOf(listener, 'prim.im', 'PRIM clients, messages (STARTTLS)'))
    }
    return { listeners, close }
  } catch (error) {
    await close()
    throw error
  }
}

function listenAt(
  shared: SessionEnvironment,
  name: string,
  { host, port }: { host: string | undefined; port: number },
): Promise<TcpListener> {
  const { service } = shared
  return listenTcp({
    name,
    host,
    port,
    clock: service.clock,
    metrics: netMetrics(service.metrics),
    onConnection: (connection) => serveClient(connection, shared),
    onFault: (error, connection) => {
      service.log.error('a prim connection was cut by a fault', { error, connection: connection?.id })
    },
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
