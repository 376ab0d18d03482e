// A transport over TCP, and TLS when the protocol begins it (STARTTLS), for programs in Node.

import type { Bytes } from '#base'
import { type Connection, clientTlsContext, connectTcp } from '#net'
import type { ChannelBinding, Transport, TransportHandler } from '#protocols/impp/client'

export interface TcpOptions {
  readonly host: string
  readonly port: number
  /** PEM files of authorities to trust beside those of the system. */
  readonly trust?: readonly string[]
  readonly signal?: AbortSignal
}

/** Rejects with an Error that says why there is no connection. */
export async function openTcp(options: TcpOptions): Promise<Transport> {
  const { host, port, signal } = options
  return new TcpTransport(await connectTcp({ host, port, ...(signal && { signal }) }), options)
}

class TcpTransport implements Transport {
  readonly #connection: Connection
  readonly #options: TcpOptions
  readonly #loopback: boolean
  #secured: { resolve: () => void; reject: (error: Error) => void } | undefined

  constructor(connection: Connection, options: TcpOptions) {
    this.#connection = connection
    this.#options = options
    this.#loopback = isLoopback(connection.remote.address)
  }

  get secure(): boolean {
    return this.#loopback || this.#connection.tls !== undefined
  }

  channelBinding(): ChannelBinding | undefined {
    const { tls } = this.#connection
    const exporter = tls?.tlsExporter()
    if (exporter !== undefined) return { type: 'tls-exporter', data: exporter }
    const endPoint = tls?.tlsServerEndPoint()
    return endPoint && { type: 'tls-server-end-point', data: endPoint }
  }

  start(handler: TransportHandler): void {
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
      this.#connection.startTls(clientTlsContext(this.#options.trust ?? []), { server: false, ...name })
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
