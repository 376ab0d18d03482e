import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { VirtualClock } from '#base'
import {
  askHttp,
  type HttpListener,
  type HttpRequest,
  type HttpResponse,
  ListenError,
  listenHttp,
} from './index.ts'

type Handler = (request: HttpRequest) => HttpResponse | Promise<HttpResponse>

const listen = (
  onRequest: Handler,
  more: Partial<Parameters<typeof listenHttp>[0]> = {},
): Promise<HttpListener> =>
  listenHttp({ name: 'http', at: { host: '127.0.0.1', port: 0 }, onRequest, ...more })

const url = (listener: HttpListener, path: string) => `http://127.0.0.1:${listener.port}${path}`

test('a request comes whole, and its answer goes back whole', async () => {
  const listener = await listen((request) => ({
    status: 201,
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({
      ...request,
      query: request.query.get('q'),
      headers: request.headers['x-one'],
      body: Buffer.from(request.body).toString(),
    }),
  }))
  const answer = await fetch(url(listener, '/a%20b?q=1%262'), {
    method: 'POST',
    body: 'bödy',
    headers: { 'X-One': '1' },
  })
  assert.equal(answer.status, 201)
  assert.equal(answer.headers.get('content-type'), 'application/json')
  assert.deepEqual(await answer.json(), {
    method: 'POST',
    path: '/a%20b',
    query: '1&2',
    headers: '1',
    body: 'bödy',
    remoteAddress: '127.0.0.1',
  })
  await listener.close()
})

test('a body past the limit is answered with 413, whether its length is told or not', async () => {
  let called = 0
  const listener = await listen(
    () => {
      called++
      return { status: 200 }
    },
    { limits: { bodyBytesMax: 1000 } },
  )
  const post = (body: string | ReadableStream) =>
    fetch(url(listener, '/'), { method: 'POST', body, duplex: 'half' } as RequestInit)
  assert.equal((await post('x'.repeat(1000))).status, 200)
  assert.equal((await post('x'.repeat(1001))).status, 413)
  const chunks = new ReadableStream<Uint8Array>({
    start(controller) {
      for (let i = 0; i < 11; i++) controller.enqueue(new Uint8Array(100))
      controller.close()
    },
  })
  assert.equal((await post(chunks)).status, 413)
  assert.equal((await post('x'.repeat(8_000_000))).status, 413)
  assert.equal(called, 1)
  await listener.close()
})

test('a handler that throws is a 500 without its reason, and a fault that is told', async () => {
  const faults: unknown[] = []
  const listener = await listen(
    async () => {
      throw new Error('the reason')
    },
    { onFault: (error) => faults.push(error) },
  )
  const answer = await fetch(url(listener, '/'))
  assert.equal(answer.status, 500)
  assert.doesNotMatch(await answer.text(), /the reason/)
  assert.match(String(faults[0]), /the reason/)
  await listener.close()
})

test('a request that is no HTTP is answered with 400 (RFC 9112 §2.2)', async () => {
  const listener = await listen(() => ({ status: 200 }))
  const socket = connect({ port: listener.port, host: '127.0.0.1' })
  socket.write('\u0000\u0001 nonsense\r\n\r\n')
  const [bytes] = (await once(socket, 'data')) as [Buffer]
  assert.match(bytes.toString(), /^HTTP\/1\.1 400 /)
  socket.destroy()
  await listener.close()
})

test('a Unix socket is for its own user alone, also at the end of a long path, and goes when we go', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'verona-http-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const path = join(directory, 'control.sock')
  const listener = await listen((request) => ({ status: 200, body: request.remoteAddress }), { at: { path } })
  assert.equal(statSync(path).mode & 0o777, 0o600)
  const answer = await askHttp({ at: { path }, method: 'GET', target: '/' })
  assert.equal(Buffer.from(answer.body).toString(), 'unix')
  await assert.rejects(
    listen(() => ({ status: 200 }), { at: { path } }),
    (error: Error) => {
      assert.ok(error instanceof ListenError)
      assert.match(error.message, /another Verona answers there/)
      return true
    },
  )
  await listener.close()
  assert.throws(() => statSync(path), /ENOENT/)
  const deep = join(directory, 'd'.repeat(120))
  mkdirSync(deep)
  await assert.rejects(
    listen(() => ({ status: 200 }), { at: { path: join(deep, 'control.sock') } }),
    /some 100 octets/,
  )
})

test('a Unix socket that a killed process left is replaced', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'verona-http-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const path = join(directory, 'control.sock')
  const { spawnSync } = await import('node:child_process')
  spawnSync(process.execPath, [
    '-e',
    `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`,
  ])
  assert.ok(statSync(path).isSocket())
  const listener = await listen(() => ({ status: 204 }), { at: { path } })
  await listener.close()
})

test('a taken port is told like any other listener’s', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as { port: number }
  await assert.rejects(
    listen(() => ({ status: 200 }), { at: { host: '127.0.0.1', port } }),
    /http cannot listen on 127\.0\.0\.1:\d+: another program/,
  )
  other.close()
})

test('an answer that is too long, or none at all, is an error that says so', async () => {
  const listener = await listen(() => ({ status: 200, body: 'x'.repeat(1001) }))
  const question = { at: { host: '127.0.0.1', port: listener.port }, method: 'GET', target: '/' }
  await assert.rejects(askHttp({ ...question, bodyBytesMax: 1000 }), /longer than 1000 octets/)
  assert.equal((await askHttp({ ...question, bodyBytesMax: 1001 })).body.length, 1001)
  await listener.close()
  await assert.rejects(askHttp(question), /ECONNREFUSED/)
  await assert.rejects(askHttp({ ...question, at: { path: '/nowhere/control.sock' } }), /ENOENT/)
})

test('closing waits for a request under way no longer than its limit', async () => {
  const clock = new VirtualClock()
  const asked = Promise.withResolvers<void>()
  const listener = await listen(
    () => {
      asked.resolve()
      return new Promise(() => {})
    },
    { clock },
  )
  const waiting = fetch(url(listener, '/'))
  await asked.promise
  const closing = listener.close()
  clock.advance(5000)
  await Promise.all([closing, assert.rejects(waiting)])
})
