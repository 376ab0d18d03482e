import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { type Clock, SystemClock, text, utf8, VirtualClock } from '#base'
import { type CloseReason, ensureCertificates, TlsContexts, type WebOffer } from './index.ts'
import { browser, closeOf, echo, frame, handshake, nextMessage, raw, stand } from './testing/web-stand.ts'

test('a text message is one onData, and what is written until endMessage is one text message', async (t) => {
  const { url, accepted } = await stand(t)
  const socket = await browser(url())
  const connection = await accepted()
  assert.equal(socket.protocol, 'test')
  assert.equal(connection.subprotocol, 'test')
  assert.equal(connection.remote.address, '127.0.0.1')
  assert.equal(connection.tls, undefined)
  const came: string[] = []
  connection.start({
    onData: (octets) => {
      came.push(text(octets))
      connection.writeAscii('<a')
      connection.writeUtf8('>ö</a>')
      connection.endMessage()
      connection.write(utf8('<b/>'))
      connection.endMessage()
    },
    onClose: () => {},
  })
  const answers: unknown[] = []
  const both = new Promise<void>((resolve) => {
    socket.onmessage = ({ data }) => {
      answers.push(data)
      if (answers.length === 4) resolve()
    }
  })
  socket.send('<first/>')
  socket.send('<zweites>ü</zweites>')
  await both
  assert.deepEqual(came, ['<first/>', '<zweites>ü</zweites>'])
  assert.deepEqual(answers, ['<a>ö</a>', '<b/>', '<a>ö</a>', '<b/>'])
  assert.equal(connection.bytesReceived, 29)
  assert.equal(connection.bytesSent, 26)
})

test('a stream of octets leaves as one binary message a tick', async (t) => {
  const { url, accepted } = await stand(t, { kind: 'binary', framing: 'stream' })
  const socket = await browser(url())
  const connection = await accepted()
  connection.start({ onData: () => {}, onClose: () => {} })
  connection.writeAscii('one ')
  connection.writeAscii('two')
  assert.equal(Buffer.from((await nextMessage(socket)) as ArrayBuffer).toString(), 'one two')
})

/** [kind, what is sent, code] RFC 6455 §7.4.1 */
const kinds: [WebOffer['kind'], string | Uint8Array<ArrayBuffer>, number | 'taken'][] = [
  ['text', 'x', 'taken'],
  ['text', new Uint8Array([120]), 1003],
  ['binary', new Uint8Array([120]), 'taken'],
  ['binary', 'x', 1003],
  ['either', 'x', 'taken'],
  ['either', new Uint8Array([120]), 'taken'],
]
for (const [kind, sent, expected] of kinds) {
  test(`where ${kind} is spoken, ${typeof sent === 'string' ? 'text' : 'binary'}: ${expected}`, async (t) => {
    const { url, accepted } = await stand(t, { kind })
    const socket = await browser(url())
    const over = echo(await accepted())
    socket.send(sent)
    if (expected === 'taken') {
      await nextMessage(socket)
      return
    }
    assert.equal(await closeOf(socket), expected)
    assert.equal((await over).why, 'limit')
  })
}

/** [what, fields, path, status] */
const refused: [string, Record<string, string>, string, RegExp][] = [
  ['a path where nothing is offered', {}, '/other', /^HTTP\/1\.1 404 /],
  [
    'no subprotocol',
    { 'Sec-WebSocket-Protocol': '' },
    '/test',
    /^HTTP\/1\.1 400 .*subprotocol here is test/s,
  ],
  ['another subprotocol', { 'Sec-WebSocket-Protocol': 'xmpp, tests' }, '/test', /^HTTP\/1\.1 400 /],
  ['another version (§4.4)', { 'Sec-WebSocket-Version': '8' }, '/test', /^HTTP\/1\.1 426 .*Version: 13\r\n/s],
  ['no key', { 'Sec-WebSocket-Key': '' }, '/test', /^HTTP\/1\.1 400 /],
  ['a script of another site (§10.2)', { Origin: 'https://evil.example' }, '/test', /^HTTP\/1\.1 403 /],
  ['a script of no site', { Origin: 'null' }, '/test', /^HTTP\/1\.1 403 /],
]
for (const [what, fields, path, status] of refused) {
  test(`a handshake with ${what} is refused`, async (t) => {
    const { listener } = await stand(t)
    const { socket, answer } = await raw(listener.port, handshake(fields, path))
    assert.match(answer, status)
    socket.resume()
    await once(socket, 'close')
  })
}

/** [origin, allowed] */
const welcome: [string, string[]][] = [
  ['https://chat.example', []],
  ['https://web.example', ['https://web.example']],
  ['https://any.example', ['*']],
]
for (const [origin, origins] of welcome) {
  test(`a script of ${origin} may connect where ${origins.join() || 'the same host'} may`, async (t) => {
    const { listener } = await stand(t, {}, { policy: { origins } })
    const { socket, answer } = await raw(listener.port, handshake({ Origin: origin }))
    // RFC 6455 §1.3: the example's key and its answer.
    assert.match(answer, /^HTTP\/1\.1 101 .*Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/s)
    assert.match(answer, /Sec-WebSocket-Protocol: test\r\n/)
    socket.destroy()
  })
}

test('a plain request for the path is told to upgrade (RFC 9110 §15.5.22), others are answered as ever', async (t) => {
  const { listener, web } = await stand(t)
  const get = (path: string, headers = {}) => fetch(`http://127.0.0.1:${listener.port}${path}`, { headers })
  const answer = await get('/test')
  assert.equal(answer.status, 426)
  assert.equal(answer.headers.get('upgrade'), 'websocket')
  assert.equal((await get('/other')).status, 404)
  const { answer: plain } = await raw(
    listener.port,
    handshake({ Upgrade: 'h2c', Connection: 'Upgrade' }, '/other'),
  )
  assert.match(plain, /^HTTP\/1\.1 404 /)
  const remove = web.page({ path: '/page', answer: () => ({ status: 200, body: 'a page' }) })
  assert.equal(await (await get('/page')).text(), 'a page')
  remove()
  assert.equal((await get('/page')).status, 404)
})

test('a writer that was slowed is told when the reader has caught up', async (t) => {
  const { url, accepted } = await stand(t, {}, { connectionLimits: { queueBytesHigh: 1000 } })
  const socket = await browser(url())
  const connection = await accepted()
  const drained = new Promise<void>((resolve) =>
    connection.start({ onData: () => {}, onDrain: resolve, onClose: () => {} }),
  )
  assert.equal(connection.writeAscii('x'.repeat(999)), true)
  assert.equal(connection.writeAscii('x'), false)
  connection.endMessage()
  await Promise.all([drained, nextMessage(socket)])
})

test('a ping is sent after silence, and who does not answer is cut', async (t) => {
  const clock = new VirtualClock()
  const { listener, accepted } = await stand(t, {}, { clock, pingSeconds: 30 })
  const { socket } = await raw(listener.port)
  const connection = await accepted()
  const over = echo(connection)
  clock.advance(30_000)
  const [ping] = (await once(socket, 'data')) as [Buffer]
  assert.deepEqual(ping, Buffer.from([0x89, 0x00]))
  const before = connection.lastReceived
  socket.write(frame(10, ''))
  while (connection.lastReceived === before) await new Promise(setImmediate)
  clock.advance(45_000)
  assert.equal(connection.closing, false)
  clock.advance(15_000)
  assert.deepEqual(await over, { why: 'reset', detail: 'no answer to a ping' })
})

test('what comes while reading is paused is held in order', async (t) => {
  const { url, accepted } = await stand(t)
  const socket = await browser(url())
  const connection = await accepted()
  const came: string[] = []
  const three = new Promise<void>((resolve) =>
    connection.start({
      onData: (octets) => {
        came.push(text(octets))
        connection.pause()
        setImmediate(() => connection.resume())
        if (came.length === 3) resolve()
      },
      onClose: () => {},
    }),
  )
  for (const one of ['1', '2', '3']) socket.send(one)
  await three
  assert.deepEqual(came, ['1', '2', '3'])
})

test('a connection tells how its peer ended it, and a handler’s fault ends it', async (t) => {
  const faults: unknown[] = []
  const { url, accepted, listener } = await stand(t, {}, { onFault: (error) => faults.push(error) })
  const polite = await browser(url())
  const politeOver = echo(await accepted())
  polite.close(4000, 'enough')
  assert.deepEqual(await politeOver, { why: 'peer', detail: '4000 enough' })
  const broken = await raw(listener.port)
  const brokenOver = echo(await accepted())
  broken.socket.destroy()
  assert.deepEqual(await brokenOver, { why: 'reset' })
  const third = await browser(url())
  const connection = await accepted()
  const over = new Promise<CloseReason>((resolve) =>
    connection.start({
      onData: () => {
        throw new Error('ours')
      },
      onClose: resolve,
    }),
  )
  third.send('x')
  assert.deepEqual(await over, { why: 'fault', detail: 'ours' })
  assert.match(String(faults[0]), /ours/)
})

test('limits count each address, behind a trusted proxy the client’s', async (t) => {
  const { listener, accepted } = await stand(
    t,
    {},
    { limits: { connectionsPerAddressMax: 1 }, policy: { trustedProxies: ['127.0.0.0/8'] } },
  )
  const from = (address: string) => raw(listener.port, handshake({ 'X-Forwarded-For': address }))
  const first = await from('198.51.100.1, 203.0.113.7')
  assert.match(first.answer, /^HTTP\/1\.1 101 /)
  assert.equal((await accepted()).remote.address, '203.0.113.7')
  assert.match((await from('203.0.113.7')).answer, /^HTTP\/1\.1 503 .*connections-per-address/s)
  const other = await from('203.0.113.8, 127.0.0.9')
  assert.match(other.answer, /^HTTP\/1\.1 101 /)
  assert.equal((await accepted()).remote.address, '203.0.113.8')
  first.socket.destroy()
  other.socket.destroy()
})

test('who is no trusted proxy speaks for itself alone', async (t) => {
  const { listener, accepted } = await stand(t)
  const { socket } = await raw(
    listener.port,
    handshake({ 'X-Forwarded-For': '203.0.113.7', 'X-Forwarded-Proto': 'https' }),
  )
  const connection = await accepted()
  assert.equal(connection.remote.address, '127.0.0.1')
  assert.equal(connection.tls, undefined)
  socket.destroy()
})

test('TLS that a trusted proxy ended is TLS without a channel to bind', async (t) => {
  const { listener, accepted } = await stand(t, {}, { policy: { trustedProxies: ['127.0.0.1'] } })
  const { socket } = await raw(listener.port, handshake({ 'X-Forwarded-Proto': 'https' }))
  const { tls } = await accepted()
  assert.equal(tls?.protocol, 'forwarded')
  assert.equal(tls?.tlsExporter(), undefined)
  assert.equal(tls?.tlsServerEndPoint(), undefined)
  socket.destroy()
})

test('the listener may close while web sockets go on, and these end with 1001', async (t) => {
  const { url, accepted, listener, web } = await stand(t)
  const socket = await browser(url())
  const over = echo(await accepted())
  await listener.close()
  socket.send('still here')
  assert.equal(await nextMessage(socket), 'still here')
  const ended = closeOf(socket)
  await web.close()
  assert.equal(await ended, 1001)
  assert.deepEqual(await over, { why: 'shutdown' })
})

async function secureStand(t: TestContext, clock: Clock = new SystemClock()) {
  const directory = mkdtempSync(join(tmpdir(), 'verona-web-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const own = await ensureCertificates(directory, ['chat.example'], new SystemClock())
  const tls = new TlsContexts({ certificates: [{ certificate: own.certificateFile, key: own.keyFile }] })
  return { own, ...(await stand(t, {}, { clock }, { tls, clock })) }
}

test('over TLS the connection knows its session', async (t) => {
  const { listener, accepted } = await secureStand(t)
  const socket = connectTls({
    port: listener.port,
    host: '127.0.0.1',
    servername: 'chat.example',
    ALPNProtocols: ['http/1.1'],
    rejectUnauthorized: false,
  })
  socket.write(handshake())
  const [answer] = (await once(socket, 'data')) as [Buffer]
  assert.match(answer.toString(), /^HTTP\/1\.1 101 /)
  const connection = await accepted()
  assert.equal(connection.tls?.protocol, 'TLSv1.3')
  assert.equal(connection.tls?.servername, 'chat.example')
  assert.equal(connection.tls?.tlsExporter()?.length, 32)
  const over = echo(connection)
  socket.write(frame(1, 'over TLS'))
  const [message] = (await once(socket, 'data')) as [Buffer]
  assert.equal(message.subarray(2).toString(), 'over TLS')
  socket.destroy()
  await over
})

test('a TLS handshake that does not end is cut', async (t) => {
  const clock = new VirtualClock()
  const { listener } = await secureStand(t, clock)
  const socket = connect({ port: listener.port, host: '127.0.0.1' })
  socket.on('error', () => {})
  await once(socket, 'connect')
  socket.write(Buffer.from([0x16, 0x03, 0x01]))
  let closed = false
  socket.once('close', () => {
    closed = true
  })
  while (!closed) {
    clock.advance(15_000)
    await new Promise(setImmediate)
  }
})
