// Starts and stops a whole server. Composition only: what things do is in their folders.

import type { Logins } from '#auth'
import { type Clock, SystemClock } from '#base'
import { type Config, isListening, type Section } from '#config'
import type { Environment, Listener, RunningProtocol, Service, Store } from '#core'
import { type Resolver, systemResolver, type TlsContexts, type WebOffers } from '#net'
import { createLog, type Log, Metrics, processMetrics } from '#observe'
import { startAdministration } from './administration.ts'
import { assemble } from './assembly.ts'
import { prepareCertificates } from './certificates.ts'
import type { Configuration } from './configuration.ts'
import { openStore } from './data.ts'
import { functionsOf, settingsFor } from './functions.ts'
import { historyKeeper } from './history-keeper.ts'
import type { PeerBook } from './peer-book.ts'
import { dnsSettings } from './peer-settings.ts'
import type { AnyProtocol } from './protocols.ts'
import { logSettings } from './settings.ts'
import { version } from './version.ts'
import { webSockets } from './web.ts'

type AnyEnvironment = Environment<unknown, TlsContexts, Logins, WebOffers, Resolver>

/** What a test puts in the place of the real thing. */
export interface ServerOverrides {
  readonly clock?: Clock
  readonly store?: Store
  readonly log?: Log
  readonly resolver?: Resolver
}

export interface RunningServer {
  readonly service: Service
  readonly listeners: readonly Listener[]
  /** What clients are given to trust us; undefined when every certificate is the operator's. */
  readonly authorityFile: string | undefined
  /** Resolves when the server has stopped, whoever asked for it. */
  readonly stopped: Promise<void>
  /** Signs everybody out, makes everything durable and closes. Idempotent. */
  stop(): Promise<void>
}

/**
 * Starts everything that the configuration turns on. Rejects, with what was started stopped again, when a listener, the
 * database or a certificate can't be had.
 */
export async function startServer(
  configuration: Configuration,
  overrides: ServerOverrides = {},
): Promise<RunningServer> {
  const clock = overrides.clock ?? new SystemClock()
  const log = overrides.log ?? createLog(configuration.config.of(logSettings))
  const metrics = new Metrics()
  processMetrics(metrics, version)
  const stops: (() => Promise<void> | void)[] = []
  const stopped = Promise.withResolvers<void>()
  const stop = once(async () => {
    for (const part of stops.reverse()) {
      // One part that can't stop must not keep the others from making durable what they hold.
      try {
        await part()
      } catch (error) {
        log.error('a part of the server could not be stopped in order', { error })
      }
    }
    stopped.resolve()
  })
  try {
    const store = overrides.store ?? (await openStore(configuration, log))
    stops.push(() => store.close())
    const { config, domains } = configuration
    const {
      tls,
      authorityFile,
      stop: stopCertificates,
    } = await prepareCertificates(config, domains, clock, log)
    stops.push(stopCertificates)
    const { service, peerBook, logins } = await assemble({ configuration, clock, log, metrics, store })
    stops.push(historyKeeper(service, configuration.config))
    const web = webSockets(config, service)
    // After the protocols have said goodbye.
    stops.push(() => web.close())
    await service.relay.load()
    await service.earlier.load()
    // After the protocols, whose links give back what they could not hand over; before the store that keeps it.
    stops.push(() => service.relay.stop())
    const resolver = overrides.resolver ?? resolverOf(config, clock)
    const shared = { tls, logins, web, version, resolver, peerBook }
    const running = await startProtocols(configuration, service, shared, stops)
    service.relay.start()
    const listeners = running.flatMap((protocol) => protocol.listeners)
    const administration = await startAdministration({
      configuration,
      service,
      peerBook,
      web,
      tls,
      listeners,
      onStop: () => void stop(),
    })
    stops.push(() => administration.stop())
    return {
      service,
      listeners: [...listeners, ...administration.listeners],
      authorityFile,
      stopped: stopped.promise,
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

type Shared = Omit<AnyEnvironment, 'settings' | 'domains'> & {
  readonly resolver: Resolver
  readonly peerBook: PeerBook
}

async function startProtocols(
  { config, protocols }: Configuration,
  service: Service,
  { resolver, peerBook, ...shared }: Shared,
  stops: (() => Promise<void> | void)[],
): Promise<RunningProtocol[]> {
  const running = new Map<string, RunningProtocol>()
  const functions = functionsOf(config)
  const others = (name: string) => running.get(name)
  for (const protocol of inOrder(protocols)) {
    const section = protocol.settings as Section
    const settings = settingsFor(section, config.of(section) as Readonly<Record<string, unknown>>, functions)
    if (!isRunning(protocol, settings, functions)) continue
    const domains = { resolver, routeTo: (domain: string) => peerBook.routeTo(protocol.name, domain) }
    const started = await protocol.start(service, { settings, domains, others, ...shared })
    stops.push(() => started.stop())
    if (started.peers !== undefined && functions.has('forwarder')) service.peers.add(started.peers)
    running.set(protocol.name, started)
  }
  return [...running.values()]
}

/** Those that stand on others behind them. */
function inOrder(protocols: readonly AnyProtocol[]): readonly AnyProtocol[] {
  const stands = ({ standsOn }: AnyProtocol): boolean => standsOn !== undefined
  return [...protocols.filter((each) => !stands(each)), ...protocols.filter(stands)]
}

/** One without listeners is on where its settings say so; it is for other domains, or it would have some. */
function isRunning(
  protocol: AnyProtocol,
  settings: Readonly<Record<string, unknown>>,
  functions: ReadonlySet<string>,
): boolean {
  if (isListening(protocol.settings as Section, settings)) return true
  return protocol.isOn?.(settings) === true && functions.has('forwarder')
}

function resolverOf(config: Config, clock: Clock): Resolver {
  const { servers, dnssec } = config.of(dnsSettings)
  return systemResolver({ clock, dnssec, ...(servers !== undefined && { servers }) })
}

function once(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined
  return () => (running ??= run())
}
