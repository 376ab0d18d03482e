import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { VirtualClock } from '#base'
import { Metrics, openMetricsText } from '#observe'
import {
  type CloseReason,
  type Connection,
  type ConnectionLimits,
  connectTcp,
  listenTcp,
  netMetrics,
  type TcpListener,
} from './index.ts'

interface Seen {
  connection: Connection
  text: string
  ends: number
  drains: number
  closed: Promise<CloseReason>
}

/** Starts a connection whose handler notes what happens. */
function watch(connection: Connection, onData?: (text: string) => void, withEnd = false): Seen {
  const { promise, resolve } = Promise.withResolvers<CloseReason>()
  const seen: Seen = { connection, text: '', ends: 0, drains: 0, closed: promise }
  connection.start({
    onData: (bytes) => {
      const text = Buffer.from(bytes).toString()
      seen.text += text
      onData?.(text)
    },
    ...(withEnd && { onEnd: () => void seen.ends++ }),
    onDrain: () => void seen.drains++,
    onClose: resolve,
  })
  return seen
}

async function pairOverTcp(
  limits: Partial<ConnectionLimits> = {},
  more: { clock?: VirtualClock; metrics?: Metrics } = {},
): Promise<{ listener: TcpListener; ours: Connection; client: Socket }> {
  const { promise, resolve } = Promise.withResolvers<Connection>()
  const listener = await listenTcp({
    name: 'test',
    host: '127.0.0.1',
    port: 0,
    onConnection: resolve,
    connectionLimits: limits,
    ...(more.clock && { clock: more.clock }),
    ...(more.metrics && { metrics: netMetrics(more.metrics) }),
  })
  const client = connect({ port: listener.port, host: '127.0.0.1', allowHalfOpen: true })
  await once(client, 'connect')
  return { listener, ours: await promise, client }
}

test('octets go both ways, counted, and the far end has an address', async () => {
  const { listener, ours, client } = await pairOverTcp()
  const seen = watch(ours, () => ours.writeUtf8('pöng'))
  client.write('ping')
  const [answer] = (await once(client, 'data')) as [Buffer]
  assert.equal(answer.toString(), 'pöng')
  assert.equal(seen.text, 'ping')
  assert.deepEqual([ours.bytesReceived, ours.bytesSent, ours.queuedBytes], [4, 5, 0])
  assert.deepEqual(ours.remote, { address: '127.0.0.1', port: client.localPort })
  assert.equal(ours.local.port, listener.port)
  ours.close()
  client.end()
  assert.equal((await seen.closed).why, 'us')
  await listener.close()
})

test('the writes of one tick leave in one write, in order', async () => {
  const { listener, ours, client } = await pairOverTcp()
  const seen = watch(ours)
  for (let i = 0; i < 100; i++) ours.writeAscii(`${i},`)
  ours.write(new Uint8Array([0x2e]))
  assert.equal(ours.queuedBytes, 291)
  const [chunk] = (await once(client, 'data')) as [Buffer]
  assert.equal(chunk.length, 291)
  assert.ok(chunk.toString().startsWith('0,1,2,') && chunk.toString().endsWith(',99,.'))
  client.destroy()
  assert.ok(['peer', 'reset'].includes((await seen.closed).why))
  await listener.close()
})

test('large and small writes keep their order, and what is written is a copy', async () => {
  const { listener, ours, client } = await pairOverTcp()
  watch(ours)
  const parts: Buffer[] = []
  for (let i = 0; i < 60; i++) {
    const part = Buffer.alloc(i % 3 === 0 ? 40_000 : i % 3 === 1 ? 5 : 20_000, i)
    parts.push(Buffer.from(part))
    ours.write(part)
    part.fill(0xff)
  }
  const wanted = Buffer.concat(parts)
  ours.close()
  const got: Buffer[] = []
  client.on('data', (chunk) => got.push(chunk))
  await once(client, 'end')
  assert.ok(Buffer.concat(got).equals(wanted))
  client.end()
  await listener.close()
})

test('a far end that ends is answered with an end, after what is queued', async () => {
  const { listener, ours, client } = await pairOverTcp()
  const seen = watch(ours, () => ours.writeAscii('last'))
  client.end('first')
  let text = ''
  client.on('data', (chunk) => {
    text += chunk
  })
  await once(client, 'end')
  assert.equal(text, 'last')
  assert.equal((await seen.closed).why, 'peer')
  await listener.close()
})

test('a handler with onEnd decides itself when to close after the far end has ended', async () => {
  const { listener, ours, client } = await pairOverTcp()
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  const { promise: closed, resolve: over } = Promise.withResolvers<CloseReason>()
  ours.start({ onData: () => {}, onEnd: resolve, onClose: over })
  client.end()
  await ended
  ours.writeAscii('still here')
  const [chunk] = (await once(client, 'data')) as [Buffer]
  assert.equal(chunk.toString(), 'still here')
  ours.close()
  assert.equal((await closed).why, 'peer')
  await listener.close()
})

test('a reset is told as one', async () => {
  const { listener, ours, client } = await pairOverTcp()
  const seen = watch(ours)
  client.resetAndDestroy()
  const reason = await seen.closed
  assert.equal(reason.why, 'reset')
  assert.match(reason.detail ?? '', /ECONNRESET/)
  await listener.close()
})

test('a slow reader is told to its writer first, and loses its connection past the limit', async () => {
  const metrics = new Metrics()
  const { listener, ours, client } = await pairOverTcp(
    { queueBytesHigh: 100_000, queueBytesMax: 1_000_000 },
    { metrics },
  )
  const seen = watch(ours)
  client.pause()
  const chunk = Buffer.alloc(50_000, 97)
  let refused = 0
  let over: CloseReason | undefined
  void seen.closed.then((reason) => {
    over = reason
  })
  for (let i = 0; i < 2000 && over === undefined; i++) {
    if (!ours.write(chunk)) refused++
    await new Promise(setImmediate)
  }
  assert.equal((await seen.closed).why, 'slow-reader')
  assert.ok(refused > 5)
  assert.match(openMetricsText(metrics), /\nverona_slow_readers_total 1\n/)
  client.destroy()
  await listener.close()
})

test('a burst larger than the limit is no slow reader when the kernel takes it', async () => {
  const { listener, ours, client } = await pairOverTcp({ queueBytesMax: 100_000 })
  const seen = watch(ours)
  const stanza = Buffer.alloc(300, 98)
  for (let i = 0; i < 2000; i++) ours.write(stanza)
  let length = 0
  client.on('data', (chunk) => {
    length += chunk.length
    if (length === 600_000) client.end()
  })
  assert.equal((await seen.closed).why, 'peer')
  assert.equal(length, 600_000)
  await listener.close()
})

test('onDrain comes once the queue of a reader that wakes up is written', async () => {
  const { listener, ours, client } = await pairOverTcp({ queueBytesHigh: 100_000, queueBytesMax: 50_000_000 })
  const { promise: drained, resolve } = Promise.withResolvers<void>()
  ours.start({ onData: () => {}, onDrain: resolve, onClose: () => {} })
  client.pause()
  let written = 0
  const chunk = Buffer.alloc(70_000, 99)
  while (ours.write(chunk)) {
    written += chunk.length
    await new Promise(setImmediate)
  }
  written += chunk.length
  let got = 0
  client.on('data', (bytes) => {
    got += bytes.length
  })
  client.resume()
  await drained
  assert.equal(ours.queuedBytes, 0)
  ours.close()
  await once(client, 'end')
  assert.equal(got, written)
  client.end()
  await listener.close()
})

test('pause holds the far end’s octets back, resume hands them over', async () => {
  const { listener, ours, client } = await pairOverTcp()
  const { promise: came, resolve } = Promise.withResolvers<string>()
  const seen = watch(ours, resolve)
  ours.pause()
  client.write('waiting')
  ours.writeAscii('answer')
  await once(client, 'data')
  assert.equal(seen.text, '')
  ours.resume()
  assert.equal(await came, 'waiting')
  client.destroy()
  await seen.closed
  await listener.close()
})

test('an error thrown by a handler cuts its own connection, and is told', async () => {
  const faults: unknown[] = []
  const { promise, resolve } = Promise.withResolvers<Connection>()
  const listener = await listenTcp({
    name: 'test',
    host: '127.0.0.1',
    port: 0,
    onConnection: resolve,
    onFault: (error) => faults.push(error),
  })
  const client = connect({ port: listener.port, host: '127.0.0.1' })
  const ours = await promise
  const seen = watch(ours, () => {
    throw new Error('a fault of ours')
  })
  client.on('error', () => {})
  client.write('x')
  assert.deepEqual(await seen.closed, { why: 'fault', detail: 'a fault of ours' })
  assert.equal((faults[0] as Error).message, 'a fault of ours')
  await listener.close()
})

test('a far end that does not close its side is cut after the linger limit', async () => {
  const clock = new VirtualClock()
  const { listener, ours, client } = await pairOverTcp({ lingerSecondsMax: 5 }, { clock })
  const seen = watch(ours)
  client.resume()
  ours.close()
  await once(client, 'end')
  clock.advance(4999)
  assert.equal(clock.pending, 1)
  clock.advance(1)
  assert.equal((await seen.closed).why, 'us')
  client.destroy()
  await listener.close()
})

test('lastReceived follows the clock at each octet', async () => {
  const clock = new VirtualClock()
  const { listener, ours, client } = await pairOverTcp({}, { clock })
  const { promise, resolve } = Promise.withResolvers<string>()
  watch(ours, resolve)
  const start = ours.lastReceived
  clock.advance(60_000)
  client.write(' ')
  await promise
  assert.equal(ours.lastReceived - start, 60_000)
  client.destroy()
  await listener.close()
})

test('connectTcp gives an open connection, or says why there is none', async () => {
  const { promise, resolve } = Promise.withResolvers<Connection>()
  const listener = await listenTcp({ name: 'test', host: '127.0.0.1', port: 0, onConnection: resolve })
  const theirs = await connectTcp({ host: '127.0.0.1', port: listener.port })
  const { promise: came, resolve: got } = Promise.withResolvers<string>()
  watch(theirs, got)
  const ours = watch(await promise)
  ours.connection.writeAscii('hello')
  assert.equal(await came, 'hello')
  theirs.close()
  await ours.closed
  await listener.close()
  await assert.rejects(connectTcp({ host: '127.0.0.1', port: listener.port }), /ECONNREFUSED/)
})

test('a connection that was over before it was started tells so, once', async () => {
  const { listener, ours, client } = await pairOverTcp()
  ours.destroy({ why: 'limit', detail: 'too many' })
  client.resume()
  await once(client, 'end')
  client.end()
  while (listener.connections > 0) await new Promise(setImmediate)
  assert.deepEqual(await watch(ours).closed, { why: 'limit', detail: 'too many' })
  assert.equal(ours.writeAscii('dropped'), true)
  assert.equal(ours.queuedBytes, 0)
  await listener.close()
})

test('a connection handed to another handler goes on there', async () => {
  const { listener, ours, client } = await pairOverTcp()
  const second = Promise.withResolvers<string>()
  const first = watch(ours, () => watch(ours, second.resolve))
  client.write('one')
  while (first.text === '') await new Promise(setImmediate)
  client.write('two')
  assert.equal(await second.promise, 'two')
  assert.equal(first.text, 'one')
  client.destroy()
  await listener.close()
})

test('closing a listener says why to each connection, and ends when the last is over', async () => {
  const { listener, ours, client } = await pairOverTcp()
  const seen = watch(ours)
  ours.writeAscii('goodbye')
  const closing = listener.close()
  let text = ''
  client.on('data', (bytes) => {
    text += bytes
  })
  await once(client, 'end')
  client.end()
  await closing
  assert.equal(text, 'goodbye')
  assert.equal((await seen.closed).why, 'shutdown')
})

test('with VERONA_POISON_LOANS a loan that was kept shows it; a datagram is its receiver’s', () => {
  const script = `
    import { createSocket } from 'node:dgram'
    import { connect } from 'node:net'
    import { listenTcp, listenUdp } from '#net'
    const kept = {}
    const done = () => { if (kept.tcp && kept.udp) setImmediate(() => { console.log(kept.tcp[0], kept.udp[0]); process.exit() }) }
    const tcp = await listenTcp({ name: 't', host: '127.0.0.1', port: 0, onConnection: (c) =>
      c.start({ onData: (bytes) => { kept.tcp = bytes; done() }, onClose: () => {} }) })
    const udp = await listenUdp({ name: 'u', host: '127.0.0.1', port: 0, onDatagram: (bytes) => { kept.udp = bytes; done() } })
    connect({ port: tcp.port, host: '127.0.0.1' }).write('x')
    createSocket('udp4').send('x', udp.port, '127.0.0.1')`
  for (const [poisoned, octet] of [
    ['1', 0xa5],
    ['0', 0x78],
  ] as const) {
    const run = spawnSync(
      process.execPath,
      ['--conditions=verona-source', '--input-type=module', '--eval', script],
      { env: { ...process.env, VERONA_POISON_LOANS: poisoned }, encoding: 'utf8', cwd: import.meta.dirname },
    )
    assert.equal(run.stdout, `${octet} ${0x78}\n`, run.stderr)
  }
})
