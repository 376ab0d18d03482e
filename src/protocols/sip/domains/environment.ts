// What all that speaks with other domains shares.

import type { PeerRoute, Service } from '#core'
import type { connectTcp, Resolver, TlsContext } from '#net'
import type { SipSettings } from '../settings.ts'
import type { TransactionLayer } from '../transaction/transaction-layer.ts'
import type { Transport } from '../transport.ts'
import type { Place } from './locate.ts'

export interface DomainsEnvironment {
  readonly service: Service
  readonly settings: SipSettings
  readonly layer: TransactionLayer
  readonly transport: Transport
  /** Our certificates, by domain; it trusts whom the operator trusts. */
  readonly tls: TlsContext
  readonly resolver: Resolver
  /** How we get to a domain, as the configuration says. */
  readonly routeTo: (domain: string) => PeerRoute
  /** Opens connections; a test has its own. */
  readonly connect?: typeof connectTcp
}

/** Whose request it is, and whose server it is for: the certificate that is shown, and those that will do. */
export interface Ends {
  /** A domain of ours. */
  readonly ours: string
  /** The other domain. */
  readonly theirs: string
  /** Where its servers are known from, where that is not RFC 3263. @throws DnsError */
  readonly places?: (() => Promise<readonly Place[]>) | undefined
}
