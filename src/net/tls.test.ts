import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { createSecureContext, connect as tlsConnect } from 'node:tls'
import { VirtualClock } from '#base'
import { createLog, Metrics, openMetricsText } from '#observe'
import {
  type CloseReason,
  type Connection,
  clientTlsContext,
  connectTcp,
  ensureCertificates,
  type ListenTcpOptions,
  listenTcp,
  netMetrics,
  type TcpListener,
  TlsContexts,
  TlsFileError,
} from './index.ts'

const path = mkdtempSync(join(tmpdir(), 'verona-tls-'))
after(() => rmSync(path, { recursive: true }))
const own = await ensureCertificates(join(path, 'one'), ['example.com'], new VirtualClock(Date.now()))
const other = await ensureCertificates(join(path, 'two'), ['example.org'], new VirtualClock(Date.now()))
const files = [own, other].map(({ certificateFile, keyFile }) => ({
  certificate: certificateFile,
  key: keyFile,
}))
const contexts = new TlsContexts({ certificates: files, trust: [own.authorityFile] })
const trusting = clientTlsContext([own.authorityFile, other.authorityFile])

function take(connection: Connection, onData: (text: string) => void = () => {}): Promise<CloseReason> {
  const { promise, resolve } = Promise.withResolvers<CloseReason>()
  connection.start({ onData: (bytes) => onData(Buffer.from(bytes).toString()), onClose: resolve })
  return promise
}

async function listen(
  tls: Partial<NonNullable<ListenTcpOptions['tls']>> | undefined,
  more: Partial<ListenTcpOptions> = {},
): Promise<{ listener: TcpListener; accepted: Promise<Connection> }> {
  const { promise, resolve } = Promise.withResolvers<Connection>()
  const listener = await listenTcp({
    name: 'test',
    host: '127.0.0.1',
    port: 0,
    ...(tls && { tls: { context: contexts, ...tls } }),
    onConnection: resolve,
    ...more,
  })
  return { listener, accepted: promise }
}

const at = (listener: TcpListener) => ({ host: '127.0.0.1', port: listener.port })

test('direct TLS: both sides agree on protocol, ALPN, SNI and both channel bindings (RFC 9266, RFC 5929)', async () => {
  const { listener, accepted } = await listen({ alpn: ['xmpp-client'] })
  const theirs = await connectTcp({
    ...at(listener),
    tls: { context: trusting, servername: 'example.com', alpn: ['other', 'xmpp-client'] },
  })
  const ours = await accepted
  const { promise: came, resolve } = Promise.withResolvers<string>()
  const closed = take(ours, (text) => {
    assert.equal(text, 'from client')
    ours.writeAscii('from server')
  })
  void take(theirs, resolve)
  theirs.writeAscii('from client')
  assert.equal(await came, 'from server')
  for (const tls of [ours.tls, theirs.tls]) {
    assert.equal(tls?.protocol, 'TLSv1.3')
    assert.equal(tls?.alpn, 'xmpp-client')
  }
  assert.equal(ours.tls?.servername, 'example.com')
  assert.equal(theirs.tls?.authorized, true)
  assert.equal(ours.tls?.tlsExporter()?.length, 32)
  assert.equal(ours.tls?.tlsUnique(), undefined)
  assert.deepEqual(ours.tls?.tlsExporter(), theirs.tls?.tlsExporter())
  const hash = createHash('sha256')
    .update(new X509Certificate(readFileSync(own.certificateFile)).raw)
    .digest()
  assert.deepEqual(Buffer.from(ours.tls?.tlsServerEndPoint() ?? []), hash)
  assert.deepEqual(Buffer.from(theirs.tls?.tlsServerEndPoint() ?? []), hash)
  theirs.close()
  assert.equal((await closed).why, 'peer')
  await listener.close()
})

test('under TLS 1.2 both sides have the same tls-unique, and no exporter (RFC 5929 §3, RFC 9266 §2)', async () => {
  const { listener, accepted } = await listen({})
  const context = createSecureContext({ ca: readFileSync(own.authorityFile), maxVersion: 'TLSv1.2' })
  const theirs = await connectTcp({
    ...at(listener),
    tls: { context: { secureContext: () => context }, servername: 'example.com' },
  })
  const ours = await accepted
  assert.equal(ours.tls?.protocol, 'TLSv1.2')
  assert.ok((ours.tls?.tlsUnique()?.length ?? 0) >= 12)
  assert.deepEqual(ours.tls?.tlsUnique(), theirs.tls?.tlsUnique())
  assert.equal(ours.tls?.tlsExporter(), undefined)
  const closed = take(ours, () => {})
  theirs.close()
  await closed
  await listener.close()
})

test('the certificate is chosen by the name asked for, the first for unknown names (RFC 6066 §3)', async () => {
  for (const [servername, wanted] of [
    ['example.org', 'example.org'],
    ['example.com', 'example.com'],
    ['unknown.example', 'example.com'],
  ] as const) {
    const { listener, accepted } = await listen({})
    const client = tlsConnect({ ...at(listener), servername, rejectUnauthorized: false })
    await once(client, 'secureConnect')
    assert.match(client.getPeerX509Certificate()?.subjectAltName ?? '', new RegExp(`DNS:${wanted}`))
    const closed = take(await accepted)
    client.end()
    await closed
    await listener.close()
  }
})

test('STARTTLS: what was queued leaves in the clear, what is written after it under TLS', async () => {
  const { listener, accepted } = await listen(undefined)
  const theirs = await connectTcp(at(listener))
  const ours = await accepted
  const secured = Promise.withResolvers<void>()
  const got = Promise.withResolvers<string>()
  const closed = Promise.withResolvers<CloseReason>()
  ours.start({
    onData: (bytes) => {
      if (ours.tls === undefined) {
        assert.equal(Buffer.from(bytes).toString(), '<starttls/>')
        ours.writeAscii('<proceed/>')
        ours.startTls(contexts, { server: true })
        ours.writeAscii('first under TLS')
      } else got.resolve(Buffer.from(bytes).toString())
    },
    onSecure: secured.resolve,
    onClose: closed.resolve,
  })
  const seen: string[] = []
  const second = Promise.withResolvers<void>()
  theirs.start({
    onData: (bytes) => {
      seen.push(`${theirs.tls === undefined ? 'clear' : 'TLS'}: ${Buffer.from(bytes)}`)
      if (seen.length === 1) theirs.startTls(trusting, { server: false, servername: 'example.com' })
      else second.resolve()
    },
    onClose: () => {},
  })
  theirs.writeAscii('<starttls/>')
  await secured.promise
  await second.promise
  assert.deepEqual(seen, ['clear: <proceed/>', 'TLS: first under TLS'])
  theirs.writeAscii('under TLS')
  assert.equal(await got.promise, 'under TLS')
  assert.equal(theirs.tls?.authorized, true)
  ours.close()
  assert.equal((await closed.promise).why, 'us')
  await listener.close()
})

test('a client’s certificate is asked for, seen and judged, and its lack is no failure', async () => {
  const clientContext = new TlsContexts({ certificates: files.slice(0, 1), trust: [own.authorityFile] })
  const { listener, accepted } = await listen({ requestCertificate: true })
  const theirs = await connectTcp({
    ...at(listener),
    tls: { context: clientContext, servername: 'example.com' },
  })
  const ours = await accepted
  assert.equal(ours.tls?.authorized, true)
  assert.match(ours.tls?.peerCertificate()?.subjectAltName ?? '', /DNS:example\.com/)
  ours.destroy()
  theirs.destroy()
  await listener.close()
  const without = await listen({ requestCertificate: true })
  const bare = await connectTcp({
    ...at(without.listener),
    tls: { context: trusting, servername: 'example.com' },
  })
  const seen = await without.accepted
  assert.equal(seen.tls?.authorized, false)
  assert.equal(seen.tls?.peerCertificate(), undefined)
  seen.destroy()
  bare.destroy()
  await without.listener.close()
})

test('a far end without our ALPN protocol, or below TLS 1.2, is refused in the handshake (RFC 7301 §3.2, RFC 9325 §3.1.1)', async () => {
  const { listener } = await listen({ alpn: ['xmpp-client'] })
  const wrong = connectTcp({
    ...at(listener),
    tls: { context: trusting, servername: 'example.com', alpn: ['http/1.1'] },
  })
  await assert.rejects(wrong, /TLS failed: .*alert no application protocol/i)
  const old = tlsConnect({
    ...at(listener),
    rejectUnauthorized: false,
    minVersion: 'TLSv1',
    maxVersion: 'TLSv1.1',
    ciphers: 'DEFAULT@SECLEVEL=0',
  })
  const [error] = (await once(old, 'error')) as [Error]
  assert.match(error.message, /alert protocol version|unsupported protocol/i)
  await listener.close()
})

test('an untrusted or misnamed certificate is told to the client side, which decides', async () => {
  for (const [context, servername, why] of [
    [clientTlsContext(), 'example.com', /SELF_SIGNED|UNABLE_TO/],
    [trusting, 'example.net', /ALTNAME_INVALID/],
  ] as const) {
    const { listener, accepted } = await listen({})
    const theirs = await connectTcp({ ...at(listener), tls: { context, servername } })
    assert.equal(theirs.tls?.authorized, false)
    assert.match(theirs.tls?.authorizationError ?? '', why)
    const ours = await accepted
    ours.destroy()
    theirs.destroy()
    await listener.close()
  }
})

test('garbage instead of a handshake, or silence past the limit, ends in `tls` and reaches nobody above', async () => {
  const clock = new VirtualClock()
  let greeted = 0
  const lines: string[] = []
  const metrics = new Metrics()
  const { listener } = await listen(
    {},
    {
      clock,
      onConnection: () => greeted++,
      log: createLog({ format: 'json', level: 'debug', write: (line) => void lines.push(line) }),
      metrics: netMetrics(metrics),
    },
  )
  const garbage = connect(at(listener)).on('error', () => {})
  garbage.resume()
  garbage.write('GET / HTTP/1.1\r\n\r\n')
  await once(garbage, 'close')
  const silent = connect(at(listener)).on('error', () => {})
  await once(silent, 'connect')
  while (listener.connections === 0) await new Promise(setImmediate)
  silent.resume()
  clock.advance(15_000)
  await once(silent, 'close')
  assert.equal(greeted, 0)
  assert.match(lines[0] as string, /"msg":"TLS handshake failed"/)
  assert.match(lines[1] as string, /no handshake in 15 s/)
  assert.match(openMetricsText(metrics), /verona_tls_handshake_failures_total 2\n/)
  await listener.close()
})

test('many octets under TLS arrive whole, and the queue empties', async () => {
  const { listener, accepted } = await listen({})
  const theirs = await connectTcp({ ...at(listener), tls: { context: trusting, servername: 'example.com' } })
  const ours = await accepted
  void take(ours)
  const hash = createHash('sha256')
  let length = 0
  const ended = Promise.withResolvers<void>()
  theirs.start({
    onData: (bytes) => {
      hash.update(bytes)
      length += bytes.length
    },
    onEnd: () => {
      ended.resolve()
      theirs.close()
    },
    onClose: () => {},
  })
  const wanted = createHash('sha256')
  for (let i = 0; i < 2000; i++) {
    const part = Buffer.alloc(1 + ((i * 7919) % 1500), i)
    wanted.update(part)
    ours.write(part)
    if (i % 100 === 0) await new Promise(setImmediate)
  }
  ours.close()
  await ended.promise
  assert.equal(hash.digest('hex'), wanted.digest('hex'))
  assert.equal(length, ours.bytesSent)
  await listener.close()
})

test('a changed certificate is used by new handshakes; a bad one leaves the old in place and is told', async () => {
  const [certificate, key] = [join(path, 'live.crt'), join(path, 'live.key')]
  copyFileSync(own.certificateFile, certificate)
  copyFileSync(own.keyFile, key)
  const live = new TlsContexts({ certificates: [{ certificate, key }] })
  const clock = new VirtualClock()
  const told: (TlsFileError | undefined)[] = []
  live.watch(clock, 60, (error) => told.push(error))
  clock.advance(60_000)
  assert.equal(told.length, 0)
  copyFileSync(other.certificateFile, certificate)
  utimesSync(certificate, 1, 1)
  const before = live.secureContext()
  clock.advance(60_000)
  assert.match(
    told[0]?.message ?? '',
    /live\.crt with .*live\.key: the key is not the one of this certificate/,
  )
  assert.equal(live.secureContext(), before)
  copyFileSync(other.keyFile, key)
  clock.advance(60_000)
  assert.deepEqual(told.slice(1), [undefined])
  assert.match(live.certificates[0]?.names ?? '', /DNS:example\.org/)
  live.stopWatching()
  writeFileSync(certificate, 'nonsense')
  assert.throws(() => live.reload(), TlsFileError)
  assert.throws(
    () => new TlsContexts({ certificates: [{ certificate: join(path, 'none.crt'), key }] }),
    /the TLS certificate .*none\.crt cannot be read: ENOENT/,
  )
})

test('STARTTLS behind clear octets that a slow reader has not taken waits for them', async () => {
  const { listener, accepted } = await listen(undefined, { connectionLimits: { queueBytesMax: 1e9 } })
  const client = connect(at(listener))
  const ours = await accepted
  const secured = Promise.withResolvers<void>()
  const closed = Promise.withResolvers<CloseReason>()
  ours.start({ onData: () => {}, onSecure: secured.resolve, onClose: closed.resolve })
  client.pause()
  const chunk = Buffer.alloc(100_000, 'c')
  let clear = 0
  do {
    ours.write(chunk)
    clear += chunk.length
    await new Promise(setImmediate)
  } while (ours.queuedBytes === 0)
  ours.startTls(contexts, { server: true })
  ours.writeAscii('under TLS')
  assert.ok(ours.queuedBytes > 0)
  let got = 0
  client.on('data', (bytes: Buffer) => {
    assert.ok(bytes.every((octet) => octet === 0x63))
    got += bytes.length
    if (got === clear) client.emit('all')
  })
  client.resume()
  await once(client, 'all')
  client.removeAllListeners('data')
  const secure = tlsConnect({ socket: client, rejectUnauthorized: false })
  const [text] = (await once(secure, 'data')) as [Buffer]
  await secured.promise
  assert.equal(text.toString(), 'under TLS')
  secure.destroy()
  await closed.promise
  await listener.close()
})

test('close and destroy in the middle of a handshake end the connection once', async () => {
  for (const end of ['close', 'destroy'] as const) {
    const { listener, accepted } = await listen(undefined)
    const client = connect(at(listener)).on('error', () => {})
    const ours = await accepted
    const closed = take(ours)
    ours.startTls(contexts, { server: true })
    client.resume()
    ours[end]()
    assert.equal((await closed).why, end === 'close' ? 'us' : 'destroyed')
    await listener.close()
  }
})
