// Who a certificate proves the far end to be: a domain, by its dNSName, not by the host that its SRV record led to (RFC 9525 §6.3;
// docs/specs/prim.md §8.2).

import type { PeerRoute } from '#core'
import { certificateReason, type TlsInfo } from '#net'

/** Why the far end is not proven to be `domain` (A-labels); undefined when it is. */
export function whyNotProven(tls: TlsInfo | undefined, domain: string, route: PeerRoute): string | undefined {
  const certificate = tls?.peerCertificate()
  if (tls === undefined || certificate === undefined) return `${domain} showed no certificate`
  if (certificate.checkHost(domain, { subject: 'never', partialWildcards: false }) === undefined)
    return `the certificate is for ${certificate.subjectAltName ?? 'no name'}, not for ${domain}`
  if (tls.authorized || route.tls !== 'verified') return undefined
  return `the certificate of ${domain} is not accepted: ${certificateReason(tls.authorizationError)}`
}
