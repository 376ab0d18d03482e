// The listeners of a protocol: those that are set are opened, all or none.
import type { Listener, Service } from '#core'
import {
  type Connection,
  type ListenTcpOptions,
  listenAddressText,
  listenTcp,
  netMetrics,
  type TcpListener,
} from '#net'

export interface ListenerPlan {
  /** For the log and the metrics: `impp client`. */
  readonly name: string
  /** What it is set by, and what it is for: for who starts the server. */
  readonly setting: string
  readonly purpose: string
  /** Undefined: it is off. */
  readonly place: { readonly host: string | undefined; readonly port: number } | undefined
  /** TLS from the first octet on. */
  readonly tls?: ListenTcpOptions['tls']
  readonly onConnection: (connection: Connection) => void
}

export interface OpenListeners {
  readonly listeners: readonly Listener[]
  close(): Promise<void>
}

/** When one can't be opened the others are closed again, and its fault is thrown. */
export async function openListeners(
  service: Service,
  plans: readonly ListenerPlan[],
): Promise<OpenListeners> {
  const open: TcpListener[] = []
  const close = async (): Promise<void> => {
    await Promise.all(open.map((listener) => listener.close()))
  }
  const listeners: Listener[] = []
  try {
    for (const plan of plans) {
      const listener = await listenAt(service, plan)
      if (listener === undefined) continue
      open.push(listener)
      const { setting, purpose } = plan
      listeners.push({ setting, purpose, where: `${listenAddressText(listener)}/tcp` })
    }
    return { listeners, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function listenAt(
  service: Service,
  { name, place, tls, onConnection }: ListenerPlan,
): Promise<TcpListener | undefined> {
  if (place === undefined) return undefined
  return listenTcp({
    name,
    host: place.host,
    port: place.port,
    ...(tls && { tls }),
    clock: service.clock,
    metrics: netMetrics(service.metrics),
    log: service.log,
    onConnection,
    onFault: cutByFault(service, name),
  })
}

/** What is done about a fault of ours in the handling of a connection, which is cut then. */
export function cutByFault(
  { log }: Service,
  name: string,
): (error: unknown, connection?: { readonly id: string }) => void {
  return (error, connection) =>
    log.error('a connection was cut by a fault', { listener: name, error, connection: connection?.id })
}
