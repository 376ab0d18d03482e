import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { SystemClock } from '#base'
import type { RunningProtocol } from '#core'
import { clientTlsContext, connectTcp, ensureCertificates, ListenError, TlsContexts } from '#net'
import { protocol } from './index.ts'
import { TestClient } from './testing/test-client.ts'
import { type TestDomain, testDomain } from './testing/test-domain.ts'

const loopback = { host: '127.0.0.1', port: 0 }

describe('the listeners', () => {
  const directory = mkdtempSync(join(tmpdir(), 'verona-xmpp-'))
  let domain: TestDomain
  let running: RunningProtocol
  let tls: TlsContexts
  let authority = ''

  before(async () => {
    const own = await ensureCertificates(directory, ['localhost'], new SystemClock())
    authority = own.authorityFile
    tls = new TlsContexts({
      certificates: [{ certificate: own.certificateFile, key: own.keyFile }],
    })
    domain = await testDomain()
    const settings = { ...domain.settings, client: loopback, clientTls: loopback, plainWithoutTls: false }
    running = await protocol.start(domain.service, { settings, tls, logins: domain.logins })
  })

  after(async () => {
    await running.stop()
    rmSync(directory, { recursive: true, force: true })
  })

  function portOf(setting: string): number {
    const where = running.listeners.find((listener) => listener.setting === setting)?.where ?? ''
    return Number(/:(\d+)\/tcp$/.exec(where)?.[1])
  }

  const trusting = () => ({ context: clientTlsContext([authority]), servername: 'localhost' })

  it('take TLS from the first octet, with ALPN (XEP-0368 §3)', async () => {
    const connection = await connectTcp({
      host: '127.0.0.1',
      port: portOf('xmpp.client_tls'),
      tls: { ...trusting(), alpn: ['xmpp-client'] },
    })
    assert.equal(connection.tls?.alpn, 'xmpp-client')
    assert.equal(connection.tls?.authorized, true)
    const client = new TestClient(connection, true)
    await client.logIn('romeo', 'localhost')
    assert.equal(await client.bind('orchard'), 'romeo@localhost/orchard')
    connection.destroy()
  })

  it('refuse a client that offers another protocol by ALPN (RFC 7301 §3.2)', async () => {
    const opening = connectTcp({
      host: '127.0.0.1',
      port: portOf('xmpp.client_tls'),
      tls: { ...trusting(), alpn: ['h2'] },
    })
    await assert.rejects(opening, /TLS failed/)
  })

  it('take STARTTLS, and log in under it (RFC 6120 §5)', async () => {
    const connection = await connectTcp({ host: '127.0.0.1', port: portOf('xmpp.client') })
    const client = new TestClient(connection, false)
    client.open()
    assert.match(await client.next(), /<required\/>/)
    client.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    assert.match(await client.next(), /^<proceed /)
    const secured = client.whenSecured()
    connection.startTls(clientTlsContext([authority]), { server: false, servername: 'localhost' })
    await secured
    await client.logIn('romeo', 'localhost')
    assert.equal(await client.bind('phone'), 'romeo@localhost/phone')
    connection.destroy()
  })

  it('say which of them cannot be opened, and leave none open', async () => {
    const taken = { host: '127.0.0.1', port: portOf('xmpp.client') }
    const settings = { ...domain.settings, client: loopback, clientTls: taken }
    const starting = protocol.start(domain.service, { settings, tls, logins: domain.logins })
    await assert.rejects(
      starting,
      (error: Error) => error instanceof ListenError && /TLS/.test(error.message),
    )
  })
})
