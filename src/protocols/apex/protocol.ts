// What the server starts: the listener for applications, with the profiles of BEEP that they need (RFC 3340 §3, §11).

import type { Logins } from '#auth'
import type { Environment, PeerEnvironment, Protocol, RunningProtocol, Service } from '#core'
import {
  type Connection,
  connectTcp,
  netMetrics,
  type Resolver,
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
import { cutByFault, openListeners } from '#protocols/exchange'
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
  const { settings: values, tls, logins, domains } = environment
  const relay = new Relay(service, values)
  const edge = new Edge(relay, tls, logins)
  const mesh = values.mesh && domains && meshOf(relay, tls, domains)
  relay
    .restore()
    .catch((error: unknown) => service.log.error('what was under way could not be read', { error }))
  const { listeners, close } = await openListeners(service, [
    {
      name: 'apex edge',
      setting: 'apex.edge',
      purpose: 'APEX applications (TLS by the BEEP profile)',
      place: values.edge,
      onConnection: (connection) => edge.serve(connection),
    },
    {
      name: 'apex mesh',
      setting: 'apex.mesh',
      purpose: 'APEX between domains (TLS by the BEEP profile)',
      // Other domains are not spoken with where either is not there.
      place: mesh && values.mesh,
      onConnection: (connection) => mesh?.accept(connection),
    },
  ])
  return {
    listeners,
    ...(mesh !== undefined && { peers: mesh }),
    stop: async () => {
      edge.stop()
      mesh?.stop()
      relay.stop()
      await close()
    },
  }
}

/** LIMIT: seconds for one address to answer; the next is tried then. */
const connectSecondsMax = 10

function meshOf(relay: Relay, tls: TlsContext, others: PeerEnvironment<Resolver>): Mesh {
  const { service } = relay
  const { clock } = service
  const metrics = netMetrics(service.metrics)
  const onFault = cutByFault(service, 'apex mesh')
  const mesh = new Mesh({
    relay,
    tls,
    others,
    dial: ({ host, port }) => connectTcp({ host, port, connectSecondsMax, clock, metrics, onFault }),
  })
  relay.mesh = mesh
  return mesh
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
