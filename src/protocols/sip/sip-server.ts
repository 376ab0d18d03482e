// Puts the parts of SIP together and starts and stops them.

import { randomBytes } from 'node:crypto'
import { type Logins, serverKeyOf } from '#auth'
import type { Environment, PeerEnvironment, RunningProtocol, Service } from '#core'
import type { Resolver, TlsContexts, WebOffers } from '#net'
import { SparingLog } from '#observe'
import { Authentication } from './authentication.ts'
import type { UserAgent } from './client/user-agent.ts'
import type { SipContext } from './context.ts'
import { Domains } from './domains/domains.ts'
import type { DomainsEnvironment } from './domains/environment.ts'
import { judgeForeign } from './domains/foreign.ts'
import { type Flow, hostPort } from './flow.ts'
import { Pending } from './pending.ts'
import { ProxyCore } from './proxy/proxy.ts'
import { Publications } from './publications.ts'
import { Registrar } from './registrar.ts'
import type { SipSettings } from './settings.ts'
import { SubscriptionDialogs } from './subscription-dialogs.ts'
import { TransactionLayer } from './transaction/transaction-layer.ts'
import { Transport } from './transport.ts'
import { UserAgentServer } from './user-agent-server.ts'
import { offerWebSockets } from './web.ts'

/** Milliseconds that farewells may take. */
const farewellMax = 200

/** What other domains are reached by. */
export type Others = PeerEnvironment<Resolver> & Pick<DomainsEnvironment, 'tls' | 'connect'>

export function composeSip(
  service: Service,
  settings: SipSettings,
  digest: Logins['digest'],
  others?: Others,
  secret: Uint8Array = randomBytes(32),
): SipContext {
  const { transactionsMax } = settings
  const layer = new TransactionLayer(service.clock, {
    serverTransactionsMax: transactionsMax,
    clientTransactionsMax: transactionsMax,
  })
  const strangers = new SparingLog(service.log, service.clock)
  const registrar = new Registrar(secret)
  const publications = new Publications()
  const onFlowEnded = (flow: Flow): void => {
    registrar.flowEnded(flow)
    domains?.flowEnded(flow)
  }
  const transport = new Transport({ service, settings, layer, strangers, onFlowEnded })
  const domains =
    others === undefined || !settings.otherDomains
      ? undefined
      : new Domains({
          service,
          settings,
          layer,
          transport,
          tls: others.tls,
          resolver: others.resolver,
          routeTo: (domain) => others.routeTo(domain),
          ...(others.connect && { connect: others.connect }),
        })
  const authentication = new Authentication(service, digest, settings.foreignSenders, strangers)
  if (domains !== undefined) authentication.foreign = judgeForeign(service, domains)
  const context: SipContext = {
    service,
    settings,
    layer,
    registrar,
    publications,
    transport,
    authentication,
    domains,
    pendingMessages: new Pending(),
    subscriptions: new SubscriptionDialogs(),
    proxy: new ProxyCore(() => context, secret),
  }
  registrar.context = context
  publications.context = context
  layer.user = new UserAgentServer(context)
  return context
}

/** SIP as it runs, for the server and for folders that build on it. */
export interface RunningSip extends RunningProtocol {
  /** The user agent towards other domains, where they are spoken with. */
  readonly userAgent?: UserAgent
}

/** Whether what runs is this, with other domains. */
export function isRunningSip(running: RunningProtocol | undefined): running is RunningSip {
  return running !== undefined && 'userAgent' in running
}

/** @throws ListenError */
export async function startSip(
  service: Service,
  {
    settings,
    tls,
    logins,
    web,
    domains: others,
  }: Environment<SipSettings, TlsContexts, Logins, WebOffers, Resolver>,
): Promise<RunningSip> {
  const context = composeSip(
    service,
    settings,
    logins.digest,
    others === undefined
      ? undefined
      : { resolver: others.resolver, routeTo: (domain) => others.routeTo(domain), tls },
    await serverKeyOf(service.store),
  )
  await context.transport.open(tls)
  const listeners = context.transport.listeners.map(({ name, host, port }) => ({
    setting: `sip.${name.toLowerCase()}`,
    purpose: `SIP phones (${name})`,
    where: `${hostPort(host ?? '*', port)}/${name === 'UDP' ? 'udp' : 'tcp'}`,
  }))
  const withdraw =
    web === undefined || !settings.webSocket ? () => {} : offerWebSockets(web, context.transport)
  const { domains } = context
  return {
    listeners,
    ...(domains === undefined ? {} : { peers: domains, userAgent: domains.agent }),
    stop: () => {
      withdraw()
      return stopSip(context)
    },
  }
}

/** Every watcher is told to come again (RFC 6665 §4.1.3, probation); then the listeners close. */
async function stopSip(context: SipContext): Promise<void> {
  context.domains?.stop()
  const subscriptions = context.subscriptions.all()
  for (const subscription of subscriptions) subscription.end('probation')
  if (subscriptions.length > 0)
    await new Promise<void>((resolve) => context.service.clock.schedule(farewellMax, resolve))
  context.layer.stop()
  await context.transport.close()
}
