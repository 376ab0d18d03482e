// Puts the parts of SIP together and starts and stops them.

import type { Logins } from '#auth'
import type { Environment, RunningProtocol, Service } from '#core'
import type { TlsContexts, WebOffers } from '#net'
import { SparingLog } from '#observe'
import { Authentication } from './authentication.ts'
import type { SipContext } from './context.ts'
import { type Flow, hostPort } from './flow.ts'
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

export function composeSip(service: Service, settings: SipSettings, digest: Logins['digest']): SipContext {
  const { transactionsMax } = settings
  const layer = new TransactionLayer(service.clock, {
    serverTransactionsMax: transactionsMax,
    clientTransactionsMax: transactionsMax,
  })
  const strangers = new SparingLog(service.log, service.clock)
  const onFlowEnded = (flow: Flow): void => registrar.flowEnded(flow)
  const registrar = new Registrar()
  const publications = new Publications()
  const context: SipContext = {
    service,
    settings,
    layer,
    registrar,
    publications,
    transport: new Transport({ service, settings, layer, strangers, onFlowEnded }),
    authentication: new Authentication(service, digest, settings.foreignSenders, strangers),
    subscriptions: new SubscriptionDialogs(),
    proxy: new ProxyCore(() => context),
  }
  registrar.context = context
  publications.context = context
  layer.user = new UserAgentServer(context)
  return context
}

/** @throws ListenError */
export async function startSip(
  service: Service,
  { settings, tls, logins, web }: Environment<SipSettings, TlsContexts, Logins, WebOffers>,
): Promise<RunningProtocol> {
  const context = composeSip(service, settings, logins.digest)
  await context.transport.open(tls)
  const listeners = context.transport.listeners.map(({ name, host, port }) => ({
    setting: `sip.${name.toLowerCase()}`,
    purpose: `SIP phones (${name})`,
    where: `${hostPort(host ?? '*', port)}/${name === 'UDP' ? 'udp' : 'tcp'}`,
  }))
  const withdraw =
    web === undefined || !settings.webSocket ? () => {} : offerWebSockets(web, context.transport)
  return {
    listeners,
    stop: () => {
      withdraw()
      return stopSip(context)
    },
  }
}

/** Every watcher is told to come again (RFC 6665 §4.1.3, probation); then the listeners close. */
async function stopSip(context: SipContext): Promise<void> {
  const subscriptions = context.subscriptions.all()
  for (const subscription of subscriptions) subscription.end('probation')
  if (subscriptions.length > 0)
    await new Promise<void>((resolve) => context.service.clock.schedule(farewellMax, resolve))
  context.layer.stop()
  await context.transport.close()
}
