// A relay of this protocol in memory, upon the memory store and a clock that stands still, and its accounts.
import assert from 'node:assert/strict'
import { BackOff, Derivation, Digest, Sasl, StoreAuthenticator, serverKeyOf } from '#auth'
import { VirtualClock } from '#base'
import { createService, type InboxAgent, noPeers, type Peers, type Service, type Store } from '#core'
import { type Address, parseAddress } from '#model'
import { flushConnections } from '#net'
import { Metrics, silentLog } from '#observe'
import { defaultSessionLimits } from '#protocols/beep'
import { createMemoryStore } from '#store'
import { reviveEnvelope } from '../envelope.ts'
import { Edge } from '../protocol.ts'
import { Relay } from '../relay.ts'
import type { ApexSettings } from '../settings.ts'
import { reviveOther } from './other-message.ts'

export const testSettings: ApexSettings = {
  edge: undefined,
  mesh: undefined,
  plainWithoutTls: true,
  holdAlways: true,
  reports: true,
  attachmentsMax: 4,
  responseSeconds: 30,
  subscriptionSecondsMax: 86_400,
  subscriptionsMax: 3,
  domainResponseSeconds: 60,
  domainReportSeconds: 5,
  domainIdleSeconds: 300,
  domainChannels: 4,
  domainQueuedMax: 1000,
  domainQueuedOctetsMax: 16_777_216,
  domainAnswersSeconds: 3600,
  domainAnswersMax: 1000,
  domainLeaseSeconds: 3600,
  domainSubscriptionsMax: 100,
  domainConnectionsMax: 100,
  domainStrangersPerAddressMax: 10,
  beepChannelsMax: 257,
  messageOctetsMax: 100_000,
  beepWindowOctets: 16_384,
  beepAssemblyOctetsMax: 1_048_576,
  beepExchangesMax: 128,
  beepQueueOctetsMax: 65_536,
  beepFrameOctetsMax: 4096,
  beepTuningSeconds: 60,
  beepStallSeconds: defaultSessionLimits.stallSecondsMax,
  loginAttemptsMax: 3,
}

export function at(written: string): Address {
  const address = parseAddress(written)
  assert.ok(address)
  return address
}

export interface Fixture {
  readonly service: Service
  readonly clock: VirtualClock
  readonly relay: Relay
  readonly edge: Edge
}

export interface Surroundings {
  readonly clock?: VirtualClock
  readonly domain?: string
  readonly peers?: Peers
  readonly store?: Store
}

export async function fixture(
  settings: Partial<ApexSettings> = {},
  {
    clock = new VirtualClock(Date.UTC(2026, 0, 1)),
    domain = 'example.com',
    peers = noPeers,
    store = createMemoryStore(),
  }: Surroundings = {},
): Promise<Fixture> {
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
    revive: (unit) => {
      if (unit.head.protocol === 'apex') return reviveEnvelope(unit.head, unit.raw)
      return unit.head.protocol === 'other' ? reviveOther(unit.head, unit.raw) : undefined
    },
  })
  await service.accounts.add(
    ['fred', 'barney', 'wilma'].map((name) => ({ address: at(`${name}@${domain}`), password: 'secret' })),
  )
  const shared = { authenticator, backOff: new BackOff(clock), serverKey: await serverKeyOf(store) }
  const logins = {
    sasl: new Sasl({ ...shared, iterations: 4096 }),
    digest: new Digest({ ...shared, clock }),
  }
  const relay = new Relay(service, { ...testSettings, ...settings })
  return { service, clock, relay, edge: new Edge(relay, undefined, logins) }
}

/** All that follows from what was asked: several turns of the event loop, no time. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 8; turn++) {
    flushConnections()
    await new Promise((resolve) => setImmediate(resolve))
  }
  flushConnections()
}

/** A device of another protocol, which takes what it is given. */
export function otherDevice(owner: Address, took: InboxAgent['deliver']): InboxAgent {
  return {
    protocol: 'test',
    owner,
    id: 'other',
    capabilities: { messages: true, priority: 0, receivedCopies: true, sentCopies: false },
    keepsOrder: true,
    deliver: took,
    signOut: () => {},
  }
}
