// Who a certificate proves the far end to be, RFC 5922 §7: a SIP domain, by a `sip:` URI or else by a DNS name in its subjectAltName,
// whole and without wildcards; not the host that an SRV record led to.

import type { X509Certificate } from 'node:crypto'
import type { PeerRoute } from '#core'
import { prepareDomain } from '#model'
import { certificateReason, type TlsInfo } from '#net'

export type Proof =
  | { readonly proven: true; readonly identity: string }
  | { readonly proven: false; readonly why: string }

/** What COMPAT: Node says of a chain that is good where only the name is not the one that it looked for. */
const nameAlone = 'ERR_TLS_CERT_ALTNAME_INVALID'

interface Shown {
  readonly domains: ReadonlySet<string>
  readonly written: string
  readonly until: string
}

/** What a session's certificate says, read once. */
const read = new WeakMap<TlsInfo, Shown | 'none'>()

/**
 * Whether the far end has proven to be one of `domains` (A-labels, lower case): by the name, and, where `verified` is asked for, by a chain
 * to an authority that we trust. Where it is not, a certificate of anybody's making with that name is taken on trust.
 */
export function proofOf(
  tls: TlsInfo | undefined,
  domains: readonly string[],
  policy: PeerRoute['tls'],
): Proof {
  const [domain = ''] = domains
  if (tls === undefined) return no('the connection is not secured by TLS')
  const shown = shownBy(tls)
  if (shown === 'none') return no(`${domain} showed no certificate`)
  const isTrusted = tls.authorized || tls.authorizationError === nameAlone
  if (!isTrusted && policy === 'verified')
    return no(`the certificate of ${domain} is not accepted: ${certificateReason(tls.authorizationError)}`)
  if (!domains.some((name) => shown.domains.has(name)))
    return no(`the certificate is for ${shown.written}, not for ${domain}`)
  return {
    proven: true,
    identity: `certificate of ${domain}, until ${shown.until}${isTrusted ? '' : ', not verified'}`,
  }
}

function no(why: string): Proof {
  return { proven: false, why }
}

function shownBy(tls: TlsInfo): Shown | 'none' {
  const known = read.get(tls)
  if (known !== undefined) return known
  const certificate = tls.peerCertificate()
  const shown: Shown | 'none' =
    certificate === undefined
      ? 'none'
      : {
          domains: new Set(sipDomainsOf(certificate)),
          written: certificate.subjectAltName ?? 'no name',
          until: new Date(certificate.validTo).toISOString().slice(0, 10),
        }
  read.set(tls, shown)
  return shown
}

/**
 * The SIP domains that a certificate names (RFC 5922 §7.1). DNS names count "if and only if no other identity is found that matches the
 * sip URI type"; the common name we leave alone, which is but a MAY.
 */
export function sipDomainsOf({ subjectAltName }: Pick<X509Certificate, 'subjectAltName'>): readonly string[] {
  const uris: string[] = []
  const names: string[] = []
  for (const { type, value } of alternatives(subjectAltName ?? '')) {
    if (type === 'DNS') names.push(value)
    // "If the scheme of the URI is not 'sip' [...] or there is an '@'": MUST NOT; a port and parameters are no part of a domain.
    else if (type === 'URI' && /^sip:/i.test(value) && !value.includes('@'))
      uris.push(value.slice(4).replace(/[:;?].*$/, ''))
  }
  // §7.2: compared as DNS names; a wildcard matches nothing, and is no domain name.
  return (uris.length > 0 ? uris : names)
    .filter((name) => !name.includes('*'))
    .flatMap((name) => prepareDomain(name) ?? [])
}

/** COMPAT: Node writes `DNS:a.example, URI:sip:a.example`, and a value with a comma or a quote in it as a JSON string. */
function alternatives(written: string): readonly { readonly type: string; readonly value: string }[] {
  const found: { type: string; value: string }[] = []
  const pattern = /([^:,\s][^:,]*):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/g
  for (const [, type = '', value = ''] of written.matchAll(pattern))
    found.push({ type, value: value.startsWith('"') ? String(JSON.parse(value)) : value })
  return found
}
