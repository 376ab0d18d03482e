// A server of another domain that means it ill: TLS with a certificate that is believed, and whatever a test writes.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import { certificatesOf } from '../transcripts/certificates.ts'
import { Raw } from './raw.ts'
import type { Stand } from './stand.ts'

export const far = 'mantua.example'

/** The tables by which a stand believes `far`, and finds nobody where it would call it. */
export async function believing(more = ''): Promise<string> {
  const trust = join(await certificatesOf(far), 'ca.crt')
  return `[peers]\ntrust = ${JSON.stringify(trust)}\n${more}\n[[peer]]\ndomain = "${far}"\nprotocol = "xmpp"\nservers = ["127.0.0.1:1"]\n`
}

export const serverHeader = `<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' from='${far}' to='localhost' version='1.0'>`

export class FarServer extends Raw {
  #secure: TLSSocket | undefined

  constructor(stand: Stand, from?: string) {
    super(stand, 'xmpp.server', '127.0.0.1', from)
  }

  /** Under TLS, its stream restarted and the features come. */
  static async secured(stand: Stand, from?: string): Promise<FarServer> {
    const server = new FarServer(stand, from)
    server.send(serverHeader)
    await server.expect(/<\/stream:features>/)
    server.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    await server.expect(/<proceed[^>]*>/)
    const directory = await certificatesOf(far)
    const secure = connect({
      socket: server.socket,
      cert: readFileSync(join(directory, 'server.crt')),
      key: readFileSync(join(directory, 'server.key')),
      rejectUnauthorized: false,
    })
    secure.on('error', () => {})
    secure.on('data', (octets: Buffer) => server.hear(octets))
    server.#secure = secure
    await new Promise((resolve) => secure.once('secureConnect', resolve))
    server.send(serverHeader)
    await server.expect(/<\/stream:features>/)
    return server
  }

  /** Believed; both ways where `bidi`, acknowledged where `managed` (XEP-0288, XEP-0198). */
  static async proven(
    stand: Stand,
    { bidi = false, managed = false, from = '127.0.0.1' } = {},
  ): Promise<FarServer> {
    const server = await FarServer.secured(stand, from)
    if (bidi) server.send("<bidi xmlns='urn:xmpp:bidi'/>")
    server.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>")
    await server.expect(/<success[^>]*>/)
    server.send(serverHeader)
    await server.expect(/<\/stream:features>/)
    if (!managed) return server
    server.send("<enable xmlns='urn:xmpp:sm:3'/>")
    await server.expect(/<enabled[^>]*>/)
    return server
  }

  override send(octets: string | Uint8Array): void {
    const socket = this.#secure ?? this.socket
    if (!socket.destroyed) socket.write(octets)
  }

  /** It reads nothing any more. */
  pause(): void {
    ;(this.#secure ?? this.socket).pause()
    this.socket.pause()
  }

  /** Octets that it could not write yet. */
  get unwritten(): number {
    return (this.#secure?.writableLength ?? 0) + this.socket.writableLength
  }

  message(to: string, id: string, body: string): void {
    this.send(
      `<message from='paris@${far}' to='${to}@localhost' id='${id}' type='chat'><body>${body}</body></message>`,
    )
  }

  override destroy(): void {
    this.#secure?.destroy()
    super.destroy()
  }
}
