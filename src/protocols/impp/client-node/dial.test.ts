import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fixedResolver } from '#net'
import { ConnectionLost } from '#protocols/impp/client'
import { nodeDial, placesOfDomain } from './dial.ts'

const srv = (priority: number, target: string, port: number) => ({ priority, weight: 0, target, port })

test('a domain’s server is where its SRV records say, in their order (RFC 2782, IMPP §4)', async () => {
  const records = [srv(20, 'b.example', 7411), srv(10, 'a.example', 7410)]
  const resolver = fixedResolver({ srv: { '_impp._tcp.example.com': records } })
  assert.deepEqual(await placesOfDomain('example.com', resolver), [
    { host: 'a.example', port: 7410 },
    { host: 'b.example', port: 7411 },
  ])
})

test('without records it is at the domain itself, and with the target "." nowhere', async () => {
  assert.deepEqual(await placesOfDomain('example.com', fixedResolver({})), [
    { host: 'example.com', port: 7410 },
  ])
  const resolver = fixedResolver({ srv: { '_impp._tcp.example.com': [srv(0, '.', 0)] } })
  await assert.rejects(placesOfDomain('example.com', resolver), ConnectionLost)
})

test('localhost is asked of no name server (RFC 6761 §6.3)', async () => {
  const resolver = {
    srv: () => assert.fail('asked'),
    naptr: () => assert.fail('asked'),
    addresses: () => assert.fail('asked'),
  }
  assert.deepEqual(await placesOfDomain('localhost', resolver), [{ host: 'localhost', port: 7410 }])
})

test('every place is tried, and why none answers is told', async () => {
  const records = [srv(1, '127.0.0.1', 1), srv(2, '127.0.0.1', 2)]
  const resolver = fixedResolver({ srv: { '_impp._tcp.example.com': records } })
  const { signal } = new AbortController()
  await assert.rejects(
    nodeDial({ resolver })({ domain: 'example.com', location: undefined, signal }),
    /nobody answers at 127\.0\.0\.1:1; .*nobody answers at 127\.0\.0\.1:2; /,
  )
  await assert.rejects(
    nodeDial({ server: '127.0.0.1:3' })({ domain: 'example.com', location: undefined, signal }),
    /nobody answers at 127\.0\.0\.1:3/,
  )
  await assert.rejects(
    nodeDial({ server: '127.0.0.1:3' })({ domain: 'example.com', location: '[::1]:4', signal }),
    /\[::1\]:4/,
  )
})

for (const server of ['a b', 'host:0', 'host:99999', '']) {
  test(`${JSON.stringify(server)} is no server`, () => {
    assert.throws(() => nodeDial({ server }), TypeError)
  })
}
