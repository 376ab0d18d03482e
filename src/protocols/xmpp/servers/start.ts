// What the door starts of the streams with other domains' servers: the listeners, and the links.
import { keyOf } from '#config'
import type { Listener, PeerEnvironment, Service } from '#core'
import {
  connectTcp,
  listenAddressText,
  listenTcp,
  netMetrics,
  type Resolver,
  type TcpListener,
  type TlsContext,
} from '#net'
import type { XmppSettings } from '../settings.ts'
import { DialbackKeys } from './dialback-key.ts'
import { serverMetrics } from './metrics.ts'
import { Servers } from './servers.ts'

/** LIMIT: seconds for one address to answer; the next is tried then. */
const connectSecondsMax = 10

export interface StartParts {
  readonly service: Service
  readonly settings: XmppSettings
  readonly version: string
  readonly tls: TlsContext
  /** Undefined: other domains are not spoken with. */
  readonly others: PeerEnvironment<Resolver> | undefined
}

export interface RunningServers {
  readonly servers: Servers
  readonly listeners: readonly Listener[]
  stop(): Promise<void>
}

/** Undefined where no listener for servers is set: then there are no other domains by this protocol. */
export async function startServers(parts: StartParts): Promise<RunningServers | undefined> {
  const { service, settings, tls, others, version } = parts
  const isOff = [settings.server, settings.serverTls, settings.component].every((each) => each === undefined)
  if (isOff || others === undefined) return undefined
  const { clock, log } = service
  const metrics = netMetrics(service.metrics)
  const onFault = (error: unknown, connection?: { readonly id: string }): void =>
    log.error('an XMPP connection with a server was cut by a fault', { error, connection: connection?.id })
  const servers = new Servers(
    {
      service,
      settings,
      version,
      tls,
      resolver: others.resolver,
      routeTo: (domain) => others.routeTo(domain),
      keys: new DialbackKeys(settings.dialbackSecret),
      metrics: serverMetrics(service.metrics),
    },
    ({ host, port, tls: direct }, signal) =>
      connectTcp({
        host,
        port,
        signal,
        connectSecondsMax,
        clock,
        metrics,
        onFault,
        ...(direct && { tls: direct }),
      }),
  )
  const opened: { readonly listener: TcpListener; readonly setting: string; readonly purpose: string }[] = []
  const open = async (setting: 'server' | 'serverTls' | 'component', purpose: string): Promise<void> => {
    const address = settings[setting]
    if (address === undefined) return
    const listener = await listenTcp({
      name: purpose,
      ...address,
      clock,
      metrics,
      log,
      // XEP-0368 §3, RFC 7301
      ...(setting === 'serverTls' && {
        tls: { context: tls, alpn: ['xmpp-server'], requestCertificate: true },
      }),
      onConnection: (connection) =>
        setting === 'component' ? servers.components.accept(connection) : servers.accept(connection),
      onFault,
    })
    opened.push({ listener, purpose, setting: `xmpp.${keyOf(setting)}` })
  }
  const close = async (): Promise<void> => {
    await Promise.all(opened.map(({ listener }) => listener.close()))
  }
  try {
    await open('server', 'XMPP servers (STARTTLS)')
    await open('serverTls', 'XMPP servers (TLS)')
    await open('component', 'XMPP components (XEP-0114)')
  } catch (cause) {
    await close()
    throw cause
  }
  return {
    servers,
    listeners: opened.map(({ listener, purpose, setting }) => ({
      setting,
      purpose,
      where: `${listenAddressText(listener)}/tcp`,
    })),
    stop: async () => {
      servers.stop()
      await close()
    },
  }
}
