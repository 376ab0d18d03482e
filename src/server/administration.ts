// The two doors of administration: the HTTP listeners where they are turned on, and the control socket.
import { Health, startControl } from '#admin'
import type { Listener, Service } from '#core'
import type { TlsContexts, WebSockets } from '#net'
import type { Configuration } from './configuration.ts'
import { controlSocketOf } from './data.ts'
import type { PeerBook } from './peer-book.ts'
import { version } from './version.ts'
import { startWebListeners } from './web.ts'

export interface AdministrationParts {
  readonly configuration: Configuration
  readonly service: Service
  readonly peerBook: PeerBook
  readonly web: WebSockets
  readonly tls: TlsContexts
  /** Of all protocols. */
  readonly listeners: readonly Listener[]
  /** Called when somebody asks over the control socket that the server stops. */
  readonly onStop: () => void
}

export interface Administration {
  readonly listeners: readonly Listener[]
  stop(): Promise<void>
}

/** Rejects with ListenError when a door can't be opened. */
export async function startAdministration(parts: AdministrationParts): Promise<Administration> {
  const { configuration, service, peerBook, onStop } = parts
  const { log } = service
  const health = new Health(service.clock, log, [
    { name: 'store', check: () => service.store.countAccounts() },
    { name: 'listeners', check: () => parts.listeners.length > 0 },
  ])
  const path = controlSocketOf(configuration)
  const control = await startControl({
    path,
    service,
    peers: peerBook,
    health,
    log,
    version,
    domains: configuration.domains,
    listeners: () => parts.listeners,
    onStop,
  })
  try {
    const { listeners, close } = await startWebListeners({ ...parts, config: configuration.config, health })
    return {
      listeners,
      stop: async () => {
        await close()
        await control.close()
      },
    }
  } catch (error) {
    await control.close()
    throw error
  }
}
