// What the server starts of a protocol that has clients and other domains: the listeners for both, and the links to the latter.
import type { PeerEnvironment, PeerProtocol, RunningProtocol, Service } from '#core'
import { type Connection, connectTcp, netMetrics, type Place, type Resolver } from '#net'
import { cutByFault, type ListenerPlan, type OpenListeners, openListeners } from './listeners.ts'

/** LIMIT: seconds for one address to answer; the next is tried then. */
const connectSecondsMax = 10

/** Opens a TCP connection; rejects with an Error that says why there is none. */
export type Dial = (place: Place, signal?: AbortSignal) => Promise<Connection>

/** All other domains by one protocol. */
export interface OtherDomains extends PeerProtocol {
  /** Those of them who watch people here. */
  readonly watchers: { restore(): Promise<void> }
  accept(connection: Connection): void
  stop(): void | Promise<void>
}

export interface StartParts {
  readonly service: Service
  /** For clients. */
  readonly clients: readonly ListenerPlan[]
  /** For the servers of other domains; where it is off, they are not spoken with. */
  readonly servers: Omit<ListenerPlan, 'onConnection'>
  readonly others: PeerEnvironment<Resolver> | undefined
  readonly domains: (others: PeerEnvironment<Resolver>, dial: Dial) => OtherDomains
  /** Ends what its clients have open, before the listeners are closed. */
  readonly signOut: () => void
}

export async function startProtocol(parts: StartParts): Promise<RunningProtocol> {
  const clients = await openListeners(parts.service, parts.clients)
  const others = await startDomains(parts).catch(async (error: unknown) => {
    await clients.close()
    throw error
  })
  return {
    listeners: [...clients.listeners, ...(others?.open.listeners ?? [])],
    ...(others !== undefined && { peers: others.domains }),
    stop: async () => {
      parts.signOut()
      await others?.domains.stop()
      await others?.open.close()
      await clients.close()
    },
  }
}

async function startDomains({
  service,
  servers,
  others,
  domains: make,
}: StartParts): Promise<{ readonly domains: OtherDomains; readonly open: OpenListeners } | undefined> {
  if (servers.place === undefined || others === undefined) return undefined
  const { clock } = service
  const metrics = netMetrics(service.metrics)
  const onFault = cutByFault(service, servers.name)
  const domains = make(others, ({ host, port }, signal) =>
    connectTcp({ host, port, ...(signal && { signal }), connectSecondsMax, clock, metrics, onFault }),
  )
  const open = await openListeners(service, [
    { ...servers, onConnection: (connection) => domains.accept(connection) },
  ])
  domains.watchers
    .restore()
    .catch((error: unknown) => service.log.error('stored subscriptions could not be read', { error }))
  return { domains, open }
}
