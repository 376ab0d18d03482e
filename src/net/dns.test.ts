import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { test } from 'node:test'
import { VirtualClock } from '#base'
import { DnsError, fixedResolver, type SrvRecord, srvOrder, systemResolver } from './index.ts'

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

/** A name server that gives the answer section to the questions it is asked, or an RCODE. */
async function nameServer(
  answer: (name: string, type: number) => { rcode: number; records: Buffer[] },
  clock?: VirtualClock,
) {
  const socket = createSocket('udp4')
  socket.on('message', (query, from) => {
    let end = 12
    const labels: string[] = []
    while (query[end] !== 0) {
      labels.push(query.toString('latin1', end + 1, end + 1 + (query[end] as number)))
      end += 1 + (query[end] as number)
    }
    const question = query.subarray(12, end + 5)
    const { rcode, records } = answer(labels.join('.').toLowerCase(), query.readUInt16BE(end + 1))
    const head = Buffer.alloc(12)
    query.copy(head, 0, 0, 2)
    head.writeUInt16BE(0x8180 | rcode, 2)
    head.writeUInt16BE(1, 4)
    head.writeUInt16BE(records.length, 6)
    socket.send(Buffer.concat([head, question, ...records]), from.port, from.address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return {
    socket,
    resolver: systemResolver({
      servers: [`127.0.0.1:${socket.address().port}`],
      secondsMax: 2,
      ...(clock && { clock }),
    }),
  }
}

const resource = (type: number, data: Buffer) => {
  const head = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, 0, data.length])
  return Buffer.concat([head, data])
}

test('the system resolver reads SRV, A and AAAA; nothing there is empty, a broken server is an error', async () => {
  const srv = Buffer.from([0, 5, 0, 0, 0x14, 0x66, 1, 0x78, 7, ...Buffer.from('example'), 0])
  const { socket, resolver } = await nameServer((name, type) => {
    if (name === '_x._tcp.example.com') return { rcode: 0, records: [resource(33, srv)] }
    if (name === 'x.example' && type === 1)
      return { rcode: 0, records: [resource(1, Buffer.from([192, 0, 2, 7]))] }
    if (name === 'x.example' && type === 28) {
      return { rcode: 0, records: [resource(28, Buffer.from('20010db8000000000000000000000001', 'hex'))] }
    }
    return { rcode: name === 'broken.example' ? 2 : 3, records: [] }
  })
  assert.deepEqual(await resolver.srv('_x._tcp.example.com'), [
    { priority: 5, weight: 0, target: 'x.example', port: 5222 },
  ])
  assert.deepEqual(await resolver.addresses('x.example'), ['2001:db8::1', '192.0.2.7'])
  assert.deepEqual(await resolver.srv('_x._tcp.none.example'), [])
  assert.deepEqual(await resolver.addresses('none.example'), [])
  await assert.rejects(resolver.srv('broken.example'), (error: Error) => {
    assert.ok(error instanceof DnsError)
    assert.equal(error.code, 'ESERVFAIL')
    return true
  })
  socket.close()
})

const naptr = (order: number, preference: number, service: string, replacement: string): Buffer =>
  Buffer.concat([
    Buffer.from([0, order, 0, preference, 1, 0x53]),
    Buffer.from([service.length, ...Buffer.from(service), 0]),
    ...replacement.split('.').map((label) => Buffer.from([label.length, ...Buffer.from(label)])),
    Buffer.of(0),
  ])

test('NAPTR records come by order and preference, their flags in lower case (RFC 3403 §4.1)', async () => {
  const { socket, resolver } = await nameServer((_name, type) => ({
    rcode: 0,
    records:
      type !== 35
        ? []
        : [
            naptr(90, 50, 'SIP+D2T', '_sip._tcp.example.com'),
            naptr(50, 60, 'SIP+D2U', '_sip._udp.example.com'),
            naptr(50, 50, 'SIPS+D2T', '_sips._tcp.example.com'),
          ].map((data) => resource(35, data)),
  }))
  assert.deepEqual(
    (await resolver.naptr('example.com')).map(({ flags, service, replacement }) => [
      flags,
      service,
      replacement,
    ]),
    [
      ['s', 'SIPS+D2T', '_sips._tcp.example.com'],
      ['s', 'SIP+D2U', '_sip._udp.example.com'],
      ['s', 'SIP+D2T', '_sip._tcp.example.com'],
    ],
  )
  assert.deepEqual(await resolver.srv('example.com'), [])
  socket.close()
})

test('an answer is remembered for as long as it says, an empty one shortly, a failure not at all (RFC 2308)', async () => {
  const clock = new VirtualClock()
  const asked: string[] = []
  let isBroken = false
  const { socket, resolver } = await nameServer((name, type) => {
    asked.push(`${name} ${type}`)
    if (isBroken) return { rcode: 2, records: [] }
    const isThere = name === 'x.example' && type === 1
    return { rcode: 0, records: isThere ? [resource(1, Buffer.from([192, 0, 2, 7]))] : [] }
  }, clock)
  const look = async (): Promise<number> => {
    asked.length = 0
    await Promise.all([resolver.addresses('x.example'), resolver.addresses('x.example')])
    return asked.length
  }
  assert.equal(await look(), 2, 'A and AAAA, each once')
  assert.equal(await look(), 0)
  clock.advance(11_000)
  assert.equal(await look(), 1, 'that there is no AAAA is asked again')
  clock.advance(50_000)
  assert.equal(await look(), 2)
  clock.advance(61_000)
  isBroken = true
  await assert.rejects(resolver.addresses('x.example'), DnsError)
  isBroken = false
  assert.deepEqual(await resolver.addresses('x.example'), ['192.0.2.7'])
  socket.close()
})

test('the system’s own names are known without a name server', async () => {
  const addresses = await systemResolver().addresses('localhost')
  assert.ok(addresses.includes('127.0.0.1') || addresses.includes('::1'))
})
