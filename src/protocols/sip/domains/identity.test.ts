// Which domains a certificate proves, RFC 5922 §7: a row a rule.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TlsInfo } from '#net'
import { proofOf, sipDomainsOf } from './identity.ts'

const rows: readonly [rule: string, names: string | undefined, domains: readonly string[]][] = [
  ['§7.1: a sip URI is an identity', 'URI:sip:example.com', ['example.com']],
  ['§7.1: its scheme in any case', 'URI:SIP:Example.COM', ['example.com']],
  ['§7.1: a URI with a user part is a person', 'URI:sip:alice@example.com', []],
  ['§7.1: a URI of another scheme is none', 'URI:https://example.com, URI:sips:example.com', []],
  ['§7.1: DNS names, where there is no sip URI', 'DNS:a.example, DNS:b.example', ['a.example', 'b.example']],
  [
    '§7.1: DNS names do not count beside a sip URI',
    'DNS:host.example.com, URI:sip:example.com',
    ['example.com'],
  ],
  ['§7.1: beside a person or a web site they do', 'URI:sip:a@example.com, DNS:example.com', ['example.com']],
  ['§7.2: wildcards match nothing', 'DNS:*.example.com, DNS:.example.com', []],
  ['§7.2: IDNs as A-labels', 'DNS:xn--bcher-kva.example', ['xn--bcher-kva.example']],
  ['a port or parameters of the URI are no part of it', 'URI:sip:example.com;transport=tls', ['example.com']],
  ['a comma inside a value begins no other', 'URI:"sip:a.example,DNS:evil.example"', []],
  ['addresses are no domains', 'IP Address:192.0.2.1', []],
  ['no subjectAltName: the common name does not count', undefined, []],
]

for (const [rule, subjectAltName, domains] of rows)
  test(`RFC 5922: ${rule}`, () => assert.deepEqual(sipDomainsOf({ subjectAltName }), domains))

function tls(names: string | undefined, error?: string): TlsInfo {
  const certificate =
    names === undefined ? undefined : { subjectAltName: names, validTo: 'Jan  2 00:00:00 2027 GMT' }
  return {
    authorized: error === undefined,
    authorizationError: error,
    peerCertificate: () => certificate,
  } as unknown as TlsInfo
}

const verdicts: readonly [
  what: string,
  session: TlsInfo | undefined,
  policy: 'verified' | 'encrypted',
  said: RegExp,
][] = [
  ['no TLS', undefined, 'encrypted', /^no: the connection is not secured/],
  ['no certificate', tls(undefined, 'no certificate'), 'verified', /^no: example.com showed no certificate/],
  ['the domain', tls('DNS:example.com'), 'verified', /^yes: certificate of example.com, until 2027-01-02$/],
  [
    'another name alone is not a bad chain',
    tls('URI:sip:example.com', 'ERR_TLS_CERT_ALTNAME_INVALID'),
    'verified',
    /^yes/,
  ],
  [
    'a host of the domain',
    tls('DNS:sip.example.com', 'ERR_TLS_CERT_ALTNAME_INVALID'),
    'verified',
    /^no: the certificate is for DNS:sip.example.com, not for example.com$/,
  ],
  ['expired', tls('DNS:example.com', 'CERT_HAS_EXPIRED'), 'verified', /^no: .*it has expired/],
  [
    'expired, where any will do',
    tls('DNS:example.com', 'CERT_HAS_EXPIRED'),
    'encrypted',
    /^yes: .*, not verified$/,
  ],
]

for (const [what, session, policy, said] of verdicts)
  test(`a certificate proves a domain: ${what}, ${policy}`, () => {
    const proof = proofOf(session, ['example.com'], policy)
    assert.match(proof.proven ? `yes: ${proof.identity}` : `no: ${proof.why}`, said)
  })
