// What the methods and agents of this folder work with.

import type { Service } from '#core'
import type { Authentication } from './authentication.ts'
import type { Domains } from './domains/domains.ts'
import type { Flow } from './flow.ts'
import type { Pending } from './pending.ts'
import type { ProxyCore } from './proxy/proxy.ts'
import type { Publications } from './publications.ts'
import type { Registrar } from './registrar.ts'
import type { SipSettings } from './settings.ts'
import type { SubscriptionDialogs } from './subscription-dialogs.ts'
import type { TransactionLayer } from './transaction/transaction-layer.ts'
import type { Transport } from './transport.ts'

export interface SipContext {
  readonly service: Service
  readonly settings: SipSettings
  readonly layer: TransactionLayer
  readonly transport: Transport
  readonly authentication: Authentication
  readonly proxy: ProxyCore
  readonly registrar: Registrar
  /** Messages of a person that wait for phones. */
  readonly pendingMessages: Pending
  readonly publications: Publications
  readonly subscriptions: SubscriptionDialogs
  /** Undefined: other domains are not spoken with. */
  readonly domains: Domains | undefined
}

/** The Via value for a request of ours: RFC 3261 §18.1.1, and rport where the path may have a NAT (RFC 3581 §3). */
export function viaFor(flow: Flow, branch: string): string {
  // RFC 5923 §5: who knows us by our certificate may call us back over the connection that we opened.
  const more = flow.reliable
    ? flow.isOutward === true && flow.transport === 'TLS'
      ? ';alias'
      : ''
    : ';rport'
  return `SIP/2.0/${flow.transport} ${flow.sentBy};branch=${branch}${more}`
}

/** The URI by which requests in a dialog reach us over a flow. */
export function ownUri(flow: Flow): string {
  return `sip:${flow.sentBy}${transportParam(flow)}`
}

/**
 * The URI by which another domain comes back to us in a dialog: over TLS the domain that our certificate proves (RFC 5922 §7.5), found by
 * DNS, unless the deployment gives a name or an address.
 */
export function contactUri(flow: Flow, host: string | undefined, ours: string): string {
  return flow.transport === 'TLS' && host === undefined ? `sip:${ours};transport=tls` : ownUri(flow)
}

/** The transport parameter of a URI that leads over such a flow; a web socket with TLS is `ws` too (RFC 7118 §5.2). */
export function transportParam({ transport }: Flow): string {
  return transport === 'UDP' ? '' : `;transport=${transport === 'WSS' ? 'ws' : transport.toLowerCase()}`
}
