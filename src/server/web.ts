// Web sockets of all protocols, and the HTTP listeners that carry them.

import { type Health, startMonitoring, startPublicWeb } from '#admin'
import type { Config } from '#config'
import type { Listener, Service } from '#core'
import {
  type HttpListener,
  listenAddressText,
  type NetMetrics,
  netMetrics,
  type TlsContexts,
  WebSockets,
} from '#net'
import { httpSettings } from './settings.ts'

export function webSockets(config: Config, { clock, log, metrics }: Service): WebSockets {
  const { origins, trustedProxies, pingSeconds, connectionsMax, connectionsPerAddressMax } =
    config.of(httpSettings)
  return new WebSockets({
    name: 'web socket',
    policy: { origins: origins ?? [], trustedProxies: trustedProxies ?? [] },
    limits: { connectionsMax, connectionsPerAddressMax },
    pingSeconds,
    onFault: (error) => log.error('a web socket met a fault', { error }),
    clock,
    metrics: netMetrics(metrics),
    log,
  })
}

export interface WebListeners {
  readonly listeners: readonly Listener[]
  /** Listens no more; web sockets that are open go on. */
  close(): Promise<void>
}

export interface WebListenersParts {
  readonly config: Config
  readonly service: Service
  readonly health: Health
  readonly web: WebSockets
  readonly tls: TlsContexts
}

/** Rejects with ListenError when one can't be opened, having closed the other. */
export async function startWebListeners(parts: WebListenersParts): Promise<WebListeners> {
  const { config, service, web, health, tls } = parts
  const { log, metrics } = service
  const { listen, listenTls, connectionsMax, connectionsPerAddressMax } = config.of(httpSettings)
  const common = {
    web,
    log,
    limits: { connectionsMax, connectionsPerAddressMax },
    netMetrics: netMetrics(metrics) satisfies NetMetrics,
  }
  const open: HttpListener[] = []
  const close = async (): Promise<void> => {
    await Promise.all(open.map((listener) => listener.close()))
  }
  const listeners: Listener[] = []
  try {
    if (listen !== undefined) {
      const listener = await startMonitoring({ ...common, ...listen, metrics, health })
      open.push(listener)
      const where = listenAddressText({ host: listen.host, port: listener.port })
      listeners.push(
        { setting: 'http.listen', purpose: 'HTTP: /metrics and /health', where: `${where}/tcp` },
        ...offered(web, 'http.listen', `ws://${where}`),
      )
    }
    if (listenTls !== undefined) {
      const listener = await startPublicWeb({ ...common, ...listenTls, tls })
      open.push(listener)
      const where = listenAddressText({ host: listenTls.host, port: listener.port })
      listeners.push(...offered(web, 'http.listen_tls', `wss://${where}`))
    }
    return { listeners, close }
  } catch (error) {
    await close()
    throw error
  }
}

function offered(web: WebSockets, setting: string, where: string): Listener[] {
  return web.offers.map(({ path, purpose }) => ({ setting, purpose, where: `${where}${path}` }))
}
