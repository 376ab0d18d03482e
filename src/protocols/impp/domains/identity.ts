// Who a certificate proves the far end to be: a domain, by its name, not by that of the host its SRV record led to (RFC 9525 §6.1;
// docs/specs/impp-1.0.md §12.2).

import type { PeerRoute } from '#core'
import { certificateReason, type TlsInfo } from '#net'

export type Proof =
  | { readonly proven: true; readonly identity: string }
  | { readonly proven: false; readonly why: string }

/**
 * Whether the session's far end has proven to be `domain` (A-labels): by its name, or the one that the operator says stands for it, and, where `verified` is asked for, by a chain to an
 * authority that we trust. Where it is not, a certificate of anybody's making with that name is taken on trust.
 */
export function proofOf(tls: TlsInfo | undefined, domain: string, route: PeerRoute): Proof {
  if (tls === undefined) return no('the connection is not secured by TLS')
  const certificate = tls.peerCertificate()
  if (certificate === undefined) return no(`${domain} showed no certificate`)
  const name = route.identity ?? domain
  // RFC 9525 §6.3: dNSName alone, wildcards only as a whole left-most label, never the common name.
  if (certificate.checkHost(name, { subject: 'never', partialWildcards: false }) === undefined)
    return no(`the certificate is for ${certificate.subjectAltName ?? 'no name'}, not for ${name}`)
  if (!tls.authorized && route.tls === 'verified')
    return no(`the certificate of ${domain} is not accepted: ${certificateReason(tls.authorizationError)}`)
  const until = new Date(certificate.validTo).toISOString().slice(0, 10)
  const trust = tls.authorized ? '' : ', not verified'
  return { proven: true, identity: `certificate of ${name}, until ${until}${trust}` }
}

function no(why: string): Proof {
  return { proven: false, why }
}
