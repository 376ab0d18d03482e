// What the server starts: the listeners for clients of both services.

import type { Logins } from '#auth'
import type { Environment, Protocol, RunningProtocol, Service } from '#core'
import type { Outcome } from '#model'
import type { Connection, Resolver, TlsContexts, WebOffers } from '#net'
import { SentAnswers, startProtocol } from '#protocols/exchange'
import { protocolName } from './binding.ts'
import { ClientSession } from './client-session.ts'
import { Domains } from './domains/domains.ts'
import { domainMetrics } from './domains/metrics.ts'
import { reviveEnvelope } from './envelope.ts'
import { type SessionEnvironment, Sessions } from './session-environment.ts'
import { type PrimSettings, settings } from './settings.ts'
import { Watches } from './watches.ts'

export const protocol: Protocol<PrimSettings, TlsContexts, Logins, WebOffers, Resolver> = {
  name: protocolName,
  settings,
  revive: reviveEnvelope,
  start,
}

function start(
  service: Service,
  environment: Environment<PrimSettings, TlsContexts, Logins, WebOffers, Resolver>,
): Promise<RunningProtocol> {
  const { settings: values, tls } = environment
  const sessions = new Sessions(service.metrics)
  const watches = new Watches({ clock: service.clock, subscriptionsMax: values.subscriptionsMax })
  const answers = new SentAnswers<Outcome>(service.clock, {
    seconds: values.answersSeconds,
    countMax: values.answersMax,
  })
  const shared = { ...environment, service, sessions, watches, answers }
  const onConnection = (connection: Connection): void => void serveClient(connection, shared)
  return startProtocol({
    service,
    clients: [
      {
        name: 'prim presence',
        setting: 'prim.presence',
        purpose: 'PRIM clients, presence (STARTTLS)',
        place: values.presence,
        onConnection,
      },
      {
        name: 'prim im',
        setting: 'prim.im',
        purpose: 'PRIM clients, messages (STARTTLS)',
        place: values.im,
        onConnection,
      },
    ],
    servers: {
      name: 'prim server',
      setting: 'prim.server',
      purpose: 'PRIM between domains (STARTTLS)',
      place: values.server,
    },
    others: environment.domains,
    domains: ({ resolver, routeTo }, dial) =>
      new Domains(
        { service, settings: values, tls, resolver, routeTo, metrics: domainMetrics(service.metrics) },
        dial,
      ),
    signOut: () => {
      for (const session of [...sessions.open]) session.signOut('temporarily-unavailable')
    },
  })
}

/** Serves one connection; also for tests, over a pair in memory. */
export function serveClient(connection: Connection, shared: SessionEnvironment): ClientSession {
  const session = new ClientSession(connection, shared)
  shared.sessions.open.add(session)
  connection.start(session)
  return session
}
