// The door of XMPP.
import type { Logins } from '#auth'
import { keyOf } from '#config'
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
import { ClientSession } from './client-session.ts'
import { reviveStanza } from './envelope.ts'
import { xmppMetrics } from './metrics.ts'
import { registrationsOf } from './registration.ts'
import { Resumptions } from './resumptions.ts'
import type { Sessions } from './servers/sessions.ts'
import { type RunningServers, startServers } from './servers/start.ts'
import { type XmppSettings, xmppSettings } from './settings.ts'
import { offerWebSockets } from './web.ts'

export { fullJid, type Jid, parseJid, prepareResource } from './codec/jid.ts'
export type { SessionEnds, Sessions, SessionTaker, SessionTarget } from './servers/sessions.ts'
export type { XmppSettings } from './settings.ts'

export const protocol: Protocol<XmppSettings, TlsContexts, Logins, WebOffers, Resolver> = {
  name: 'xmpp',
  settings: xmppSettings,
  revive: reviveStanza,
  start,
}

/** XMPP as it runs, for the server and for folders that build on it. */
export interface RunningXmpp extends RunningProtocol {
  /** Streams for sessions with other domains, where they are spoken with. */
  readonly sessions?: Sessions
}

/** Whether what runs is this, with other domains. */
export function isRunningXmpp(running: RunningProtocol | undefined): running is RunningXmpp {
  return running !== undefined && 'sessions' in running
}

/** LIMIT: turns of the event loop in which what a stop brings about is told to other domains. */
const farewellTurns = 10

async function start(
  service: Service,
  environment: Environment<XmppSettings, TlsContexts, Logins, WebOffers, Resolver>,
): Promise<RunningXmpp> {
  const { settings, tls } = environment
  const sessions = new Set<ClientSession>()
  const metrics = xmppMetrics(service.metrics)
  const resumptions = new Resumptions()
  const around = {
    service,
    settings,
    logins: environment.logins,
    version: environment.version ?? '',
    metrics,
    resumptions,
    registrations: registrationsOf(service, settings),
    tls,
  }
  const onConnection = (connection: Connection): void => {
    const session = new ClientSession(connection, { ...around, onOver: () => sessions.delete(session) })
    sessions.add(session)
  }
  const listeners: { listener: TcpListener; purpose: string; setting: string }[] = []
  const open = async (setting: 'client' | 'clientTls', purpose: string, secure: boolean): Promise<void> => {
    const address = settings[setting]
    if (address === undefined) return
    const listener = await listenTcp({
      name: purpose,
      ...address,
      // XEP-0368 §3, RFC 7301
      ...(secure ? { tls: { context: tls, alpn: ['xmpp-client'] } } : {}),
      onConnection,
      onFault: (error) => service.log.error('an XMPP connection met a fault', { error }),
      clock: service.clock,
      metrics: netMetrics(service.metrics),
    })
    listeners.push({ listener, purpose, setting: `xmpp.${keyOf(setting)}` })
  }
  let others: RunningServers | undefined
  try {
    await open('client', 'XMPP clients (STARTTLS)', false)
    await open('clientTls', 'XMPP clients (TLS)', true)
    const { version } = around
    others = await startServers({ service, settings, version, tls, others: environment.domains })
  } catch (cause) {
    await Promise.all(listeners.map(({ listener }) => listener.close()))
    throw cause
  }
  const { web } = environment
  const withdraw =
    web === undefined || !settings.webSocket ? () => {} : offerWebSockets(web, around, sessions)
  return {
    listeners: [
      ...listeners.map(
        ({ listener, purpose, setting }): Listener => ({
          setting,
          purpose,
          where: `${listenAddressText(listener)}/tcp`,
        }),
      ),
      ...(others?.listeners ?? []),
    ],
    ...(others !== undefined && { peers: others.servers, sessions: others.servers.sessions }),
    stop: async () => {
      withdraw()
      for (const session of sessions) session.stop()
      // Other domains hear that they are gone before their streams end (RFC 6121 §4.5.2).
      for (let turn = 0; turn < farewellTurns && others !== undefined; turn++)
        await new Promise((resolve) => setImmediate(resolve))
      await others?.stop()
      await Promise.all(listeners.map(({ listener }) => listener.close()))
    },
  }
}
