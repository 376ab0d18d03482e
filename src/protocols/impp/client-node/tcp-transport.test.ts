import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { SystemClock, text, utf8 } from '#base'
import { type Connection, ensureCertificates, listenTcp, type TcpListener, TlsContexts } from '#net'
import { openTcp } from './tcp-transport.ts'

const directory = mkdtempSync(join(tmpdir(), 'verona-transport-'))
const own = await ensureCertificates(directory, ['chat.example'], new SystemClock())
const context = new TlsContexts({ certificates: [{ certificate: own.certificateFile, key: own.keyFile }] })
const listeners: TcpListener[] = []
after(async () => {
  for (const listener of listeners) await listener.close()
  rmSync(directory, { recursive: true })
})

test('TLS is begun by the protocol, and the server is who it should be', async () => {
  const transport = await openTcp({
    host: '127.0.0.1',
    port: await echoOverTls(),
    trust: [own.authorityFile],
  })
  const received = new Promise<string>((resolve) => {
    transport.start({ onData: (octets) => resolve(text(octets)), onClose: () => {} })
  })
  await transport.startTls?.('chat.example')
  assert.equal(transport.secure, true)
  transport.write(utf8('good night'))
  assert.equal(await received, 'good night')
  transport.close()
})

/** [what, name asked for, trust, message] */
const distrusted: [string, string, string[], RegExp][] = [
  ['an authority that is not trusted', 'chat.example', [], /is not trusted: /],
  ['another name', 'other.example', [own.authorityFile], /is not trusted: /],
]
for (const [what, name, trust, message] of distrusted) {
  test(`a certificate of ${what} ends the connection`, async () => {
    const transport = await openTcp({ host: '127.0.0.1', port: await echoOverTls(), trust })
    const closed = new Promise<string>((resolve) => transport.start({ onData: () => {}, onClose: resolve }))
    await assert.rejects(async () => transport.startTls?.(name), message)
    await closed
  })
}

async function echoOverTls(): Promise<number> {
  const listener = await listenTcp({
    name: 'test',
    host: '127.0.0.1',
    port: 0,
    onConnection: (connection: Connection) => {
      connection.start({ onData: (octets) => void connection.write(octets), onClose: () => {} })
      connection.startTls(context, { server: true })
    },
  })
  listeners.push(listener)
  return listener.port
}
