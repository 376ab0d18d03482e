// Listens on a TCP address and turns what comes into Connections, within limits.

import { createServer, type Server, type Socket } from 'node:net'
import { type Clock, SystemClock } from '#base'
import type { Log, SparingLog } from '#observe'
import { Admission, type ListenerLimits, sourceOf } from './admission.ts'
import { type CloseReason, type Connection, type ConnectionLimits, plainAddress } from './connection.ts'
import { listenAddressText } from './listen-address.ts'
import { ListenError } from './listen-error.ts'
import type { NetMetrics } from './net-metrics.ts'
import { SocketConnection } from './socket-connection.ts'
import type { TlsContext } from './tls-info.ts'

export interface ListenTcpOptions {
  /** For the log, the metrics and the errors: `xmpp client`. */
  readonly name: string
  readonly host: string | undefined
  readonly port: number
  /** With it, onConnection is called when the handshake is done. */
  readonly tls?: {
    readonly context: TlsContext
    readonly alpn?: readonly string[]
    readonly requestCertificate?: boolean
  }
  readonly onConnection: (connection: Connection) => void
  /** Told of an error thrown by a handler; the connection is cut. */
  readonly onFault?: (error: unknown, connection?: Connection) => void
  readonly limits?: Partial<ListenerLimits>
  readonly connectionLimits?: Partial<ConnectionLimits>
  /** Several processes on one port. */
  readonly reusePort?: boolean
  readonly clock?: Clock
  readonly metrics?: NetMetrics
  /** Told, at debug, of connections that nobody above hears of: those refused, and those whose handshake failed. */
  readonly log?: Log
  /** Told of handshakes that fail, by source. */
  readonly strangers?: SparingLog
}

export interface TcpListener {
  readonly name: string
  readonly host: string | undefined
  /** The port in use: the system's choice when 0 was asked for. */
  readonly port: number
  readonly connections: number
  /** Accepts no more, and closes what is open; resolves when the last connection is over. */
  close(reason?: CloseReason): Promise<void>
}

/** Resolves once it accepts. @throws ListenError */
export async function listenTcp(options: ListenTcpOptions): Promise<TcpListener> {
  const acceptor = new Acceptor(options)
  // LIMIT: 511 connections wait for us in the kernel (or its somaxconn).
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (socket) =>
    acceptor.accept(socket),
  )
  await listening(server, options)
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : options.port
  server.on('error', (error) => options.onFault?.(error))
  return {
    name: options.name,
    host: options.host,
    port,
    get connections() {
      return acceptor.open.size
    },
    close: async (reason = { why: 'shutdown' }) => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const connection of acceptor.open) connection.close(reason)
      await closed
      await acceptor.empty()
    },
  }
}

function listening(server: Server, options: ListenTcpOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(new ListenError(options.name, listenAddressText(options), error))
    })
    server.listen(
      {
        port: options.port,
        ...(options.host === undefined ? {} : { host: options.host }),
        reusePort: options.reusePort === true,
        backlog: 511,
      },
      () => {
        server.removeAllListeners('error')
        resolve()
      },
    )
  })
}

class Acceptor {
  readonly open = new Set<SocketConnection>()
  readonly #options: ListenTcpOptions
  readonly #admission: Admission
  readonly #clock: Clock
  #onEmpty: (() => void) | undefined

  constructor(options: ListenTcpOptions) {
    this.#options = options
    this.#clock = options.clock ?? new SystemClock()
    this.#admission = new Admission(options.limits, this.#clock)
  }

  accept(socket: Socket): void {
    const key = sourceOf(plainAddress(socket.remoteAddress ?? ''))
    const limit = socket.remoteAddress === undefined ? 'gone' : this.#admission.enter(key)
    if (limit !== undefined) {
      this.#options.metrics?.refused.with(this.#options.name, limit).add()
      this.#options.log?.debug('connection refused', { listener: this.#options.name, source: key, limit })
      socket.on('error', () => {
        // The far end may have gone already; it is refused either way.
      })
      socket.destroy()
      return
    }
    const connection = new SocketConnection(socket, {
      clock: this.#clock,
      ...(this.#options.connectionLimits && { limits: this.#options.connectionLimits }),
      ...(this.#options.metrics && { metrics: this.#options.metrics }),
      ...(this.#options.onFault && { onFault: this.#options.onFault }),
    })
    this.open.add(connection)
    socket.once('close', () => this.#gone(connection, key))
    this.#options.metrics?.accepted.with(this.#options.name).add()
    if (this.#options.tls === undefined) this.#greet(connection)
    else this.#secureFirst(connection, this.#options.tls)
  }

  /** Resolves when the last connection has told its handler. */
  empty(): Promise<void> {
    if (this.open.size === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#onEmpty = resolve
    })
  }

  #gone(connection: SocketConnection, key: string): void {
    this.open.delete(connection)
    if (this.open.size === 0) this.#onEmpty?.()
    this.#admission.leave(key)
  }

  #secureFirst(connection: SocketConnection, tls: NonNullable<ListenTcpOptions['tls']>): void {
    connection.start({
      onData: () => {
        // Nothing is read before the handshake.
      },
      onSecure: () => {
        connection.detach()
        this.#greet(connection)
      },
      // Nobody above knows this connection.
      onClose: ({ why, detail }) => {
        const { log, strangers, name } = this.#options
        const { address } = connection.remote
        log?.debug('TLS handshake failed', { listener: name, address, why, detail })
        strangers?.count('TLS handshakes from one source fail again and again', address)
      },
    })
    connection.startTls(tls.context, {
      server: true,
      ...(tls.alpn && { alpn: tls.alpn }),
      ...(tls.requestCertificate && { requestCertificate: true }),
    })
  }

  #greet(connection: SocketConnection): void {
    try {
      this.#options.onConnection(connection)
    } catch (error) {
      this.#options.onFault?.(error, connection)
      connection.destroy({ why: 'fault' })
    }
  }
}
