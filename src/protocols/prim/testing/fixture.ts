// A server of this protocol in memory, upon the memory store and a clock that stands still, and its accounts.
import assert from 'node:assert/strict'
import type { VirtualClock } from '#base'
import type { Service } from '#core'
import { SentAnswers } from '#protocols/exchange'
import { type Surroundings, serverInMemory } from '#protocols/exchange/testing'
import { protocol } from '../protocol.ts'
import { type SessionEnvironment, Sessions } from '../session-environment.ts'
import type { PrimSettings } from '../settings.ts'
import { Watches } from '../watches.ts'

export { at, settled } from '#protocols/exchange/testing'

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
  answersSeconds: 600,
  answersMax: 100,
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

export interface Fixture {
  readonly service: Service
  readonly clock: VirtualClock
  readonly environment: SessionEnvironment
}

export async function fixture(
  settings: Partial<PrimSettings> = {},
  surroundings: Surroundings = {},
): Promise<Fixture> {
  const { service, clock, logins } = await serverInMemory(
    [protocol],
    ['alice', 'bob', 'mallory'],
    surroundings,
  )
  const values = { ...testSettings, ...settings }
  const environment: SessionEnvironment = {
    service,
    settings: values,
    tls: { secureContext: () => assert.fail('not in memory') },
    logins,
    sessions: new Sessions(service.metrics),
    answers: new SentAnswers(clock, { seconds: values.answersSeconds, countMax: values.answersMax }),
    watches: new Watches({ clock, subscriptionsMax: values.subscriptionsMax }),
  }
  return { service, clock, environment }
}
