// What the server starts: the listener for applications, with the profiles of BEEP that they need (RFC 3340 §3, §11).

import type { Logins } from '#auth'
import type { Environment, Listener, Protocol, RunningProtocol, Service } from '#core'
import {
  type Connection,
  listenTcp,
  netMetrics,
  type Resolver,
  type TcpListener,
  type TlsContext,
  type TlsContexts,
  type WebOffers,
} from '#net'
import {
  type BeepProfile,
  beginSession,
  type Session,
  saslProfilesOf,
  sessionLimits,
  tlsProfileOf,
} from '#protocols/beep'
import { ApexChannel } from './apex-channel.ts'
import { protocolName } from './binding.ts'
import { EdgeSession } from './edge-session.ts'
import { reviveEnvelope } from './envelope.ts'
import { Relay } from './relay.ts'
import { type ApexSettings, settings } from './settings.ts'

/** RFC 3340 §8.1. */
export const apexProfile = 'http://iana.org/beep/APEX'

export const protocol: Protocol<ApexSettings, TlsContexts, Logins, WebOffers, Resolver> = {
  name: protocolName,
  settings,
  revive: reviveEnvelope,
  start,
}

async function start(
  service: Service,
  environment: Environment<ApexSettings, TlsContexts, Logins, WebOffers, Resolver>,
): Promise<RunningProtocol> {
  const { settings: values, tls, logins } = environment
  const relay = new Relay(service, values)
  const edge = new Edge(relay, tls, logins)
  const opened = values.edge === undefined ? undefined : await listenAt(service, values.edge, edge)
  return {
    listeners: opened === undefined ? [] : [listenerOf(opened)],
    stop: async () => {
      edge.stop()
      relay.stop()
      await opened?.close()
    },
  }
}

function listenAt(
  service: Service,
  { host, port }: { host: string | undefined; port: number },
  edge: Edge,
): Promise<TcpListener> {
  return listenTcp({
    name: 'apex edge',
    host,
    port,
    clock: service.clock,
    metrics: netMetrics(service.metrics),
    onConnection: (connection) => edge.serve(connection),
    onFault: (error, connection) => {
      service.log.error('an apex connection was cut by a fault', { error, connection: connection?.id })
    },
  })
}

/** Where applications come in. */
export class Edge {
  readonly #relay: Relay
  readonly #profiles: readonly BeepProfile[]
  readonly #sessions = new Map<Session, EdgeSession>()

  constructor(relay: Relay, tls: TlsContext | undefined, logins: Logins) {
    this.#relay = relay
    const { service, settings: values } = relay
    const domainOf = ({ serverName }: Session): string =>
      serverName !== undefined && service.router.isLocal(serverName)
        ? serverName
        : (service.router.domains[0] as string)
    this.#profiles = [
      ...(tls === undefined
        ? []
        : [tlsProfileOf({ context: tls, requestCertificate: logins.sasl.takesCertificates })]),
      ...saslProfilesOf({
        sasl: logins.sasl,
        log: service.log,
        domainOf,
        plainWithoutTls: values.plainWithoutTls,
      }),
      {
        uri: apexProfile,
        start: (starting) => new ApexChannel(relay, this.#sessionOf(starting.session)).begun(starting),
      },
    ]
  }

  /** Serves one connection; also for tests, over a pair in memory. */
  serve(connection: Connection): void {
    const { service, settings: values } = this.#relay
    beginSession(connection, {
      role: 'listener',
      clock: service.clock,
      log: service.log,
      limits: sessionLimits(values),
      profiles: this.#profiles,
      serves: (name) => service.router.isLocal(name),
      onClosed: (session) => {
        this.#sessions.get(session)?.over()
        this.#sessions.delete(session)
      },
    })
  }

  /** Each application is told that it is attached no more (RFC 3340 §4.4.3), and its session ends. */
  stop(): void {
    for (const [session, edge] of [...this.#sessions]) {
      for (const attachment of [...edge.attachments]) attachment.terminate(421, 'the relay stops')
      session.release()
    }
  }

  #sessionOf(session: Session): EdgeSession {
    const known = this.#sessions.get(session)
    if (known !== undefined) return known
    const edge = new EdgeSession(session)
    this.#sessions.set(session, edge)
    return edge
  }
}

function listenerOf({ host, port }: TcpListener): Listener {
  const where = host?.includes(':') ? `[${host}]` : (host ?? '*')
  return {
    setting: 'apex.edge',
    purpose: 'APEX applications (TLS by the BEEP profile)',
    where: `${where}:${port}/tcp`,
  }
}
