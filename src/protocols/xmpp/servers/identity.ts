// Who a certificate proves the far end to be (RFC 6120 §13.7.2, RFC 6125 §6, XEP-0178): a domain, by its dNSName, SRVName or
// xmppAddr, not by the host that its SRV record led to.
import type { X509Certificate } from 'node:crypto'
import { prepareDomain } from '#model'
import { hasDnsName, type Proof, proofOfDomain, type TlsInfo } from '#net'
import { otherNamesOf } from './other-names.ts'

export type { Proof }

/** @param name what the certificate must prove: the domain, or what the operator says stands for it */
export function proofOf(tls: TlsInfo | undefined, domain: string, name: string = domain): Proof {
  return proofOfDomain(tls, domain, { tls: 'verified', identity: name }, hasName)
}

/** RFC 6120 §13.7.1.2.1: wildcards stand in a dNSName alone. */
function hasName(certificate: X509Certificate, domain: string): boolean {
  if (hasDnsName(certificate, domain)) return true
  const names = otherNamesOf(certificate.raw)
  if (names.services.some((name) => name.toLowerCase() === `_xmpp-server.${domain}`)) return true
  return names.addresses.some((name) => prepareDomain(name) === domain)
}
