// Where the servers of a URI are, RFC 3263 §4: a row a rule.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fixedResolver, type NaptrRecord, type SrvRecord } from '#net'
import { parseSipUri } from '../codec/uri.ts'
import { hostAndPort, type Locating, namedPlaces, placesOf } from './locate.ts'

const srv = (target: string, port: number, priority = 0): SrvRecord => ({ target, port, priority, weight: 0 })
const naptr = (order: number, service: string, replacement: string, flags = 's'): NaptrRecord => ({
  order,
  preference: 0,
  flags,
  service,
  replacement,
})

/** The example of RFC 3263 §4.1. */
const threeServices = {
  'example.com': [
    naptr(50, 'SIPS+D2T', '_sips._tcp.example.com'),
    naptr(90, 'SIP+D2T', '_sip._tcp.example.com'),
    naptr(100, 'SIP+D2U', '_sip._udp.example.com'),
  ],
}
const threeSrv = {
  '_sips._tcp.example.com': [srv('s.example.com', 5061)],
  '_sip._tcp.example.com': [srv('t1.example.com', 5060, 1), srv('t2.example.com', 5062, 2)],
  '_sip._udp.example.com': [srv('u.example.com', 5060)],
}

interface Row {
  readonly rule: string
  readonly uri?: string
  readonly naptr?: Readonly<Record<string, readonly NaptrRecord[]>>
  readonly srv?: Readonly<Record<string, readonly SrvRecord[]>>
  readonly with?: Partial<Locating>
  readonly places: readonly string[]
}

const rows: readonly Row[] = [
  {
    rule: '§4.1: the NAPTR record of the lowest order, then its SRV records',
    naptr: threeServices,
    srv: threeSrv,
    places: ['TLS s.example.com 5061'],
  },
  {
    rule: '§4.1: a service that we do not know is discarded (SCTP, web sockets)',
    naptr: {
      'example.com': [
        naptr(1, 'SIP+D2S', '_sip._sctp.example.com'),
        naptr(2, 'SIPS+D2W', '_sips._ws.example.com'),
        naptr(3, 'SIP+D2U', '_sip._udp.example.com'),
      ],
    },
    srv: threeSrv,
    places: ['UDP u.example.com 5060'],
  },
  {
    rule: '§4.1: "a client resolving a SIPS URI MUST discard any services that do not contain SIPS"',
    uri: 'sips:bob@example.com',
    naptr: { 'example.com': [naptr(1, 'SIP+D2T', '_sip._tcp.example.com')] },
    srv: threeSrv,
    places: ['TLS s.example.com 5061'],
  },
  {
    rule: '§4.1: the replacement may be in another domain',
    naptr: { 'example.com': [naptr(1, 'sip+d2t', '_sip._tcp.school.edu')] },
    srv: { '_sip._tcp.school.edu': [srv('proxy.school.edu', 5070)] },
    places: ['TCP proxy.school.edu 5070'],
  },
  {
    rule: 'a NAPTR record of another use is none (flags u)',
    naptr: { 'example.com': [naptr(1, 'SIP+D2T', '', 'u')] },
    srv: { '_sip._udp.example.com': [srv('u.example.com', 5060)] },
    places: ['UDP u.example.com 5060'],
  },
  {
    rule: '§4.1: without NAPTR, SRV of the transports that we speak, the one with TLS first',
    srv: threeSrv,
    places: ['TLS s.example.com 5061'],
  },
  {
    rule: '§4.2: SRV records by priority (RFC 2782)',
    srv: { '_sip._tcp.example.com': [srv('b', 2, 20), srv('a', 1, 10)] },
    places: ['TCP a 1', 'TCP b 2'],
  },
  {
    rule: 'RFC 2782: "decidedly not available" for one leaves the others',
    srv: { '_sips._tcp.example.com': [srv('.', 0)], '_sip._udp.example.com': [srv('u', 1)] },
    places: ['UDP u 1'],
  },
  {
    rule: 'RFC 2782: not available, and nothing else: nowhere',
    srv: { '_sip._udp.example.com': [srv('.', 0)] },
    places: [],
  },
  {
    rule: '§4.1: without any record, UDP for a SIP URI at its default port',
    places: ['UDP example.com 5060'],
  },
  {
    rule: '§4.1: without any record, TLS for a SIPS URI',
    uri: 'sips:bob@example.com',
    places: ['TLS example.com 5061'],
  },
  { rule: 'a peer that no record names is not guessed at', with: { atAddresses: false }, places: [] },
  {
    rule: '§4.1: a transport that the URI names is used; §4.2: with its SRV records',
    uri: 'sip:bob@example.com;transport=tcp',
    naptr: threeServices,
    srv: threeSrv,
    places: ['TCP t1.example.com 5060', 'TCP t2.example.com 5062'],
  },
  {
    rule: '§4.2: a transport that the URI names, without SRV records: the addresses',
    uri: 'sip:bob@example.com;transport=udp',
    places: ['UDP example.com 5060'],
  },
  {
    rule: 'RFC 3261 §26.2.2: transport=tls',
    uri: 'sip:bob@example.com;transport=tls',
    srv: threeSrv,
    places: ['TLS s.example.com 5061'],
  },
  {
    rule: 'transport=tcp of a SIPS URI is TLS over it',
    uri: 'sips:bob@example.com;transport=tcp',
    srv: threeSrv,
    places: ['TLS s.example.com 5061'],
  },
  { rule: 'SIPS over UDP there is none', uri: 'sips:bob@example.com;transport=udp', places: [] },
  { rule: 'a transport that we do not speak', uri: 'sip:bob@example.com;transport=sctp', places: [] },
  {
    rule: '§4.2: with a port no SRV record is asked for; §4.1: UDP for a SIP URI',
    uri: 'sip:bob@example.com:5080',
    srv: threeSrv,
    places: ['UDP example.com 5080'],
  },
  {
    rule: '§4.1: with a port, TLS for a SIPS URI',
    uri: 'sips:bob@example.com:5081',
    places: ['TLS example.com 5081'],
  },
  { rule: '§4.2: a numeric target', uri: 'sip:bob@192.0.2.4', places: ['UDP 192.0.2.4 5060'] },
  {
    rule: '§4.2: a numeric target of IPv6 with a port',
    uri: 'sip:bob@[2001:db8::1]:5070;transport=tcp',
    places: ['TCP 2001:db8::1 5070'],
  },
  {
    rule: '§4: maddr is the target',
    uri: 'sip:bob@example.com;maddr=192.0.2.9',
    srv: threeSrv,
    places: ['UDP 192.0.2.9 5060'],
  },
  {
    rule: 'maddr may be a name, and is looked up as one',
    uri: 'sip:bob@other.example;maddr=example.com',
    srv: threeSrv,
    places: ['TLS s.example.com 5061'],
  },
  {
    rule: 'where TLS is a must, a SIP URI goes by TLS alone',
    naptr: { 'example.com': [naptr(1, 'SIP+D2U', '_sip._udp.example.com')] },
    srv: { '_sip._udp.example.com': [srv('u', 1)] },
    with: { secure: true },
    places: ['TLS example.com 5061'],
  },
  {
    rule: 'where TLS is a must, a URI that names another transport leads nowhere',
    uri: 'sip:bob@example.com;transport=udp',
    with: { secure: true },
    places: [],
  },
]

for (const {
  rule,
  uri = 'sip:bob@example.com',
  naptr: records = {},
  srv: srvs = {},
  with: more,
  places,
} of rows)
  test(`RFC 3263: ${rule}`, async () => {
    const parsed = parseSipUri(uri)
    assert(parsed !== undefined)
    const resolver = fixedResolver({ naptr: records, srv: srvs })
    const found = await placesOf(parsed, { resolver, secure: false, ...more })
    assert.deepEqual(
      found.map(({ transport, host, port }) => `${transport} ${host} ${port}`),
      places,
    )
  })

test('the servers that an operator names are taken as they are', () => {
  const written = (servers: string[], secure: boolean): string[] =>
    namedPlaces(servers, secure).map(({ transport, host, port }) => `${transport} ${host} ${port}`)
  assert.deepEqual(written(['a.example', '[::1]:5070'], true), ['TLS a.example 5061', 'TLS ::1 5070'])
  assert.deepEqual(written(['a.example:5'], false), ['TCP a.example 5', 'UDP a.example 5'])
  assert.deepEqual(hostAndPort('2001:db8::1'), { host: '2001:db8::1', port: undefined })
})
