// A server of this protocol in memory that speaks with those of other domains.
import type { VirtualClock } from '#base'
import { createPeers, type PeerPolicy, type PeerRoute, type Peers, type Store } from '#core'
import { type Connection, fixedResolver, type TlsInfo } from '#net'
import { welcome } from '#protocols/exchange/testing'
import { Domains } from '../domains/domains.ts'
import type { DomainsEnvironment } from '../domains/environment.ts'
import { domainMetrics } from '../domains/metrics.ts'
import type { PrimSettings } from '../settings.ts'
import { type Fixture, fixture, testSettings } from './fixture.ts'

export interface World extends Fixture {
  readonly domains: Domains
  readonly policy: { current: PeerPolicy; tls: PeerRoute['tls'] }
}

export interface WorldParts {
  readonly domain: string
  readonly clock: VirtualClock
  readonly settings: Partial<PrimSettings>
  readonly dial: (host: string) => Promise<Connection>
  /** One that goes on from another world; else a new one. */
  readonly store: Store | undefined
  /** What DNS says to it: the addresses of the servers of each domain. */
  readonly addresses: Readonly<Record<string, readonly string[]>>
}

export async function makeWorld({
  domain,
  clock,
  settings,
  dial,
  store,
  addresses,
}: WorldParts): Promise<World> {
  const policy: World['policy'] = { current: welcome, tls: 'verified' }
  const fault = (cause: unknown): void => {
    throw cause
  }
  const peers: Peers = createPeers({ clock, strangers: welcome, domains: new Map(), order: [], fault })
  peers.policyFor = () => policy.current
  const made = await fixture(settings, { clock, domain, peers, ...(store !== undefined && { store }) })
  const records = Object.keys(addresses).flatMap((name) =>
    ['_im', '_pres'].map(
      (service) =>
        [
          `${service}._prim.${name}`,
          [{ priority: 0, weight: 0, target: `server.${name}`, port: 7742 }],
        ] as const,
    ),
  )
  const hosts = Object.entries(addresses).map(([name, all]) => [`server.${name}`, all] as const)
  const environment: DomainsEnvironment = {
    service: made.service,
    settings: { ...testSettings, ...settings },
    tls: { secureContext: () => ({}) as never },
    resolver: fixedResolver({ srv: Object.fromEntries(records), addresses: Object.fromEntries(hosts) }),
    routeTo: () => ({ servers: undefined, tls: policy.tls }),
    metrics: domainMetrics(made.service.metrics),
  }
  const domains = new Domains(environment, ({ host }) => dial(host))
  peers.add(domains)
  return { ...made, domains, policy }
}

/** TLS whose certificate names these domains. */
export function tlsOf(names: readonly string[]): Partial<TlsInfo> {
  const certificate = {
    validTo: 'Jan  2 00:00:00 2027 GMT',
    checkHost: (name: string) => (names.includes(name) ? name : undefined),
    subjectAltName: names.map((name) => `DNS:${name}`).join(', '),
  }
  return { authorized: true, peerCertificate: () => certificate as never }
}
