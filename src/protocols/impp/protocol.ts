// What the server starts: the listener for clients, and the legs to other domains.

import type { Logins } from '#auth'
import type { Environment, Protocol, RunningProtocol, Service } from '#core'
import type { Connection, Resolver, TlsContexts, WebOffers } from '#net'
import { type ListenerPlan, SentAnswers, startProtocol } from '#protocols/exchange'
import { protocolName } from './binding.ts'
import { ClientSession } from './client-session.ts'
import { Domains } from './domains/domains.ts'
import { domainMetrics } from './domains/metrics.ts'
import { reviveEnvelope } from './envelope.ts'
import type { SendAnswer } from './methods/index.ts'
import { type SessionEnvironment, Sessions } from './session-environment.ts'
import { type ImppSettings, settings } from './settings.ts'

export const protocol: Protocol<ImppSettings, TlsContexts, Logins, WebOffers, Resolver> = {
  name: protocolName,
  settings,
  revive: reviveEnvelope,
  start,
}

async function start(
  service: Service,
  environment: Environment<ImppSettings, TlsContexts, Logins, WebOffers, Resolver>,
): Promise<RunningProtocol> {
  const sessions = new Sessions(service.metrics)
  const { settings: values, tls, web } = environment
  const answers = new SentAnswers<SendAnswer>(service.clock, {
    seconds: values.answersSeconds,
    countMax: values.answersMax,
  })
  const shared: SessionEnvironment = { ...environment, service, sessions, answers }
  const withdraw = web && offerWebSockets(web, shared)
  try {
    return await startProtocol({
      service,
      clients: clientListeners(shared),
      servers: {
        name: 'impp server',
        setting: 'impp.server',
        purpose: 'IMPP between domains (STARTTLS)',
        place: values.server,
      },
      others: environment.domains,
      domains: ({ resolver, routeTo }, dial) =>
        new Domains(
          { service, settings: values, tls, resolver, routeTo, metrics: domainMetrics(service.metrics) },
          dial,
        ),
      signOut: () => {
        withdraw?.()
        for (const session of [...sessions.open]) session.signOut('temporarily-unavailable')
      },
    })
  } catch (error) {
    withdraw?.()
    throw error
  }
}

function clientListeners(shared: SessionEnvironment): readonly ListenerPlan[] {
  const { settings: values, tls } = shared
  const onConnection = (connection: Connection): void => void serveClient(connection, shared)
  const inClear = {
    name: 'impp client',
    setting: 'impp.client',
    purpose: 'IMPP clients (STARTTLS)',
    place: values.client,
    onConnection,
  }
  if (tls === undefined) return [inClear]
  const underTls = {
    name: 'impp client tls',
    setting: 'impp.client_tls',
    purpose: 'IMPP clients (TLS)',
    place: values.clientTls,
    // docs/specs/impp-1.0.md §6.2: no ALPN is needed; who offers one must mean us (RFC 7301 §3.2).
    tls: { context: tls, alpn: ['impp'] },
    onConnection,
  }
  return [inClear, underTls]
}

/** docs/specs/impp-1.0.md §2.1: the same octets in binary messages; TLS is the web socket's, so STARTTLS is not there. */
function offerWebSockets(web: WebOffers, shared: SessionEnvironment): () => void {
  const environment = { ...shared, tls: undefined }
  return web.offer({
    path: '/impp',
    subprotocol: 'impp',
    purpose: 'IMPP clients (WebSocket)',
    kind: 'binary',
    framing: 'stream',
    messageBytesMax: shared.settings.messageOctetsMax,
    accept: (connection) => serveClient(connection, environment),
  })
}

/** Serves one connection; also for tests, over a pair in memory. */
export function serveClient(connection: Connection, shared: SessionEnvironment): ClientSession {
  const session = new ClientSession(connection, shared)
  shared.sessions.open.add(session)
  connection.start(session)
  return session
}
