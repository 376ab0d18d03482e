// Certificates of persons (decision 0057): issued directly by an authority that the operator has named, for e-mail addresses or URIs that
// are addresses of ours (RFC 5280 §4.2.1.6). TLS has shown that the far end holds the key.
import type { X509Certificate } from 'node:crypto'
import { type Address, addressOfUri } from '#model'

/** RFC 5280 §4.2.1.12 */
const clientAuthentication = '1.3.6.1.5.5.7.3.2'

export class PersonCertificates {
  readonly #authorities: readonly X509Certificate[]
  readonly #now: () => number

  /** @param authorities those whose word about persons is taken, and nobody else's: a public one would name them for anybody who pays */
  constructor(authorities: readonly X509Certificate[], now: () => number) {
    this.#authorities = authorities
    this.#now = now
  }

  /** The addresses that the certificate proves; none when it is not in force, not for clients, or of another authority. */
  personsOf(certificate: X509Certificate): readonly Address[] {
    const now = this.#now()
    if (Date.parse(certificate.validFrom) > now || Date.parse(certificate.validTo) < now) return []
    // Usages are an array where the certificate limits them.
    const usages = certificate.keyUsage as readonly string[] | undefined
    if (certificate.ca || (usages !== undefined && !usages.includes(clientAuthentication))) return []
    const isIssued = this.#authorities.some(
      (authority) =>
        authority.ca && certificate.checkIssued(authority) && certificate.verify(authority.publicKey),
    )
    return isIssued ? addressesIn(certificate.subjectAltName ?? '') : []
  }
}

/** `email:` and `URI:` entries. Node quotes entries that could be mistaken for several: those name nobody here. */
function addressesIn(subjectAltName: string): Address[] {
  const addresses: Address[] = []
  for (const [, kind, value = ''] of subjectAltName.matchAll(
    /(?:^|, )([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,]*)/g,
  )) {
    const isMail = kind === 'email' && value.includes('@') && !/[:"\\]/.test(value)
    const isUri = kind === 'URI' && /^(impp|im|xmpp):/i.test(value)
    const address = isMail || isUri ? addressOfUri(value) : undefined
    if (address !== undefined && address.user !== '') addresses.push(address)
  }
  return addresses
}
