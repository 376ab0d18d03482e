// What the server starts of the legs to other domains: the listener for their servers, and the links to them.

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
import type { PrimSettings } from '../settings.ts'
import { Domains } from './domains.ts'
import { domainMetrics } from './metrics.ts'

/** LIMIT: seconds for one address to answer; the next is tried then. */
const connectSecondsMax = 10

export interface StartParts {
  readonly service: Service
  readonly settings: PrimSettings
  readonly tls: TlsContext
  /** Undefined: other domains are not spoken with. */
  readonly others: PeerEnvironment<Resolver> | undefined
}

export interface RunningDomains {
  readonly domains: Domains
  readonly listener: Listener
  stop(): Promise<void>
}

/** Undefined where `prim.server` is not set: then there are no other domains by this protocol. */
export async function startDomains(parts: StartParts): Promise<RunningDomains | undefined> {
  const { service, settings, tls, others } = parts
  const { clock, log } = service
  if (settings.server === undefined || others === undefined) return undefined
  const metrics = netMetrics(service.metrics)
  const onFault = (error: unknown, connection?: { readonly id: string }): void =>
    log.error('a prim connection of a domain was cut by a fault', { error, connection: connection?.id })
  const domains = new Domains(
    {
      service,
      settings,
      tls,
      resolver: others.resolver,
      routeTo: (domain) => others.routeTo(domain),
      metrics: domainMetrics(service.metrics),
    },
    ({ host, port }) => connectTcp({ host, port, connectSecondsMax, clock, metrics, onFault }),
  )
  const { host, port } = settings.server
  const opened = await listenTcp({
    name: 'prim server',
    host,
    port,
    clock,
    metrics,
    onConnection: (connection) => domains.accept(connection),
    onFault,
  })
  domains.watchers
    .restore()
    .catch((error: unknown) => log.error('stored subscriptions could not be read', { error }))
  return {
    domains,
    listener: listenerOf(opened),
    stop: async () => {
      domains.stop()
      await opened.close()
    },
  }
}

function listenerOf(listener: TcpListener): Listener {
  return {
    setting: 'prim.server',
    purpose: 'PRIM between domains (STARTTLS)',
    where: `${listenAddressText(listener)}/tcp`,
  }
}
