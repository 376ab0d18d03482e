// What the server starts: the listener for applications, with the profiles of BEEP that they need (RFC 3340 §3, §11).

import type { Logins } from '#auth'
import type { Environment, Listener, PeerEnvironment, Protocol, RunningProtocol, Service } from '#core'
import {
  type Connection,
  connectTcp,
  listenAddressText,
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
import { apexProfile, protocolName } from './binding.ts'
import { Mesh } from './domains/mesh.ts'
import { EdgeSession } from './edge-session.ts'
import { reviveEnvelope } from './envelope.ts'
import { Relay } from './relay.ts'
import { type ApexSettings, settings } from './settings.ts'

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
  const mesh = await startMesh(relay, tls, environment.domains)
  let opened: TcpListener | undefined
  try {
    const serve = (connection: Connection): void => edge.serve(connection)
    opened = values.edge && (await listenAt(service, 'apex edge', values.edge, serve))
  } catch (error) {
    await mesh?.opened.close()
    throw error
  }
  const listeners: Listener[] = []
  if (opened !== undefined)
    listeners.push(listenerOf(opened, 'apex.edge', 'APEX applications (TLS by the BEEP profile)'))
  if (mesh !== undefined)
    listeners.push(listenerOf(mesh.opened, 'apex.mesh', 'APEX between domains (TLS by the BEEP profile)'))
  return {
    listeners,
    ...(mesh !== undefined && { peers: mesh.mesh }),
    stop: async () => {
      edge.stop()
      mesh?.mesh.stop()
      relay.stop()
      await Promise.all([opened?.close(), mesh?.opened.close()])
    },
  }
}

/** LIMIT: seconds for one address to answer; the next is tried then. */
const connectSecondsMax = 10

/** Undefined where `apex.mesh` is not set: then there are no other domains by this protocol. */
async function startMesh(
  relay: Relay,
  tls: TlsContext,
  others: PeerEnvironment<Resolver> | undefined,
): Promise<{ readonly mesh: Mesh; readonly opened: TcpListener } | undefined> {
  const { service, settings: values } = relay
  if (values.mesh === undefined || others === undefined) return undefined
  const { clock } = service
  const metrics = netMetrics(service.metrics)
  const onFault = (error: unknown, connection?: { readonly id: string }): void =>
    service.log.error('an apex connection of a domain was cut by a fault', {
      error,
      connection: connection?.id,
    })
  const mesh = new Mesh({
    relay,
    tls,
    others,
    dial: ({ host, port }) => connectTcp({ host, port, connectSecondsMax, clock, metrics, onFault }),
  })
  relay.mesh = mesh
  relay.presence
    .restore()
    .catch((error: unknown) => service.log.error('stored subscriptions could not be read', { error }))
  const accept = (connection: Connection): void => mesh.accept(connection)
  return { mesh, opened: await listenAt(service, 'apex mesh', values.mesh, accept) }
}

function listenAt(
  service: Service,
  name: string,
  { host, port }: { host: string | undefined; port: number },
  onConnection: (connection: Connection) => void,
): Promise<TcpListener> {
  return listenTcp({
    name,
    host,
    port,
    clock: service.clock,
    metrics: netMetrics(service.metrics),
    onConnection,
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

function listenerOf(listener: TcpListener, setting: string, purpose: string): Listener {
  return { setting, purpose, where: `${listenAddressText(listener)}/tcp` }
}
