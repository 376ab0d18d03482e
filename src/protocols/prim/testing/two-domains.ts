// Two servers of this protocol in memory, each with a domain, on one clock that stands still, and a third that a test speaks for by hand.
import { VirtualClock } from '#base'
import type { Store } from '#core'
import type { Connection, TlsInfo } from '#net'
import { Wires } from '#protocols/exchange/testing'
import type { PrimSettings } from '../settings.ts'
import { makeWorld, tlsOf, type World } from './domain-world.ts'
import { settled } from './fixture.ts'

export interface TwoDomains {
  readonly clock: VirtualClock
  /** example.com. */
  here: World
  /** example.net. */
  readonly there: World
  /** False: nobody can be connected to. */
  up: boolean
  /** All connections between them. */
  readonly wires: Wires
  /** What the far end's certificate names. */
  names: readonly string[]
  /** Who takes connections to an address by hand, in place of whose it is. */
  readonly byHand: Map<string, (connection: Connection) => void>
  /** A connection to `here` by hand, from that address. */
  strike(address?: string): Connection
  /** `here` ends without a word, and begins again upon its store. */
  restart(): Promise<void>
}

/** @param dns what DNS says of a domain other than where its server is */
export async function twoDomains(
  settings: Partial<PrimSettings> = {},
  dns: Readonly<Record<string, readonly string[]>> = {},
): Promise<TwoDomains> {
  const clock = new VirtualClock(Date.UTC(2026, 4, 1, 9))
  const worlds = new Map<string, World>()
  const wires = new Wires()
  const addresses = { 'example.com': ['192.0.2.1'], 'example.net': ['192.0.2.17'], ...dns }
  const byHand: TwoDomains['byHand'] = new Map()
  const two = { clock, up: true, wires, byHand, names: ['example.com', 'example.net'] as readonly string[] }
  const tls = (): Partial<TlsInfo> => tlsOf(two.names)
  const meet = (world: World, address: string): Connection => {
    const remote = { address, port: 50_000 }
    const [accepted, dialled] = wires.pair({ clock, tls: tls(), remote })
    world.domains.accept(accepted)
    return dialled
  }
  const dial = async (host: string): Promise<Connection> => {
    const take = byHand.get(host)
    if (take !== undefined) {
      const [accepted, dialled] = wires.pair({ clock, tls: tls(), remote: { address: host, port: 7742 } })
      take(accepted)
      return dialled
    }
    const world = worlds.get(host)
    if (!two.up || world === undefined) throw new Error('nobody answers')
    return meet(world, '192.0.2.1')
  }
  const make = async (domain: string, address: string, store?: Store): Promise<World> => {
    const world = await makeWorld({ domain, clock, settings, dial, store, addresses })
    worlds.set(address, world)
    return world
  }
  const here = await make('example.com', '192.0.2.1')
  const there = await make('example.net', '192.0.2.17')
  const all: TwoDomains = Object.assign(two, {
    here,
    there,
    strike: (address = '192.0.2.99') => meet(all.here, address),
    restart: async () => {
      wires.cutAll()
      all.here.domains.stop()
      all.here = await make('example.com', '192.0.2.1', all.here.service.store)
      await all.here.domains.watchers.restore()
    },
  })
  return all
}

/** Everything that follows without time passing. */
export async function everything(): Promise<void> {
  for (let turn = 0; turn < 6; turn++) await settled()
}
