// Where other domains' servers are (RFC 6120 §3.2, XEP-0368 §3).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DnsError, fixedResolver, type Resolver, type SrvRecord } from '#net'
import { placeOf, placesOf, reaches } from './places.ts'

const domain = 'capulet.example'
const srv = (target: string, priority: number, port: number): SrvRecord => ({
  target,
  priority,
  port,
  weight: 0,
})

function partsOf(
  records: Parameters<typeof fixedResolver>[0],
  servers?: readonly string[],
  isChosen = false,
): Parameters<typeof placesOf>[1] {
  return {
    resolver: fixedResolver(records),
    routeTo: () => ({ servers, tls: 'verified' }),
    isChosen: () => isChosen,
  }
}

const plain = '_xmpp-server._tcp.capulet.example'
const direct = '_xmpps-server._tcp.capulet.example'

/** [what, records, servers of the configuration, chosen, places] */
const rows: [string, Parameters<typeof fixedResolver>[0], string[] | undefined, boolean, string[]][] = [
  [
    'both kinds are mixed by priority (XEP-0368 §3)',
    {
      srv: {
        [plain]: [srv('b', 2, 5269), srv('d', 9, 5269)],
        [direct]: [srv('a', 1, 443), srv('c', 3, 443)],
      },
    },
    undefined,
    false,
    ['a:443 TLS', 'b:5269', 'c:443 TLS', 'd:5269'],
  ],
  [
    'without records its own addresses (RFC 6120 §3.2.2)',
    { addresses: { [domain]: ['192.0.2.1'] } },
    undefined,
    false,
    ['capulet.example:5269'],
  ],
  [
    '"." says that there is none (RFC 2782)',
    { srv: { [plain]: [srv('.', 0, 0)] }, addresses: { [domain]: ['192.0.2.1'] } },
    undefined,
    false,
    [],
  ],
  [
    '"." for one kind leaves the other',
    { srv: { [plain]: [srv('.', 0, 0)], [direct]: [srv('a', 1, 443)] } },
    undefined,
    false,
    ['a:443 TLS'],
  ],
  ['nothing at all', {}, undefined, false, []],
  ['the operator says that it speaks XMPP', {}, undefined, true, ['capulet.example:5269']],
  [
    'the operator says where, and DNS is not asked',
    { srv: { [plain]: [srv('a', 0, 1)] } },
    ['10.0.0.1', '[::1]:5270', 'far.example:5271'],
    false,
    ['10.0.0.1:5269', '::1:5270', 'far.example:5271'],
  ],
]
for (const [what, records, servers, isChosen, expected] of rows) {
  test(what, async () => {
    const places = await placesOf(domain, partsOf(records, servers, isChosen))
    assert.deepEqual(
      places.map(({ host, port, direct: isDirect }) => `${host}:${port}${isDirect ? ' TLS' : ''}`),
      expected,
    )
  })
}

test('DNS that is silent says neither that it is reached nor that it is not', async () => {
  const silent: Resolver = {
    srv: (name) => Promise.reject(new DnsError(name, 'ETIMEOUT')),
    addresses: (host) => Promise.reject(new DnsError(host, 'ETIMEOUT')),
  }
  const parts = { ...partsOf({}), resolver: silent }
  assert.equal(await reaches(domain, parts), 'unanswered')
  assert.equal(await reaches(domain, partsOf({})), false)
})

test('an address without brackets is a host', () => {
  assert.deepEqual(placeOf('192.0.2.1'), { host: '192.0.2.1', port: 5269, direct: false })
})
