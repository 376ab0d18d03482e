import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { test } from 'node:test'
import { VirtualClock } from '#base'
import { Metrics, openMetricsText, SparingLog, silentLog } from '#observe'
import { type Endpoint, ListenError, type ListenUdpOptions, listenUdp, netMetrics } from './index.ts'

const listen = (more: Partial<ListenUdpOptions> = {}) =>
  listenUdp({ name: 'sip udp', host: '127.0.0.1', port: 0, onDatagram: () => {}, ...more })

test('datagrams go both ways, with the address they came from', async () => {
  const got = Promise.withResolvers<[string, Endpoint]>()
  const one = await listen({
    onDatagram: (bytes, source) => got.resolve([Buffer.from(bytes).toString(), source]),
  })
  const two = await listen()
  assert.equal(two.send(Buffer.from('OPTIONS'), one.port, '127.0.0.1'), true)
  assert.deepEqual(await got.promise, ['OPTIONS', { address: '127.0.0.1', port: two.port }])
  assert.deepEqual(one.local, { address: '127.0.0.1', port: one.port })
  await Promise.all([one.close(), two.close()])
})

test('what no datagram holds is said to be dropped at once (RFC 768)', async () => {
  const one = await listen()
  assert.equal(one.send(Buffer.alloc(65_507), one.port, '127.0.0.1'), true)
  assert.equal(one.send(Buffer.alloc(65_508), one.port, '127.0.0.1'), false)
  await one.close()
})

test('bound to every address, IPv4 comes and goes as plain IPv4', async () => {
  const got = Promise.withResolvers<Endpoint>()
  const all = await listen({ host: undefined, onDatagram: (_bytes, source) => got.resolve(source) })
  const client = createSocket('udp4')
  client.bind(0, '127.0.0.1')
  await once(client, 'listening')
  client.send('x', all.port, '127.0.0.1')
  const source = await got.promise
  assert.equal(source.address, '127.0.0.1')
  all.send(Buffer.from('back'), source.port, source.address)
  const [message] = (await once(client, 'message')) as [Buffer]
  assert.equal(message.toString(), 'back')
  client.close()
  await all.close()
})

test('a source past its rate is not heard, the others are', async () => {
  const metrics = new Metrics()
  const heard: string[] = []
  const told: string[][] = []
  const done = Promise.withResolvers<void>()
  const strangers = new SparingLog(silentLog, new VirtualClock())
  strangers.count = (what, address) => void told.push([what, address])
  const listener = await listen({
    clock: new VirtualClock(),
    metrics: netMetrics(metrics),
    strangers,
    limits: { datagramsPerSourcePerSecondMax: 2 },
    onDatagram: (bytes, source) => {
      heard.push(source.address)
      if (bytes[0] === 0x65) done.resolve()
    },
  })
  const [noisy, quiet] = [createSocket('udp4'), createSocket('udp4')]
  noisy.bind(0, '127.0.0.1')
  quiet.bind(0, '127.0.0.2')
  await Promise.all([once(noisy, 'listening'), once(quiet, 'listening')])
  for (let i = 0; i < 30; i++) {
    await new Promise<void>((sent) => noisy.send('x', listener.port, '127.0.0.1', () => sent()))
  }
  quiet.send('e', listener.port, '127.0.0.1')
  await done.promise
  assert.deepEqual(
    [heard.filter((address) => address === '127.0.0.1').length, heard.at(-1)],
    [10, '127.0.0.2'],
  )
  assert.match(openMetricsText(metrics), /dropped_total{listener="sip udp",reason="source-rate"} 20\n/)
  assert.deepEqual(told.length, 20)
  assert.deepEqual(told[0], ['one source sends more datagrams than it may', '127.0.0.1'])
  noisy.close()
  quiet.close()
  await listener.close()
})

test('a datagram that cannot be sent is told, with its destination', async () => {
  const fault = Promise.withResolvers<[Error, Endpoint | undefined]>()
  const listener = await listen({ onFault: (error, to) => fault.resolve([error, to]) })
  // Nobody may broadcast who has not asked the system for it.
  listener.send(Buffer.from('x'), 9, '255.255.255.255')
  const [error, to] = await fault.promise
  assert.match(error.message, /EACCES|ENETUNREACH|EINVAL/)
  assert.deepEqual(to, { address: '255.255.255.255', port: 9 })
  await listener.close()
})

test('a handler that throws does not stop the listener', async () => {
  const faults: string[] = []
  const second = Promise.withResolvers<void>()
  let count = 0
  const listener = await listen({
    onDatagram: () => {
      if (++count === 1) throw new Error('a fault of ours')
      second.resolve()
    },
    onFault: (error) => faults.push(error.message),
  })
  const client = await listen()
  client.send(Buffer.from('1'), listener.port, '127.0.0.1')
  client.send(Buffer.from('2'), listener.port, '127.0.0.1')
  await second.promise
  assert.deepEqual(faults, ['a fault of ours'])
  await Promise.all([listener.close(), client.close()])
})

test('a taken port and an unknown host are refused with the listener and what to do', async () => {
  const first = await listen()
  await assert.rejects(listen({ port: first.port }), (error: Error) => {
    assert.ok(error instanceof ListenError)
    assert.match(error.message, /^sip udp cannot listen on 127\.0\.0\.1:\d+: another program/)
    return true
  })
  await assert.rejects(listen({ host: 'no such host' }), /sip udp cannot listen on no such host:0/)
  await first.close()
})
