// TLS for a program that has none: what comes by TLS is handed to its port, what it sends to ours goes out by TLS, with its domain's certificate
// both ways; what passed is kept, and something may be said to the program between.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { createServer as createSecureServer, connect as secureConnect, type TLSSocket } from 'node:tls'
import type { CertificateFiles } from './network.ts'
import { freePort } from './ports.ts'
import { patienceMs } from './program.ts'

export interface TlsFrontParts {
  readonly certificate: CertificateFiles
  /** The file of the authority that has to have signed the far end's. */
  readonly authority: string
  /** The domain that the far end has to prove. */
  readonly farDomain: string
  /** Where the far end takes TLS. */
  readonly farPort: () => number
}

export class TlsFront {
  /** Where the far end comes to. */
  readonly port: number
  /** The program's own port, for what the far end begins. */
  readonly programPort: number
  /** What the program sent, and what it was sent. */
  sent = ''
  heard = ''
  readonly #parts: TlsFrontParts
  readonly #sockets = new Set<Socket>()
  readonly #servers: Server[] = []
  /** The program's end, the last one. */
  #program: Socket | undefined
  #plainPort = 0

  private constructor(parts: TlsFrontParts, port: number, programPort: number) {
    this.#parts = parts
    this.port = port
    this.programPort = programPort
  }

  static async open(parts: TlsFrontParts): Promise<TlsFront> {
    const front = new TlsFront(parts, await freePort(), await freePort())
    const { certificate, authority } = parts
    const shown = { cert: readFileSync(certificate.certificate), key: readFileSync(certificate.key) }
    const trusting = { ca: readFileSync(authority), requestCert: true, rejectUnauthorized: true }
    const secure = createSecureServer({ ...shown, ...trusting }, (far) => void front.#toProgram(far))
    // Who shows no certificate that will do gets no further than the handshake.
    secure.on('tlsClientError', () => undefined)
    secure.listen(front.port, '127.0.0.1')
    const plain = createServer((program) => {
      const { farDomain, farPort } = parts
      const host = { host: '127.0.0.1', port: farPort(), servername: farDomain }
      front.#join(program, secureConnect({ ...host, ...shown, ca: trusting.ca }))
    })
    plain.listen(0, '127.0.0.1')
    await Promise.all([once(secure, 'listening'), once(plain, 'listening')])
    front.#plainPort = (plain.address() as AddressInfo).port
    front.#servers.push(secure, plain)
    return front
  }

  /** Where the program comes to, for what it begins. */
  get way(): string {
    return `127.0.0.1:${this.#plainPort}`
  }

  /** Says a line to the program that no far end has sent, in the dialog that was begun last: its scenario goes on. */
  goOn(): void {
    const callId = /^Call-ID: *(\S+)/im.exec(this.heard)?.[1] ?? ''
    this.#program?.write(
      `INFO sip:front SIP/2.0\r\nVia: SIP/2.0/TCP front;branch=z9hG4bKfront\r\nFrom: <sip:front>;tag=f\r\nTo: <sip:front>\r\nCall-ID: ${callId}\r\nCSeq: 1 INFO\r\nContent-Length: 0\r\n\r\n`,
    )
  }

  /** Resolves when the program was sent that; what is said to it afterwards comes behind. */
  async hears(pattern: RegExp): Promise<void> {
    for (const due = Date.now() + patienceMs; !pattern.test(this.heard); ) {
      if (Date.now() > due) throw new Error(`the program was not sent ${pattern}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  /** Nothing that passed before counts. */
  forget(): void {
    this.sent = ''
    this.heard = ''
  }

  close(): void {
    for (const server of this.#servers) server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  async #toProgram(far: TLSSocket): Promise<void> {
    const names = far.getPeerCertificate().subjectaltname ?? ''
    if (!names.split(', ').includes(`DNS:${this.#parts.farDomain}`)) return void far.destroy()
    far.pause()
    const program = await opened(this.programPort)
    if (program === undefined) return void far.destroy()
    this.#join(program, far)
  }

  #join(program: Socket, far: Socket): void {
    this.#program = program
    const ways: [Socket, Socket, (text: string) => void][] = [
      [program, far, (text) => (this.sent += text)],
      [far, program, (text) => (this.heard += text)],
    ]
    for (const [from, to, keep] of ways) {
      this.#sockets.add(from)
      from.on('data', (octets: Buffer) => keep(octets.toString()))
      from.on('error', () => to.destroy())
      from.on('close', () => {
        this.#sockets.delete(from)
        to.destroy()
      })
      from.pipe(to)
    }
  }
}

/** The program listens a moment after it was started. */
async function opened(port: number): Promise<Socket | undefined> {
  for (const due = Date.now() + patienceMs; Date.now() < due; ) {
    const socket = connect(port, '127.0.0.1')
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true))
      socket.once('error', () => resolve(false))
    })
    if (isOpen) return socket
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return undefined
}
