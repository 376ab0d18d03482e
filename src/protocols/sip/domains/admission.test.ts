// Whose requests are taken in the name of another domain: a row a policy.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PeerPolicy, PeerRoute } from '#core'
import { fixedResolver, type TlsInfo } from '#net'
import type { Flow } from '../flow.ts'
import { Admission, type Verdict } from './admission.ts'
import type { DomainsEnvironment } from './environment.ts'

const open: PeerPolicy = {
  allowed: true,
  protocol: undefined,
  trusted: true,
  messages: true,
  presence: true,
  calls: true,
}

function tls(names: string, error?: string): TlsInfo {
  const certificate = { subjectAltName: names, validTo: 'Jan  2 00:00:00 2027 GMT' }
  return {
    authorized: error === undefined,
    authorizationError: error,
    peerCertificate: () => certificate,
  } as unknown as TlsInfo
}

const proven = tls('DNS:capulet.example')
const selfMade = tls('DNS:capulet.example', 'DEPTH_ZERO_SELF_SIGNED_CERT')
const other = tls('DNS:mantua.example')

interface Row {
  readonly what: string
  readonly route?: Partial<PeerRoute>
  readonly policy?: Partial<PeerPolicy>
  readonly tls?: TlsInfo
  readonly from?: string
  readonly said: string
}

const servers = ['sip.capulet.example:5060', '192.0.2.9']
const rows: readonly Row[] = [
  { what: 'verified, by its certificate', tls: proven, said: 'peer-domain' },
  { what: 'verified, by one of its own making', tls: selfMade, said: 'no' },
  { what: 'verified, by the certificate of another domain', tls: other, said: 'no' },
  { what: 'verified, without TLS', said: 'no' },
  { what: 'verified, without TLS, from its server', route: { servers }, from: '192.0.2.9', said: 'no' },
  {
    what: 'encrypted, by one of its own making',
    route: { tls: 'encrypted' },
    tls: selfMade,
    said: 'peer-domain',
  },
  { what: 'encrypted, by the certificate of another', route: { tls: 'encrypted' }, tls: other, said: 'no' },
  { what: 'encrypted, without TLS', route: { tls: 'encrypted', servers }, from: '192.0.2.9', said: 'no' },
  {
    what: 'encrypted, with TLS from its server',
    route: { tls: 'encrypted', servers },
    tls: other,
    from: '192.0.2.8',
    said: 'peer-domain',
  },
  {
    what: 'verified, by the certificate of whom the operator names',
    route: { identity: 'mantua.example' },
    tls: other,
    said: 'peer-domain',
  },
  {
    what: 'verified, by its own where the operator names another',
    route: { identity: 'mantua.example' },
    tls: proven,
    said: 'no',
  },
  { what: 'none, from anywhere', route: { tls: 'none' }, said: 'nobody' },
  { what: 'none, by its certificate', route: { tls: 'none' }, tls: proven, said: 'peer-domain' },
  {
    what: 'none, from its server by name',
    route: { tls: 'none', servers },
    from: '192.0.2.8',
    said: 'peer-domain',
  },
  { what: 'none, from elsewhere than its servers', route: { tls: 'none', servers }, said: 'no' },
  { what: 'a domain with which nothing is exchanged', policy: { allowed: false }, tls: proven, said: 'no' },
  { what: 'a domain whose word is not taken', policy: { trusted: false }, tls: proven, said: 'no' },
]

for (const { what, route, policy, tls: session, from = '192.0.2.1', said } of rows)
  test(`a request in the name of another domain: ${what}`, async () => {
    const environment = {
      service: {
        peers: { policyFor: () => ({ ...open, ...policy }) },
        clock: { monotonic: () => 0 },
      },
      resolver: fixedResolver({ addresses: { 'sip.capulet.example': ['192.0.2.8'] } }),
      routeTo: () => ({ servers: undefined, tls: 'verified', ...route }),
    } as unknown as DomainsEnvironment
    const flow = { tls: session, remote: { address: from, port: 5 } } as unknown as Flow
    const verdict = await new Promise<Verdict>((resolve) =>
      new Admission(environment).judge(flow, { domain: 'capulet.example' }, resolve),
    )
    assert.equal(verdict.taken ? verdict.vouchedBy : 'no', said)
  })
