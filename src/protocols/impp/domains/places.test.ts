// Where a domain's servers are (docs/specs/impp-1.0.md §12.1), over every place they may be named in.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DnsError, fixedResolver, type Resolver, type SrvRecord } from '#net'
import { placeOf, placesOf, reaches } from './places.ts'

const name = '_impp-server._tcp.capulet.example'
const record = (priority: number, target: string, port: number): SrvRecord => ({
  priority,
  weight: 0,
  target,
  port,
})

interface Named {
  readonly srv?: readonly SrvRecord[]
  readonly servers?: readonly string[]
  readonly chosen?: boolean
}

function parts({ srv = [], servers, chosen = false }: Named): Parameters<typeof placesOf>[1] {
  return {
    resolver: fixedResolver({ srv: { [name]: srv } }),
    routeTo: () => ({ servers, tls: 'verified' }),
    isChosen: () => chosen,
  }
}

const rows: readonly (readonly [string, Named, readonly string[]])[] = [
  ['nowhere', {}, []],
  ['SRV, by priority', { srv: [record(20, 'b', 2), record(10, 'a', 1)] }, ['a 1', 'b 2']],
  ['SRV that says no', { srv: [record(0, '.', 0)] }, []],
  ['SRV that says no, though the operator wants it', { srv: [record(0, '.', 0)], chosen: true }, []],
  ['its own addresses, where the operator wants it', { chosen: true }, ['capulet.example 7411']],
  ['SRV, also where the operator wants it', { srv: [record(0, 'a', 1)], chosen: true }, ['a 1']],
  [
    'the operator’s servers before SRV',
    { srv: [record(0, 'a', 1)], servers: ['c', 'd:9'] },
    ['c 7411', 'd 9'],
  ],
]

test('the servers of a domain are those of the operator, of SRV, or the domain itself', async () => {
  for (const [what, named, expected] of rows) {
    const found = await placesOf('capulet.example', parts(named))
    assert.deepEqual(
      found.map(({ host, port }) => `${host} ${port}`),
      expected,
      what,
    )
    assert.equal(await reaches('capulet.example', parts(named)), expected.length > 0, what)
  }
})

test('while DNS is silent nobody can say, but of whom the operator named', async () => {
  const resolver: Resolver = {
    srv: (question) => Promise.reject(new DnsError(question, 'ETIMEOUT')),
    addresses: () => Promise.resolve([]),
  }
  assert.equal(await reaches('capulet.example', { ...parts({}), resolver }), 'unanswered')
  assert.equal(await reaches('capulet.example', { ...parts({ servers: ['c'] }), resolver }), true)
})

test('a place is a host or an address, with a port or without', () => {
  const written: Record<string, readonly [string, number]> = {
    'a.example': ['a.example', 7411],
    'a.example:99': ['a.example', 99],
    '192.0.2.1:99': ['192.0.2.1', 99],
    '2001:db8::1': ['2001:db8::1', 7411],
    '[2001:db8::1]': ['2001:db8::1', 7411],
    '[2001:db8::1]:99': ['2001:db8::1', 99],
  }
  for (const [text, [host, port]] of Object.entries(written))
    assert.deepEqual(placeOf(text), { host, port }, text)
})
