import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fixedResolver, type SrvRecord, srvOrder, systemResolver } from './index.ts'

const record = (target: string, priority: number, weight: number): SrvRecord => ({
  target,
  priority,
  weight,
  port: 1,
})

test('SRV records are tried by priority, and within one in proportion to their weights (RFC 2782)', () => {
  const records = [
    record('backup', 20, 0),
    record('small', 10, 1),
    record('big', 10, 3),
    record('never', 10, 0),
  ]
  const first = new Map<string, number>()
  for (let drawn = 0; drawn <= 4; drawn++) {
    const draws = [drawn]
    const order = srvOrder(records, (bound) => Math.min(draws.shift() ?? 0, bound - 1)) as SrvRecord[]
    assert.equal(order.length, 4)
    assert.equal(order[3]?.target, 'backup')
    const target = order[0]?.target as string
    first.set(target, (first.get(target) ?? 0) + 1)
  }
  assert.deepEqual(Object.fromEntries(first), { never: 1, small: 1, big: 3 })
})

test('a single target of "." says that the service is not there (RFC 2782)', () => {
  assert.equal(srvOrder([record('.', 0, 0)]), 'unavailable')
  assert.equal(srvOrder([record('', 0, 0)]), 'unavailable')
  assert.deepEqual(srvOrder([]), [])
})

test('a fixed resolver knows what it was given; an address is its own answer', async () => {
  const resolver = fixedResolver({
    srv: { '_sip._udp.example.com': [record('sip.example.com', 0, 0)] },
    addresses: { 'sip.example.com': ['192.0.2.1'] },
  })
  assert.deepEqual(await resolver.srv('_sip._udp.example.com'), [record('sip.example.com', 0, 0)])
  assert.deepEqual(await resolver.srv('_sip._udp.example.org'), [])
  assert.deepEqual(await resolver.addresses('sip.example.com'), ['192.0.2.1'])
  assert.deepEqual(await resolver.addresses('2001:db8::1'), ['2001:db8::1'])
  assert.deepEqual(await resolver.addresses('example.org'), [])
})

test('the system’s own names are known without a name server', async () => {
  const addresses = await systemResolver().addresses('localhost')
  assert.ok(addresses.includes('127.0.0.1') || addresses.includes('::1'))
})
