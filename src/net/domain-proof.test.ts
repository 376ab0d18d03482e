import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ProofPolicy, proofOfDomain } from './domain-proof.ts'
import type { TlsInfo } from './tls-info.ts'

function shown(names: string, error?: string): TlsInfo {
  const certificate = {
    subjectAltName: names,
    validTo: 'Jan  2 00:00:00 2027 GMT',
    checkHost: (name: string) => (names.split(', ').includes(`DNS:${name}`) ? name : undefined),
  }
  const told = { authorized: error === undefined, authorizationError: error }
  return { ...told, peerCertificate: () => certificate } as unknown as TlsInfo
}

const bare = {
  authorized: false,
  authorizationError: undefined,
  peerCertificate: () => undefined,
} as unknown as TlsInfo

/** [what, session, policy, who it is or why not] */
const rows: [string, TlsInfo | undefined, ProofPolicy, string | RegExp][] = [
  ['no TLS', undefined, { tls: 'verified' }, /not secured by TLS/],
  ['no certificate', bare, { tls: 'encrypted' }, /showed no certificate/],
  ['its own', shown('DNS:a.example'), { tls: 'verified' }, 'certificate of a.example, until 2027-01-02'],
  [
    'one of many names',
    shown('DNS:b.example, DNS:a.example'),
    { tls: 'verified' },
    'certificate of a.example, until 2027-01-02',
  ],
  ['of another', shown('DNS:b.example'), { tls: 'verified' }, /is for DNS:b.example, not for a.example/],
  ['expired', shown('DNS:a.example', 'CERT_HAS_EXPIRED'), { tls: 'verified' }, /it has expired/],
  [
    'expired, where any is taken',
    shown('DNS:a.example', 'CERT_HAS_EXPIRED'),
    { tls: 'encrypted' },
    'certificate of a.example, until 2027-01-02, not verified',
  ],
  ['of another, where any is taken', shown('DNS:b.example', 'X'), { tls: 'encrypted' }, /not for a.example/],
  [
    'a good chain, and a name that Node did not look for',
    shown('DNS:a.example', 'ERR_TLS_CERT_ALTNAME_INVALID'),
    { tls: 'verified' },
    'certificate of a.example, until 2027-01-02',
  ],
  [
    'of whom the operator names',
    shown('DNS:host.example'),
    { tls: 'verified', identity: 'host.example' },
    'certificate of host.example, until 2027-01-02',
  ],
  [
    'its own, where the operator names another',
    shown('DNS:a.example'),
    { tls: 'verified', identity: 'host.example' },
    /not for host.example/,
  ],
]

for (const [what, tls, policy, expected] of rows) {
  test(`a certificate proves a domain: ${what} (RFC 9525 §6)`, () => {
    const proof = proofOfDomain(tls, 'a.example', policy)
    if (typeof expected === 'string') assert.deepEqual(proof, { proven: true, identity: expected })
    else assert.match(proof.proven ? 'proven' : proof.why, expected)
  })
}
