// Connections to other domains' servers: proven before they are used, shared, and used backwards where both sides agreed (RFC 5922 §7.3, RFC 5923).

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '#base'
import type { PeerRoute } from '#core'
import { type Connection, type ConnectTcpOptions, connectionPair, type TlsInfo } from '#net'
import { Metrics } from '#observe'
import { parseVia, type Via } from '../codec/via.ts'
import { StreamFlow } from '../stream-flow.ts'
import type { DomainsEnvironment } from './environment.ts'
import { Ways } from './ways.ts'

function tls(names: string, error?: string): Partial<TlsInfo> {
  const certificate = { subjectAltName: names, validTo: 'Jan  2 00:00:00 2027 GMT' }
  return {
    authorized: error === undefined,
    authorizationError: error,
    peerCertificate: () => certificate as never,
  }
}

/** Ways whose far ends show what `shown` says by address; and what was dialled. */
function made(shown: Readonly<Record<string, Partial<TlsInfo>>>, policy: PeerRoute['tls'] = 'verified') {
  const clock = new VirtualClock()
  const asked = { policy }
  const dialled: string[] = []
  const opened: Connection[] = []
  const environment = {
    service: { clock, metrics: new Metrics() },
    tls: { secureContext: () => ({}) },
    routeTo: () => ({ servers: undefined, tls: asked.policy }),
    transport: {
      connected: (connection: Connection, transport: 'TCP' | 'TLS') =>
        new StreamFlow(connection, transport, '192.0.2.1:5061', 0),
    },
    connect: ({ host, port, tls: options }: ConnectTcpOptions) => {
      dialled.push(`${host}:${port} ${options?.servername ?? ''}`)
      const [ours] = connectionPair({ clock, secure: true, ...(shown[host] && { tls: shown[host] }) })
      opened.push(ours)
      return Promise.resolve(ours)
    },
  } as unknown as DomainsEnvironment
  return { ways: new Ways(environment), dialled, opened, clock, asked }
}

const hop = (address: string, port = 5061) => ({ transport: 'TLS', address, port }) as const
const wish = (ours = 'montague.example', theirs = 'capulet.example') => ({ ours, theirs, names: [theirs] })
const via = (text: string): Via => parseVia(text, 0, text.length) ?? assert.fail('no Via')

test('a connection is proven for the domain that was asked for, and the name asked for is the domain’s (RFC 5922 §7.3, §7.8)', async () => {
  const { ways, dialled } = made({ '192.0.2.2': tls('DNS:capulet.example') })
  const flow = await ways.flowTo(hop('192.0.2.2'), wish())
  assert.equal(flow.isOutward, true)
  assert.deepEqual(dialled, ['192.0.2.2:5061 capulet.example'])
})

const refusals: readonly [what: string, shown: Partial<TlsInfo>, why: RegExp][] = [
  ['of another domain', tls('DNS:mantua.example'), /is for DNS:mantua\.example, not for capulet\.example/],
  ['of the host that DNS named', tls('DNS:sip.capulet.example'), /not for capulet\.example/],
  ['that has expired', tls('DNS:capulet.example', 'CERT_HAS_EXPIRED'), /it has expired/],
]

for (const [what, shown, why] of refusals)
  test(`a server with a certificate ${what} is sent nothing, and it is told why`, async () => {
    const { ways, opened } = made({ '192.0.2.2': shown })
    await assert.rejects(ways.flowTo(hop('192.0.2.2'), wish()), why)
    assert.equal(opened[0]?.closing, true)
  })

test('who goes the same way shares a connection; another domain of ours, or of theirs, has its own', async () => {
  const { ways, dialled } = made({ '192.0.2.2': tls('DNS:capulet.example, DNS:mantua.example') })
  const flows = await Promise.all([1, 2].map(() => ways.flowTo(hop('192.0.2.2'), wish())))
  assert.equal(flows[0], flows[1])
  assert.equal(dialled.length, 1)
  await ways.flowTo(hop('192.0.2.2'), wish('verona.example'))
  await ways.flowTo(hop('192.0.2.2'), wish('montague.example', 'mantua.example'))
  assert.equal(dialled.length, 3)
})

/** A connection that they opened, from where they showed a certificate of Capulet's. */
function inbound(clock: VirtualClock): StreamFlow {
  const remote = { address: '192.0.2.2', port: 40_000 }
  const [ours] = connectionPair({ clock, secure: true, remote, tls: tls('DNS:capulet.example') })
  return new StreamFlow(ours, 'TLS', '192.0.2.1:5061', 0)
}

test('their connection is used backwards where their Via says alias, to where they listen (RFC 5923 §5, §8)', async () => {
  const { ways, dialled, clock } = made({ '192.0.2.2': tls('DNS:capulet.example') })
  const theirs = inbound(clock)
  ways.heard(theirs, via('SIP/2.0/TLS sip.capulet.example;branch=z9hG4bK1;alias'))
  assert.equal(await ways.flowTo(hop('192.0.2.2'), wish()), theirs)
  assert.deepEqual(dialled, [])
  // Another port is another server; and once it is over, it is forgotten.
  assert.notEqual(await ways.flowTo(hop('192.0.2.2', 5081), wish()), theirs)
  ways.flowEnded(theirs)
  assert.notEqual(await ways.flowTo(hop('192.0.2.2'), wish()), theirs)
})

test('it is not where they did not ask for it, nor for a domain that they have not proven (RFC 5923 §8)', async () => {
  const { ways, dialled, clock } = made({ '192.0.2.2': tls('DNS:capulet.example, DNS:mantua.example') })
  const theirs = inbound(clock)
  ways.heard(theirs, via('SIP/2.0/TLS sip.capulet.example;branch=z9hG4bK1'))
  assert.notEqual(await ways.flowTo(hop('192.0.2.2'), wish()), theirs)
  ways.heard(theirs, via('SIP/2.0/TLS sip.capulet.example;branch=z9hG4bK1;alias'))
  assert.notEqual(await ways.flowTo(hop('192.0.2.2'), wish('montague.example', 'mantua.example')), theirs)
  assert.equal(dialled.length, 2)
})

test('where nothing is asked of the other side, it need prove nothing (tls = "none")', async () => {
  const { ways } = made({ '192.0.2.2': tls('DNS:mantua.example') }, 'none')
  assert.equal((await ways.flowTo(hop('192.0.2.2'), wish())).open, true)
})

test('what is asked of the other side from now on holds for what is open, too', async () => {
  const { ways, dialled, asked } = made({ '192.0.2.2': tls('DNS:mantua.example') }, 'none')
  await ways.flowTo(hop('192.0.2.2'), wish())
  asked.policy = 'verified'
  await assert.rejects(ways.flowTo(hop('192.0.2.2'), wish()), /not for capulet\.example/)
  assert.equal(dialled.length, 2)
})

test('a connection by which something was forbidden is left a minute later for another, which shows the certificate that we have then', async () => {
  const { ways, dialled, clock } = made({ '192.0.2.2': tls('DNS:capulet.example') })
  const first = await ways.flowTo(hop('192.0.2.2'), wish())
  ways.forbidden(first)
  assert.equal(await ways.flowTo(hop('192.0.2.2'), wish()), first)
  clock.advance(61_000)
  assert.notEqual(await ways.flowTo(hop('192.0.2.2'), wish()), first)
  assert.equal(dialled.length, 2)
  assert.ok(first.open)
})
