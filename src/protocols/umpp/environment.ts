// What all of UMPP shares: what it drives, and what it may.

import type { PeerRoute, Service } from '#core'
import type { Resolver } from '#net'
import type { RequestWish, UserAgent } from '#protocols/sip'
import type { Sessions as SessionStreams } from '#protocols/xmpp'
import type { StreamPlace } from './message-stream.ts'
import type { UmppMetrics } from './metrics.ts'
import type { UmppSettings } from './settings.ts'

export interface UmppEnvironment {
  readonly service: Service
  readonly settings: UmppSettings
  readonly metrics: UmppMetrics
  readonly resolver: Resolver
  readonly routeTo: (domain: string) => PeerRoute
  /** SIP with other domains. */
  readonly userAgent: UserAgent
  /** XMPP with other domains. */
  readonly streams: SessionStreams
  /** The servers of a domain that take our INVITEs. */
  readonly placesFor: (domain: string) => RequestWish['places']
  /** What our descriptions say of where our XMPP host is. */
  readonly ownPlace: (ours: string) => StreamPlace
  /** Whether that domain's descriptions may lead into private networks. */
  readonly mayBePrivate: (domain: string) => boolean
}
