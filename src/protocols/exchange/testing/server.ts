// What a server of any protocol is in memory: a service upon the memory store and a clock that stands still, its accounts, and their logins.
import assert from 'node:assert/strict'
import { BackOff, Derivation, Digest, type Logins, Sasl, StoreAuthenticator, serverKeyOf } from '#auth'
import { VirtualClock } from '#base'
import { createService, noPeers, type Peers, type Protocol, type Service, type Store } from '#core'
import { type Address, parseAddress } from '#model'
import { Metrics, silentLog } from '#observe'
import { createMemoryStore } from '#store'

export function at(written: string): Address {
  const address = parseAddress(written)
  assert.ok(address)
  return address
}

/** What it may be other than the only server of example.com. */
export interface Surroundings {
  readonly clock?: VirtualClock
  readonly domain?: string
  readonly peers?: Peers
  readonly store?: Store
  /** Messages that may wait for one person. */
  readonly undeliveredMax?: number
}

export interface ServerInMemory {
  readonly service: Service
  readonly clock: VirtualClock
  readonly logins: Logins
}

/** Who reads what the store kept of a protocol. */
type Reviving = Pick<Protocol<never, never, never, never, never>, 'name' | 'revive'>

/** @param people who has an account, each with the password `secret` */
export async function serverInMemory(
  protocols: readonly Reviving[],
  people: readonly string[],
  { clock = new VirtualClock(), domain = 'example.com', peers = noPeers, ...rest }: Surroundings = {},
): Promise<ServerInMemory> {
  const store = rest.store ?? createMemoryStore()
  const authenticator = new StoreAuthenticator(store)
  const service = createService({
    clock,
    log: silentLog,
    metrics: new Metrics(),
    store,
    peers,
    domains: [domain],
    policy: { history: true, undeliveredMax: rest.undeliveredMax ?? 100, confirmSameDomain: false },
    authenticator,
    passwords: new Derivation({ iterations: 4096 }),
    revive: ({ head, raw }) => protocols.find(({ name }) => name === head.protocol)?.revive?.(head, raw),
  })
  await service.accounts.add(
    people.map((person) => ({ address: at(`${person}@${domain}`), password: 'secret' })),
  )
  await service.earlier.load()
  const shared = { authenticator, backOff: new BackOff(clock), serverKey: await serverKeyOf(store) }
  const logins = {
    sasl: new Sasl({ ...shared, iterations: 4096 }),
    digest: new Digest({ ...shared, clock }),
  }
  return { service, clock, logins }
}

/** All that follows from what was asked: several turns of the event loop, no time. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 8; turn++) await new Promise((resolve) => setImmediate(resolve))
}
