// Who a certificate proves the far end to be (RFC 6120 §13.7.2, RFC 6125 §6, XEP-0178): a domain, by its dNSName, SRVName or
// xmppAddr, not by the host that its SRV record led to.
import type { X509Certificate } from 'node:crypto'
import { prepareDomain } from '#model'
import { certificateReason, type TlsInfo } from '#net'
import { otherNamesOf } from './other-names.ts'

export type Proof =
  | { readonly proven: true; readonly identity: string }
  | { readonly proven: false; readonly why: string }

/** What COMPAT: Node says of a chain that is good where only the name is not the one that it looked for. */
const nameAlone = 'ERR_TLS_CERT_ALTNAME_INVALID'

/** @param name what the certificate must prove: the domain, or what the operator says stands for it */
export function proofOf(tls: TlsInfo | undefined, domain: string, name: string = domain): Proof {
  if (tls === undefined) return no('the connection is not secured by TLS')
  const certificate = tls.peerCertificate()
  if (certificate === undefined) return no(`${domain} showed no certificate`)
  if (!tls.authorized && tls.authorizationError !== nameAlone)
    return no(`the certificate of ${domain} is not accepted: ${certificateReason(tls.authorizationError)}`)
  if (!hasName(certificate, name))
    return no(`the certificate is for ${certificate.subjectAltName ?? 'no name'}, not for ${name}`)
  const until = new Date(certificate.validTo).toISOString().slice(0, 10)
  return { proven: true, identity: `certificate of ${name}, until ${until}` }
}

function no(why: string): Proof {
  return { proven: false, why }
}

/** RFC 6125 §6.4: wildcards only as a whole left-most label of a dNSName; RFC 6120 §13.7.1.2.1: none in the others. */
function hasName(certificate: X509Certificate, domain: string): boolean {
  if (certificate.checkHost(domain, { subject: 'never', partialWildcards: false }) !== undefined) return true
  const names = otherNamesOf(certificate.raw)
  if (names.services.some((name) => name.toLowerCase() === `_xmpp-server.${domain}`)) return true
  return names.addresses.some((name) => prepareDomain(name) === domain)
}
