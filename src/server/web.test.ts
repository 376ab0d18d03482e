import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { loadConfiguration, type RunningServer, startServer } from './index.ts'

async function running(t: TestContext, toml: string): Promise<RunningServer> {
  const directory = mkdtempSync(join(tmpdir(), 'verona-web-'))
  const file = join(directory, 'verona.toml')
  writeFileSync(file, `[log]\nlevel = "silent"\n[impp]\nclient = "127.0.0.1:0"\n${toml}`)
  const server = await startServer(await loadConfiguration({ file, directory, environment: {} }))
  t.after(async () => {
    await server.stop()
    rmSync(directory, { recursive: true })
  })
  return server
}

const whereOf = (server: RunningServer, setting: string, kind: RegExp): string => {
  const found = server.listeners.find((one) => one.setting === setting && kind.test(one.where))
  assert.ok(found, JSON.stringify(server.listeners))
  return found.where
}

test('IMPP is spoken over a web socket, without STARTTLS, and ends with 1001 when the server stops', async (t) => {
  const server = await running(t, '[http]\nlisten = "127.0.0.1:0"\n')
  const socket = new WebSocket(whereOf(server, 'http.listen', /\/impp$/), 'impp')
  socket.binaryType = 'arraybuffer'
  await once(socket, 'open')
  socket.send(Buffer.from('HELLO 1 impp/1.0\r\nDomain: localhost\r\n\r\nSTARTT'))
  socket.send(Buffer.from('LS 2 impp/1.0\r\n\r\n'))
  let came = ''
  while (!came.includes('(STARTTLS)')) {
    const [{ data }] = (await once(socket, 'message')) as [MessageEvent]
    came += Buffer.from(data as ArrayBuffer).toString()
  }
  assert.match(came, /^OK \(HELLO\) 1 impp\/1\.0\r\n/)
  assert.doesNotMatch(came, /^STARTTLS:/m)
  assert.match(came, /ERROR \(STARTTLS\) 2 .*operation-not-supported/s)
  const closed = once(socket, 'close') as Promise<[CloseEvent]>
  await server.stop()
  assert.ok([1000, 1001].includes((await closed)[0].code))
})

test('the listener with TLS serves web sockets, and neither metrics nor health', async (t) => {
  const server = await running(t, '[http]\nlisten_tls = "127.0.0.1:0"\n')
  const where = new URL(whereOf(server, 'http.listen_tls', /^wss:.*\/impp$/))
  const ca = readFileSync(server.authorityFile as string)
  const status = (path: string, headers = {}): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const request = get({
        host: where.hostname,
        port: where.port,
        servername: 'localhost',
        path,
        ca,
        headers,
      })
      request.on('response', (response) => {
        response.resume()
        resolve(response.statusCode)
      })
      request.on('upgrade', (response, socket) => {
        socket.destroy()
        resolve(response.statusCode)
      })
      request.on('error', reject)
    })
  assert.deepEqual(
    [await status('/metrics'), await status('/health'), await status('/health/live'), await status('/impp')],
    [404, 404, 200, 426],
  )
  const handshake = {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version': '13',
  }
  assert.equal(await status('/impp', { ...handshake, 'Sec-WebSocket-Protocol': 'impp' }), 101)
  assert.equal(await status('/impp', { ...handshake, 'Sec-WebSocket-Protocol': 'xmpp' }), 400)
})
