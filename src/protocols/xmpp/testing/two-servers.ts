// Servers of several domains in memory, on one clock that stands still, with certificates as the test says.
import { VirtualClock } from '#base'
import { createPeers, type PeerPolicy, type PeerRoute, type Store } from '#core'
import { fixedResolver, type TlsInfo } from '#net'
import { DialbackKeys } from '../servers/dialback-key.ts'
import type { ServersEnvironment } from '../servers/environment.ts'
import { serverMetrics } from '../servers/metrics.ts'
import { Servers } from '../servers/servers.ts'
import type { XmppSettings } from '../settings.ts'
import { type TestDomain, testDomain } from './test-domain.ts'
import { Wires } from './wires.ts'

export const montague = 'montague.example'
export const capulet = 'capulet.example'

/** Where the server of each is. */
const addressOf = { [montague]: '192.0.2.1', [capulet]: '192.0.2.2' }

const welcome: PeerPolicy = {
  allowed: true,
  protocol: undefined,
  trusted: true,
  messages: true,
  presence: true,
  calls: true,
}

/** One domain's server. */
export interface Town {
  readonly domain: TestDomain
  readonly servers: Servers
  /** What it does with other domains; may be changed. */
  readonly rules: { policy: PeerPolicy; tls: PeerRoute['tls']; dialback?: boolean }
  /** Whom its certificate names, and whether others trust who made it. */
  certificate: Certificate
}

export interface Certificate {
  readonly names: readonly string[]
  readonly trusted: boolean
}

export interface TwoServers {
  readonly clock: VirtualClock
  readonly wires: Wires
  /** By domain. */
  readonly towns: Map<string, Town>
  readonly here: Town
  readonly there: Town
  /** Starts a domain's server anew, on the same store, without its having said goodbye. */
  restart(domain: string): Promise<Town>
}

/** @param there of capulet.example, where they differ */
export async function twoServers(
  settings: Partial<XmppSettings> = {},
  there: Partial<XmppSettings> = settings,
): Promise<TwoServers> {
  const clock = new VirtualClock(Date.UTC(2026, 0, 1))
  const wires = new Wires()
  const towns = new Map<string, Town>()
  const make = async (name: string, store?: Store): Promise<Town> => {
    const town = await makeTown(name, clock, wires, towns, name === capulet ? there : settings, store)
    towns.set(name, town)
    return town
  }
  await make(montague)
  await make(capulet)
  const town = (name: string): Town => towns.get(name) as Town
  return {
    clock,
    wires,
    towns,
    get here() {
      return town(montague)
    },
    get there() {
      return town(capulet)
    },
    restart: async (name) => {
      const { store } = town(name).domain
      towns.delete(name)
      wires.cutAll()
      const made = await make(name, store)
      await made.domain.service.relay.load()
      made.domain.service.relay.start()
      return made
    },
  }
}

async function makeTown(
  name: string,
  clock: VirtualClock,
  wires: Wires,
  towns: ReadonlyMap<string, Town>,
  settings: Partial<XmppSettings>,
  store: Store | undefined,
): Promise<Town> {
  const rules: Town['rules'] = { policy: welcome, tls: 'verified' }
  const fault = (cause: unknown): void => {
    throw cause
  }
  const peers = createPeers({ clock, strangers: welcome, domains: new Map(), order: [], fault })
  peers.policyFor = () => rules.policy
  const domain = await testDomain({
    settings,
    domain: name,
    clock,
    peers,
    policy: { history: true, undeliveredMax: 10_000 },
    users: store === undefined ? ['romeo', 'juliet', 'nurse', 'mercutio'] : [],
    ...(store !== undefined && { store }),
  })
  const known = Object.entries(addressOf)
  const environment: ServersEnvironment = {
    service: domain.service,
    settings: domain.settings,
    version: '1.2.3',
    tls: { secureContext: () => ({}) as never },
    resolver: fixedResolver({
      srv: Object.fromEntries(
        known.map(([other]) => [
          `_xmpp-server._tcp.${other}`,
          [{ priority: 0, weight: 0, target: `server.${other}`, port: 5269 }],
        ]),
      ),
      addresses: Object.fromEntries(known.map(([other, address]) => [`server.${other}`, [address]])),
    }),
    routeTo: () => ({ servers: undefined, tls: rules.tls, dialback: rules.dialback }),
    keys: new DialbackKeys(`the secret of ${name}`),
    metrics: serverMetrics(domain.service.metrics),
  }
  const servers = new Servers(environment, async ({ host }) => {
    wires.tried++
    const other = towns.get(known.find(([, address]) => address === host)?.[0] ?? '')
    if (!wires.up || other === undefined) throw new Error('nobody answers')
    if (towns.get(name) !== town) throw new Error('it was killed')
    const [accepted, dialled] = wires.pair(clock, {
      accepted: tlsOf(town.certificate),
      dialled: tlsOf(other.certificate),
    })
    other.servers.accept(accepted)
    return dialled
  })
  peers.add(servers)
  const town: Town = { domain, servers, rules, certificate: { names: [name], trusted: true } }
  return town
}

export function tlsOf({ names, trusted }: Certificate): Partial<TlsInfo> {
  const certificate = {
    checkHost: (name: string) => (names.includes(name) ? name : undefined),
    subjectAltName: names.map((name) => `DNS:${name}`).join(', '),
    validTo: 'Jan  1 00:00:00 2030 GMT',
    raw: new Uint8Array(),
  }
  return {
    authorized: trusted,
    authorizationError: trusted ? undefined : 'DEPTH_ZERO_SELF_SIGNED_CERT',
    peerCertificate: () => certificate as never,
  }
}
