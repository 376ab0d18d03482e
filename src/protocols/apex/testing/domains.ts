// Relays of several domains in memory, on one clock that stands still. Every octet between them passes here, and connections can be cut after any
// of them; a relay can be killed, and begin again upon its store.

import { VirtualClock } from '#base'
import { createPeers, type PeerPolicy, type PeerProtocol, type PeerRoute, type Store } from '#core'
import { type Connection, fixedResolver, type TlsInfo } from '#net'
import { Mesh } from '../domains/mesh.ts'
import type { ApexSettings } from '../settings.ts'
import { type Fixture, fixture, settled } from './fixture.ts'
import { Hand } from './hand.ts'
import { Wires } from './wires.ts'

export const welcome: PeerPolicy = {
  allowed: true,
  protocol: undefined,
  trusted: true,
  messages: true,
  presence: true,
  calls: true,
}

export interface World extends Omit<Fixture, 'edge'> {
  readonly domain: string
  readonly edge: { serve(connection: Connection): void }
  /** Its applications lose their connections. */
  drop(): void
  readonly mesh: Mesh
  /** What the operator says of other domains. */
  readonly policy: { current: PeerPolicy; tls: PeerRoute['tls'] }
}

export interface Domains {
  readonly clock: VirtualClock
  readonly wires: Wires
  /** What the certificate of a domain's relay names, and what is wrong with it. */
  readonly certificates: Map<string, Partial<TlsInfo> & { names: readonly string[] }>
  /** The relays that can be connected to. */
  readonly up: Set<string>
  /** Called for each try to connect. */
  onDial: () => void
  of(domain: string): World
  /** Whether it runs. */
  has(domain: string): boolean
  /** An application of theirs that is attached. */
  application(endpoint: string): Promise<Hand>
  /** A relay by hand: what it shows is the certificate of that name. */
  strike(to: string, certificate: string, address?: string): Hand
  /** It ends without a word, and what it had in memory is gone. */
  kill(domain: string): void
  /** It begins upon its store. */
  begin(domain: string): Promise<void>
}

const addressOf = (at: number): string => `192.0.2.${at + 1}`

/** @param storeOf the store of a domain, asked for at the beginning of each of its lives; else one that all have */
export async function domainsOf(
  names: readonly string[],
  settings: Partial<ApexSettings> = {},
  storeOf?: (domain: string) => Store,
  others: readonly PeerProtocol[] = [],
): Promise<Domains> {
  const clock = new VirtualClock(Date.UTC(2026, 4, 1, 9))
  const wires = new Wires()
  const worlds = new Map<string, World>()
  const up = new Set(names)
  const certificates: Domains['certificates'] = new Map(names.map((name) => [name, { names: [name] }]))
  const srv = Object.fromEntries(
    names.map((name) => [
      `_apex-mesh._tcp.${name}`,
      [{ priority: 0, weight: 0, target: `relay.${name}`, port: 912 }],
    ]),
  )
  const addresses = Object.fromEntries(names.map((name, at) => [`relay.${name}`, [addressOf(at)]]))
  const shown = (name: string): Partial<TlsInfo> => {
    const { names: named, ...more } = certificates.get(name) ?? { names: [name] }
    const certificate = {
      validTo: 'Jan  2 00:00:00 2027 GMT',
      checkHost: (asked: string) => (named.includes(asked) ? asked : undefined),
      subjectAltName: named.map((each) => `DNS:${each}`).join(', '),
    }
    return { authorized: true, peerCertificate: () => certificate as never, ...more }
  }
  const meet = (from: string, to: string, address: string): [Connection, Connection] =>
    wires.pair(
      [from, to],
      { clock, remote: { address, port: 50_000 } },
      { accepted: shown(from), dialled: shown(to) },
    )
  const all = { onDial: () => {} } as Domains
  const make = async (domain: string, store?: Store): Promise<World> => {
    const policy: World['policy'] = { current: welcome, tls: 'verified' }
    const peers = createPeers({
      clock,
      strangers: welcome,
      domains: new Map(),
      order: [],
      fault: (cause) => {
        throw cause
      },
    })
    peers.policyFor = () => policy.current
    const made = await fixture(settings, { clock, domain, peers, ...(store !== undefined && { store }) })
    const mesh = new Mesh({
      relay: made.relay,
      tls: { secureContext: () => ({}) as never },
      others: {
        resolver: fixedResolver({ srv, addresses }),
        routeTo: () => ({ servers: undefined, tls: policy.tls }),
      },
      dial: async ({ host }) => {
        all.onDial()
        const to = names.find((_, at) => addressOf(at) === host)
        const world = to === undefined ? undefined : worlds.get(to)
        // Who was killed reaches nobody, though its timers may still run.
        if (worlds.get(domain)?.mesh !== mesh || to === undefined || world === undefined || !up.has(to))
          throw new Error('nobody answers')
        const [accepted, dialled] = meet(domain, to, addressOf(names.indexOf(domain)))
        world.mesh.accept(accepted)
        return dialled
      },
    })
    made.relay.mesh = mesh
    for (const protocol of [mesh, ...others]) peers.add(protocol)
    const held = new Set<Connection>()
    const edge = {
      serve: (connection: Connection): void => {
        held.add(connection)
        made.edge.serve(connection)
      },
    }
    const drop = (): void => {
      for (const connection of held) connection.destroy()
    }
    const world = { ...made, edge, domain, mesh, policy, drop }
    worlds.set(domain, world)
    await made.service.relay.load()
    await made.relay.restore()
    made.service.relay.start()
    return world
  }
  for (const name of names) await make(name, storeOf?.(name))
  const of = (domain: string): World => {
    const world = worlds.get(domain)
    if (world === undefined) throw new Error(`${domain} is not there`)
    return world
  }
  const stores = new Map<string, Store>()
  Object.assign(all, {
    clock,
    wires,
    certificates,
    up,
    of,
    has: (domain) => worlds.has(domain),
    application: async (endpoint) => {
      const [user = '', domain = ''] = endpoint.split('@')
      const hand = new Hand(of(domain))
      await hand.signIn(user, `<attach endpoint='${endpoint}' transID='1' />`)
      return hand
    },
    strike: (to, certificate, address = '192.0.2.99') => {
      const [accepted, dialled] = meet(certificate, to, address)
      of(to).mesh.accept(accepted)
      return new Hand({ clock, connection: dialled, domain: to })
    },
    kill: (domain) => {
      const world = of(domain)
      stores.set(domain, world.service.store)
      worlds.delete(domain)
      void world.service.relay.stop()
      world.drop()
      wires.cut(domain)
    },
    begin: async (domain) => {
      await make(domain, storeOf?.(domain) ?? stores.get(domain))
    },
  } satisfies Omit<Domains, 'onDial'>)
  return all
}

/** Everything that follows without time passing. */
export async function everything(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await settled()
}
