// The two doors of administration: monitoring over HTTP where it is turned on, and the control socket.
import { Health, startControl, startMonitoring } from '#admin'
import type { Listener, Service } from '#core'
import { listenAddressText } from '#net'
import type { Configuration } from './configuration.ts'
import { controlSocketOf } from './data.ts'
import { httpSettings } from './settings.ts'
import { version } from './version.ts'

export interface AdministrationParts {
  readonly configuration: Configuration
  readonly service: Service
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
  const { configuration, service, onStop } = parts
  const { log, metrics } = service
  const health = new Health(service.clock, log, [
    { name: 'store', check: () => service.store.countAccounts() },
    { name: 'listeners', check: () => parts.listeners.length > 0 },
  ])
  const path = controlSocketOf(configuration)
  const control = await startControl({
    path,
    service,
    health,
    log,
    version,
    domains: configuration.domains,
    listeners: () => parts.listeners,
    onStop,
  })
  const { listen } = configuration.config.of(httpSettings)
  if (listen === undefined) return { listeners: [], stop: () => control.close() }
  try {
    const monitoring = await startMonitoring({ ...listen, metrics, health, log })
    const where = `${listenAddressText({ host: listen.host, port: monitoring.port })}/tcp`
    return {
      listeners: [{ setting: 'http.listen', purpose: 'HTTP: /metrics and /health', where }],
      stop: async () => {
        await monitoring.close()
        await control.close()
      },
    }
  } catch (error) {
    await control.close()
    throw error
  }
}
