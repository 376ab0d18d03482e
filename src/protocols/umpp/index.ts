// The door of UMPP: presence and session set-up by SIP, messages by XMPP, between domains. It has no listener and no codec: it drives the
// two by their doors (decision 0120).

import type { Logins } from '#auth'
import type { Environment, Protocol, RunningProtocol, Service } from '#core'
import { ServiceError } from '#core'
import type { Resolver, TlsContexts, WebOffers } from '#net'
import { isRunningSip } from '#protocols/sip'
import { isRunningXmpp, type RunningXmpp } from '#protocols/xmpp'
import { Domains } from './domains.ts'
import type { UmppEnvironment } from './environment.ts'
import { umppMetrics } from './metrics.ts'
import { finderOf, sipPlaces, withoutAddress } from './places.ts'
import { type UmppSettings, umppSettings } from './settings.ts'

export const protocol: Protocol<UmppSettings, TlsContexts, Logins, WebOffers, Resolver> = {
  name: 'umpp',
  settings: umppSettings,
  standsOn: ['sip', 'xmpp'],
  isOn: ({ on }) => on,
  misses,
  revive: (head) => {
    throw new ServiceError('internal-fault', 'UMPP has no octets of its own', { id: head.id })
  },
  start,
}

/** Both that it drives have to speak with other domains. */
function misses(settingsOf: (name: string) => Readonly<Record<string, unknown>>): string | undefined {
  const [sip, xmpp] = [settingsOf('sip'), settingsOf('xmpp')]
  const has = (settings: Readonly<Record<string, unknown>>, ...names: string[]): boolean =>
    names.some((name) => settings[name] !== undefined)
  if (!has(sip, 'tls', 'tcp', 'udp') || sip['otherDomains'] !== true)
    return '[umpp] on: it sets up its sessions by SIP with other domains: set [sip] tls, and other_domains = true'
  if (!has(xmpp, 'server', 'serverTls'))
    return '[umpp] on: its messages go by XMPP with other domains: set [xmpp] server'
  return undefined
}

/** Rejects where one of the two does not run as `misses` asks. */
async function start(
  service: Service,
  { settings, others, domains: peers }: Environment<UmppSettings, TlsContexts, Logins, WebOffers, Resolver>,
): Promise<RunningProtocol> {
  const sip = others?.('sip')
  const xmpp = others?.('xmpp')
  if (!isRunningSip(sip) || sip.userAgent === undefined || peers === undefined)
    throw new ServiceError('internal-fault', 'UMPP has no SIP with other domains')
  if (!isRunningXmpp(xmpp) || xmpp.sessions === undefined)
    throw new ServiceError('internal-fault', 'UMPP has no XMPP with other domains')
  const { resolver } = peers
  const routeTo = (domain: string) => peers.routeTo(domain)
  const finder = finderOf({ service, resolver, routeTo })
  const privatePeers = new Set(settings.privatePeers)
  const port = settings.port === 0 ? serverPortOf(xmpp) : settings.port
  const environment: UmppEnvironment = {
    service,
    settings,
    metrics: umppMetrics(service.metrics),
    resolver,
    routeTo,
    userAgent: sip.userAgent,
    streams: xmpp.sessions,
    placesFor: (domain) => async () => sipPlaces((await finder.find(domain)).all, routeTo(domain)),
    ownPlace: (ours) => ({ host: settings.host ?? ours, port }),
    mayBePrivate: (domain) => privatePeers.has(domain),
  }
  const domains = new Domains({
    environment,
    finder,
    xmppLink:
      xmpp.peers === undefined
        ? undefined
        : (domain) => (xmpp.peers as NonNullable<typeof xmpp.peers>).linkTo(domain),
  })
  sip.userAgent.onInvite((call, invite, from) => domains.sessions.offered(call, invite, from))
  xmpp.sessions.onMessage((from, to) => domains.sessions.targetOf(from, to))
  if (settings.host === undefined) void tellOfNames(service, resolver)
  return { listeners: [], peers: domains, stop: async () => domains.stop() }
}

/** Where XMPP listens for other servers. */
function serverPortOf({ listeners }: RunningXmpp): number {
  const where = listeners.find(({ setting }) => setting === 'xmpp.server')?.where
  return Number(/:(\d+)\/tcp$/.exec(where ?? '')?.[1] ?? 5269)
}

/** Without `host` descriptions name the domain itself, which others then look for. */
async function tellOfNames({ router, log }: Service, resolver: Resolver): Promise<void> {
  for (const domain of await withoutAddress(router.domains, resolver))
    log.warn(
      '[umpp] host is not set, and the domain has no address: others find nobody to send messages to',
      {
        domain,
      },
    )
}
