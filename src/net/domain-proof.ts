// Who a certificate proves the far end to be: a domain, by its name, not by that of the host that its SRV record led to (RFC 9525 §6.1).
import type { X509Certificate } from 'node:crypto'
import { certificateReason } from './certificate-reason.ts'
import type { TlsInfo } from './tls-info.ts'

export type Proof =
  /** `identity` for people: `certificate of capulet.example, until 2027-01-02`. */
  { readonly proven: true; readonly identity: string } | { readonly proven: false; readonly why: string }

/** What the operator asks of the domain. */
export interface ProofPolicy {
  /** `verified`: a chain to an authority that we trust; else a certificate of anybody's making with the name is taken on trust. */
  readonly tls: 'verified' | 'encrypted' | 'none'
  /** What the certificate must name; undefined: the domain. */
  readonly identity?: string | undefined
}

/** What COMPAT: Node says of a chain that is good where only the name is not the one that it looked for. */
const nameAlone = 'ERR_TLS_CERT_ALTNAME_INVALID'

/**
 * @param domain A-labels, lower case
 * @param hasName whether the certificate has the name
 */
export function proofOfDomain(
  tls: TlsInfo | undefined,
  domain: string,
  policy: ProofPolicy,
  hasName: (certificate: X509Certificate, name: string) => boolean = hasDnsName,
): Proof {
  const name = policy.identity ?? domain
  if (tls === undefined) return no('the connection is not secured by TLS')
  const certificate = tls.peerCertificate()
  if (certificate === undefined) return no(`${domain} showed no certificate`)
  const isTrusted = tls.authorized || tls.authorizationError === nameAlone
  if (!isTrusted && policy.tls === 'verified')
    return no(`the certificate of ${domain} is not accepted: ${certificateReason(tls.authorizationError)}`)
  if (!hasName(certificate, name))
    return no(`the certificate is for ${certificate.subjectAltName ?? 'no name'}, not for ${name}`)
  const until = new Date(certificate.validTo).toISOString().slice(0, 10)
  return {
    proven: true,
    identity: `certificate of ${name}, until ${until}${isTrusted ? '' : ', not verified'}`,
  }
}

/** RFC 9525 §6.3: dNSName alone, wildcards only as a whole left-most label, never the common name. */
export function hasDnsName(certificate: X509Certificate, name: string): boolean {
  return certificate.checkHost(name, { subject: 'never', partialWildcards: false }) !== undefined
}

function no(why: string): Proof {
  return { proven: false, why }
}
