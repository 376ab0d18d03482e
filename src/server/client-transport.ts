// A connection to a server for the command line's clients: TCP, and TLS when the protocol begins it, trusting what the system
// trusts and our own authority.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Bytes } from '#base'
import { type Connection, clientTlsContext, connectTcp } from '#net'
import type { Configuration } from './configuration.ts'
import { mainSettings } from './settings.ts'

export interface ClientTransport {
  /** True under TLS, and where the connection does not leave the machine. */
  readonly secure: boolean
  start(handler: { onData(octets: Bytes): void; onClose(reason: string): void }): void
  write(octets: Bytes): void
  /** Begins TLS, checking that the server is `host`; rejects when it is not. */
  startTls(host: string): Promise<void>
  close(): void
}

export interface ConnectOptions {
  readonly host: string
  readonly port: number
  /** PEM files of authorities to trust beside those of the system. */
  readonly trust: readonly string[]
}

/** The authority that this installation made for itself, if it did. */
export function ownAuthority({ config }: Configuration): string[] {
  const file = join(config.of(mainSettings).data, 'tls', 'ca.crt')
  return existsSync(file) ? [file] : []
}

/** Rejects with an Error that says why there is no connection. */
export async function connectClient(options: ConnectOptions): Promise<ClientTransport> {
  const { host, port } = options
  return new NetTransport(await connectTcp({ host, port }), options)
}

class NetTransport implements ClientTransport {
  readonly #connection: Connection
  readonly #options: ConnectOptions
  readonly #loopback: boolean
  #secured: { resolve: () => void; reject: (error: Error) => void } | undefined

  constructor(connection: Connection, options: ConnectOptions) {
    this.#connection = connection
    this.#options = options
    this.#loopback = isLoopback(connection.remote.address)
  }

  get secure(): boolean {
    return this.#loopback || this.#connection.tls !== undefined
  }

  start(handler: { onData(octets: Bytes): void; onClose(reason: string): void }): void {
    this.#connection.start({
      onData: (octets) => handler.onData(octets),
      onSecure: () => this.#onSecure(),
      onClose: ({ why, detail }) => {
        const reason = detail ?? closeTexts[why] ?? why
        this.#secured?.reject(new Error(`TLS failed: ${reason}`))
        handler.onClose(reason)
      },
    })
  }

  write(octets: Bytes): void {
    this.#connection.write(octets)
  }

  startTls(host: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#secured = { resolve, reject }
      // RFC 6066 §3: a name, never an address.
      const name = isAddress(host) ? {} : { servername: host }
      this.#connection.startTls(clientTlsContext(this.#options.trust), { server: false, ...name })
    })
  }

  close(): void {
    this.#connection.close()
  }

  #onSecure(): void {
    const secured = this.#secured
    this.#secured = undefined
    const tls = this.#connection.tls
    if (tls?.authorized === true) return secured?.resolve()
    secured?.reject(
      new Error(
        `the certificate of ${this.#options.host} is not trusted: ${tls?.authorizationError ?? 'there is none'}`,
      ),
    )
    this.#connection.destroy()
  }
}

const closeTexts: Readonly<Record<string, string>> = {
  us: 'we left',
  peer: 'the server closed the connection',
  reset: 'the connection broke',
}

function isAddress(host: string): boolean {
  return host.includes(':') || /^[\d.]+$/.test(host)
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.')
}
