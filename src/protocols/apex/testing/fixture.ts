// A relay of this protocol in memory, upon the memory store and a clock that stands still, and its accounts.
import { VirtualClock } from '#base'
import type { InboxAgent, Service } from '#core'
import type { Address } from '#model'
import { flushConnections } from '#net'
import { defaultSessionLimits } from '#protocols/beep'
import { type Surroundings, serverInMemory } from '#protocols/exchange/testing'
import { Edge, protocol } from '../protocol.ts'
import { Relay } from '../relay.ts'
import type { ApexSettings } from '../settings.ts'
import { reviveOther } from './other-message.ts'

export { at } from '#protocols/exchange/testing'

export const testSettings: ApexSettings = {
  edge: undefined,
  mesh: undefined,
  plainWithoutTls: true,
  holdAlways: true,
  reports: true,
  attachmentsMax: 4,
  responseSeconds: 30,
  okSeconds: 5,
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

export interface Fixture {
  readonly service: Service
  readonly clock: VirtualClock
  readonly relay: Relay
  readonly edge: Edge
}

export async function fixture(
  settings: Partial<ApexSettings> = {},
  surroundings: Surroundings = {},
): Promise<Fixture> {
  const people = ['fred', 'barney', 'wilma']
  const other = { name: 'other', revive: reviveOther }
  const begun = { clock: new VirtualClock(Date.UTC(2026, 0, 1)), ...surroundings }
  const { service, clock, logins } = await serverInMemory([protocol, other], people, begun)
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
