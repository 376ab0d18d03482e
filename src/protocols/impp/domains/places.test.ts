// Where a domain's servers are (docs/specs/impp-1.0.md §12.1).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fixedResolver, PlaceFinder, type SrvRecord } from '#net'
import { domainNames } from './places.ts'

const domain = 'capulet.example'
const own = `_impp-server._tcp.${domain}`
const record = (priority: number, target: string, port: number): SrvRecord => ({
  priority,
  weight: 0,
  target,
  port,
})

interface Named {
  readonly srv?: Readonly<Record<string, readonly SrvRecord[]>>
  readonly servers?: readonly string[]
  readonly chosen?: boolean
}

const rows: readonly (readonly [string, Named, readonly string[]])[] = [
  ['nowhere, though it has an address', {}, []],
  ['SRV, by priority', { srv: { [own]: [record(20, 'b', 2), record(10, 'a', 1)] } }, ['a 1', 'b 2']],
  [
    'SRV that says no, though the operator wants it',
    { srv: { [own]: [record(0, '.', 0)] }, chosen: true },
    [],
  ],
  ['the label of RFC 3861', { srv: { [`_im._impp.${domain}`]: [record(0, 'a', 1)] } }, ['a 1']],
  ['its own addresses, where the operator wants it', { chosen: true }, ['capulet.example 7411']],
  [
    'the operator’s servers before SRV',
    { srv: { [own]: [record(0, 'a', 1)] }, servers: ['c', 'd:9'] },
    ['c 7411', 'd 9'],
  ],
]

test('the servers of a domain are those of the operator, of SRV, or the domain itself', async () => {
  for (const [what, { srv = {}, servers, chosen = false }, expected] of rows) {
    const finder = new PlaceFinder({
      resolver: fixedResolver({ srv, addresses: { [domain]: ['192.0.2.1'] } }),
      names: domainNames,
      serversOf: () => servers,
      isChosen: () => chosen,
    })
    const { all } = await finder.find(domain)
    assert.deepEqual(
      all.map(({ host, port }) => `${host} ${port}`),
      expected,
      what,
    )
  }
})
