// A server of this protocol in memory, upon the memory store and a clock that stands still, and its accounts.
import assert from 'node:assert/strict'
import type { VirtualClock } from '#base'
import type { Service } from '#core'
import { SentAnswers } from '#protocols/exchange'
import { type Surroundings, serverInMemory } from '#protocols/exchange/testing'
import { protocol } from '../protocol.ts'
import { type SessionEnvironment, Sessions } from '../session-environment.ts'
import type { ImppSettings } from '../settings.ts'

export { at, settled } from '#protocols/exchange/testing'

export const testSettings: ImppSettings = {
  client: undefined,
  clientTls: undefined,
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
  answersSeconds: 600,
  answersMax: 16,
  excessesMax: 16,
  redirect: undefined,
  directDomains: undefined,
  domainConnectSeconds: 30,
  domainResponseSeconds: 60,
  domainProbeSeconds: 10,
  domainIdleSeconds: 300,
  domainPendingMax: 4,
  domainQueuedMax: 20,
  domainQueuedOctetsMax: 1_048_576,
  domainsMax: 5,
  domainRequestsPerSecondMax: 100,
  domainBulkOctets: 4096,
  domainAnswersSeconds: 3600,
  domainAnswersMax: 100,
  domainLeaseSeconds: 3600,
  domainSubscriptionsMax: 5,
  domainStrangersMax: 10,
  domainStrangersPerAddressMax: 3,
}

export interface Fixture {
  readonly service: Service
  readonly clock: VirtualClock
  readonly environment: SessionEnvironment
}

export async function fixture(
  settings: Partial<ImppSettings> = {},
  surroundings: Surroundings = {},
): Promise<Fixture> {
  const { service, clock, logins } = await serverInMemory([protocol], ['romeo', 'juliet'], surroundings)
  const values = { ...testSettings, ...settings }
  const environment: SessionEnvironment = {
    service,
    settings: values,
    tls: { secureContext: () => assert.fail('not in memory') },
    logins,
    sessions: new Sessions(service.metrics),
    answers: new SentAnswers(clock, { seconds: values.answersSeconds, countMax: values.answersMax }),
  }
  return { service, clock, environment }
}
