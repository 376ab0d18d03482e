// A server of this protocol in memory, upon the memory store and a clock that stands still, and its accounts.
import assert from 'node:assert/strict'
import { BackOff, Derivation, Digest, Sasl, StoreAuthenticator, serverKeyOf } from '#auth'
import { VirtualClock } from '#base'
import { createService, noPeers, type Peers, type Service, type Store } from '#core'
import { type Address, parseAddress } from '#model'
import { Metrics, silentLog } from '#observe'
import { createMemoryStore } from '#store'
import { reviveEnvelope } from '../envelope.ts'
import { type SessionEnvironment, Sessions } from '../session-environment.ts'
import type { PrimSettings } from '../settings.ts'
import { Watches } from '../watches.ts'

export const testSettings: PrimSettings = {
  presence: undefined,
  im: undefined,
  plainWithoutTls: true,
  bodyOctetsMax: 20_000,
  pendingMax: 4,
  queuedMax: 10,
  excessesMax: 4,
  loginSeconds: 30,
  pingSeconds: 120,
  responseSeconds: 30,
  redirect: undefined,
  strengthMin: 'none',
  subscriptionSecondsMin: 60,
  subscriptionSecondsMax: 3600,
  publicationSecondsMax: 86_400,
  subscriptionsMax: 3,
  server: undefined,
  serverAnonymous: false,
  domainConnectSeconds: 30,
  domainResponseSeconds: 30,
  domainIdleSeconds: 300,
  domainPendingMax: 4,
  domainQueuedMax: 20,
  domainRequestsPerSecondMax: 100,
  domainAnswersSeconds: 3600,
  domainAnswersMax: 100,
  domainLeaseSeconds: 3600,
  domainSubscriptionsMax: 5,
  domainConnectionsMax: 10,
  domainStrangersPerAddressMax: 3,
}

export function at(written: string): Address {
  const address = parseAddress(written)
  assert.ok(address)
  return address
}

export interface Fixture {
  readonly service: Service
  readonly clock: VirtualClock
  readonly environment: SessionEnvironment
}

/** What a fixture may be other than the only server of example.com. */
export interface Surroundings {
  readonly clock?: VirtualClock
  readonly domain?: string
  readonly peers?: Peers
  readonly store?: Store
}

export async function fixture(
  settings: Partial<PrimSettings> = {},
  { clock = new VirtualClock(), domain = 'example.com', peers = noPeers, ...rest }: Surroundings = {},
): Promise<Fixture> {
  const store = rest.store ?? createMemoryStore()
  const authenticator = new StoreAuthenticator(store)
  const service = createService({
    clock,
    log: silentLog,
    metrics: new Metrics(),
    store,
    peers,
    domains: [domain],
    policy: { history: true, undeliveredMax: 100, confirmSameDomain: false },
    authenticator,
    passwords: new Derivation({ iterations: 4096 }),
    revive: (unit) => (unit.head.protocol === 'prim' ? reviveEnvelope(unit.head, unit.raw) : undefined),
  })
  await service.accounts.add(
    ['alice', 'bob', 'mallory'].map((name) => ({ address: at(`${name}@${domain}`), password: 'secret' })),
  )
  const shared = { authenticator, backOff: new BackOff(clock), serverKey: await serverKeyOf(store) }
  const logins = {
    sasl: new Sasl({ ...shared, iterations: 4096 }),
    digest: new Digest({ ...shared, clock }),
  }
  const values = { ...testSettings, ...settings }
  const environment: SessionEnvironment = {
    service,
    settings: values,
    tls: { secureContext: () => assert.fail('not in memory') },
    logins,
    sessions: new Sessions(service.metrics),
    watches: new Watches({ clock, subscriptionsMax: values.subscriptionsMax }),
  }
  return { service, clock, environment }
}

/** All that follows from what was asked: several turns of the event loop, no time. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 8; turn++) await new Promise((resolve) => setImmediate(resolve))
}
