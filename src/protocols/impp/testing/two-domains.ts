// Two servers of this protocol in memory, each with a domain, on one clock that stands still. Every octet between them passes here,
// and a connection can be cut after any of them.
import { VirtualClock } from '#base'
import { createPeers, type PeerPolicy, type PeerRoute, type Peers, type Store } from '#core'
import { fixedResolver, type TlsInfo } from '#net'
import { Wires, welcome } from '#protocols/exchange/testing'
import { Domains } from '../domains/domains.ts'
import type { DomainsEnvironment } from '../domains/environment.ts'
import { domainMetrics } from '../domains/metrics.ts'
import type { ImppSettings } from '../settings.ts'
import { type Fixture, fixture, settled, testSettings } from './fixture.ts'
import { Hand } from './hand.ts'

export interface World extends Fixture {
  readonly domain: string
  readonly domains: Domains
  /** What it does with other domains, and how it gets to them; may be changed. */
  readonly policy: { current: PeerPolicy; tls: PeerRoute['tls'] }
}

export interface TwoDomains {
  readonly clock: VirtualClock
  readonly wires: Wires
  /** montague.example. */
  readonly here: World
  /** capulet.example. */
  readonly there: World
  /** Starts capulet.example anew, on the same store, without its having said goodbye. */
  restartThere(): Promise<World>
}

export interface Certified {
  /** Whom the far end's certificate names. */
  readonly names: readonly string[]
  readonly authorized: boolean
}

/** Where the server of each is. */
const domainAt: Readonly<Record<string, string>> = {
  '192.0.2.1': 'montague.example',
  '192.0.2.2': 'capulet.example',
}

const bothNames: Certified = { names: ['montague.example', 'capulet.example'], authorized: true }

export async function twoDomains(
  settings: Partial<ImppSettings> = {},
  certified: Certified = bothNames,
): Promise<TwoDomains> {
  const clock = new VirtualClock(Date.UTC(2026, 0, 1))
  const wires = new Wires()
  const worlds = new Map<string, World>()
  const make = async (domain: string, store?: Store): Promise<World> => {
    const world = await makeWorld(domain, clock, wires, worlds, settings, certified, store)
    worlds.set(domain, world)
    return world
  }
  const here = await make('montague.example')
  let there = await make('capulet.example')
  return {
    clock,
    wires,
    here,
    get there() {
      return there
    },
    restartThere: async () => {
      wires.cutAll()
      there = await make('capulet.example', there.service.store)
      await there.domains.watchers.restore()
      return there
    },
  }
}

async function makeWorld(
  domain: string,
  clock: VirtualClock,
  wires: Wires,
  worlds: ReadonlyMap<string, World>,
  settings: Partial<ImppSettings>,
  certified: Certified,
  store: Store | undefined,
): Promise<World> {
  const policy: World['policy'] = { current: welcome, tls: 'verified' }
  const fault = (cause: unknown): void => {
    throw cause
  }
  const parts = { clock, strangers: welcome, domains: new Map(), order: [], fault }
  const peers: Peers = createPeers(parts)
  peers.policyFor = () => policy.current
  const made = await fixture(settings, { clock, domain, peers, ...(store !== undefined && { store }) })
  const { service } = made
  const places = Object.fromEntries(
    Object.values(domainAt).map((name) => [
      `_impp-server._tcp.${name}`,
      [{ priority: 0, weight: 0, target: `server.${name}`, port: 7411 }],
    ]),
  )
  const environment: DomainsEnvironment = {
    service,
    settings: { ...testSettings, ...settings },
    tls: { secureContext: () => ({}) as never },
    resolver: fixedResolver({
      srv: places,
      addresses: Object.fromEntries(
        Object.entries(domainAt).map(([address, name]) => [`server.${name}`, [address]]),
      ),
    }),
    routeTo: () => ({ servers: undefined, tls: policy.tls }),
    metrics: domainMetrics(service.metrics),
  }
  const domains = new Domains(environment, async ({ host }) => {
    const world = worlds.get(domainAt[host] ?? '')
    if (!wires.up || world === undefined) throw new Error('nobody answers')
    const [accepted, dialled] = wires.pair({ clock, tls: tlsOf(certified) })
    world.domains.accept(accepted)
    return dialled
  })
  peers.add(domains)
  return { ...made, domain, domains, policy }
}

function tlsOf({ names, authorized }: Certified): Partial<TlsInfo> {
  const certificate = {
    checkHost: (name: string) => (names.includes(name) ? name : undefined),
    subjectAltName: names.map((name) => `DNS:${name}`).join(', '),
    validTo: 'Jan  1 00:00:00 2030 GMT',
  }
  return {
    authorized,
    authorizationError: authorized ? undefined : 'SELF_SIGNED_CERT_IN_CHAIN',
    peerCertificate: () => certificate as never,
  }
}

/** A client of `world`, logged in. */
export function clientOf(world: World, name: string, fields: Record<string, string> = {}): Promise<Hand> {
  return new Hand(world).login(name, fields, { Domain: world.domain })
}

/** Everything that follows without time passing. */
export async function everything(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await settled()
}
