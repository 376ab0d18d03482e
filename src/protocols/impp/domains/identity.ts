// Who a certificate proves the far end to be: a domain, by its name, not by that of the host its SRV record led to (RFC 9525 §6.1;
// docs/specs/impp-1.0.md, "Between domains").

import type { TlsInfo } from '#net'

export type Proof =
  | { readonly proven: true; readonly identity: string }
  | { readonly proven: false; readonly why: string }

/** Whether the session's far end has proven to be `domain` (A-labels): a chain to an authority we trust, and the name. */
export function proofOf(tls: TlsInfo | undefined, domain: string): Proof {
  if (tls === undefined) return no('the connection is not secured by TLS')
  const certificate = tls.peerCertificate()
  if (certificate === undefined) return no(`${domain} showed no certificate`)
  // RFC 9525 §6.3: dNSName alone, wildcards only as a whole left-most label, never the common name.
  if (certificate.checkHost(domain, { subject: 'never', partialWildcards: false }) === undefined)
    return no(`the certificate is for ${certificate.subjectAltName ?? 'no name'}, not for ${domain}`)
  if (!tls.authorized) return no(`the certificate of ${domain} is not accepted: ${tls.authorizationError}`)
  const until = new Date(certificate.validTo).toISOString().slice(0, 10)
  return { proven: true, identity: `certificate of ${domain}, until ${until}` }
}

function no(why: string): Proof {
  return { proven: false, why }
}
