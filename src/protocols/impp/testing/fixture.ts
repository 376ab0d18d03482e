// A server of this protocol in memory, upon the memory store and a clock that stands still, and its accounts.
import assert from 'node:assert/strict'
import { BackOff, Derivation, Digest, Sasl, StoreAuthenticator, serverKeyOf } from '#auth'
import { VirtualClock } from '#base'
import { createService, noPeers, type Service } from '#core'
import { type Address, parseAddress } from '#model'
import { Metrics, silentLog } from '#observe'
import { createMemoryStore } from '#store'
import { reviveEnvelope } from '../envelope.ts'
import { type SessionEnvironment, Sessions } from '../session-environment.ts'
import type { ImppSettings } from '../settings.ts'

const values: ImppSettings = {
  client: undefined,
  server: undefined,
  plainWithoutTls: true,
  messageOctetsMax: 20_000,
  pendingMax: 4,
  queuedMax: 10,
  loginSeconds: 30,
  connectionSeconds: 120,
  responseSeconds: 30,
  subscriptionSecondsDefault: 3600,
  subscriptionSecondsMin: 30,
  subscriptionSecondsMax: 7200,
  changeSecondsMax: 7200,
  subscriptionsMax: 3,
  loginAttemptsMax: 3,
  excessesMax: 16,
  redirect: undefined,
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

export async function fixture(settings: Partial<ImppSettings> = {}): Promise<Fixture> {
  const clock = new VirtualClock()
  const store = createMemoryStore()
  const authenticator = new StoreAuthenticator(store)
  const service = createService({
    clock,
    log: silentLog,
    metrics: new Metrics(),
    store,
    peers: noPeers,
    domains: ['example.com'],
    policy: { history: true, undeliveredMax: 100, confirmSameDomain: false },
    authenticator,
    passwords: new Derivation({ iterations: 4096 }),
    revive: (unit) => (unit.head.protocol === 'impp' ? reviveEnvelope(unit.head, unit.raw) : undefined),
  })
  await service.accounts.add(
    ['romeo', 'juliet'].map((name) => ({ address: at(`${name}@example.com`), password: 'secret' })),
  )
  const shared = { authenticator, backOff: new BackOff(clock), serverKey: await serverKeyOf(store) }
  const logins = {
    sasl: new Sasl({ ...shared, iterations: 4096 }),
    digest: new Digest({ ...shared, clock }),
  }
  const environment: SessionEnvironment = {
    service,
    settings: { ...values, ...settings },
    tls: { secureContext: () => assert.fail('not in memory') },
    logins,
    sessions: new Sessions(service.metrics),
  }
  return { service, clock, environment }
}

/** All that follows from what was asked: several turns of the event loop, no time. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 8; turn++) await new Promise((resolve) => setImmediate(resolve))
}
