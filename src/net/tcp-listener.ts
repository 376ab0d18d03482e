// Listens on a TCP address and turns what comes into Connections, within limits.

import { createServer, type Server, type Socket } from 'node:net'
import { type Clock, SystemClock } from '#base'
import type { Log } from '#observe'
import { type CloseReason, type Connection, type ConnectionLimits, plainAddress } from './connection.ts'
import { listenAddressText } from './listen-address.ts'
import { ListenError } from './listen-error.ts'
import type { NetMetrics } from './net-metrics.ts'
import { RateLimit } from './rate-limit.ts'
import { SocketConnection } from './socket-connection.ts'
import type { TlsContext } from './tls-info.ts'

export interface ListenerLimits {
  /** LIMIT: connections of this listener at a time. */
  readonly connectionsMax: number
  /** LIMIT: connections of one remote address at a time (an IPv6 /64 counts as one). */
  readonly connectionsPerAddressMax: number
  /** LIMIT: connections accepted from one remote address a second, over ten seconds; 0 sets no limit. */
  readonly acceptsPerAddressPerSecondMax: number
}

export const defaultListenerLimits: ListenerLimits = {
  connectionsMax: 100_000,
  connectionsPerAddressMax: 10_000,
  acceptsPerAddressPerSecondMax: 0,
}

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
  readonly #limits: ListenerLimits
  readonly #perAddress = new Map<string, number>()
  readonly #rate: RateLimit | undefined
  readonly #clock: Clock
  #onEmpty: (() => void) | undefined

  constructor(options: ListenTcpOptions) {
    this.#options = options
    this.#limits = { ...defaultListenerLimits, ...options.limits }
    this.#clock = options.clock ?? new SystemClock()
    const rate = this.#limits.acceptsPerAddressPerSecondMax
    if (rate > 0) this.#rate = new RateLimit({ perSecond: rate, burst: rate * 10, clock: this.#clock })
  }

  accept(socket: Socket): void {
    const key = sourceOf(plainAddress(socket.remoteAddress ?? ''))
    const limit = this.#limitMet(key)
    if (limit !== undefined || socket.remoteAddress === undefined) {
      this.#options.metrics?.refused.with(this.#options.name, limit ?? 'gone').add()
      this.#options.log?.debug('connection refused', { listener: this.#options.name, source: key, limit })
      socket.on('error', () => {
        // The far end may have gone already; it is refused either way.
      })
      socket.destroy()
      return
    }
    this.#perAddress.set(key, (this.#perAddress.get(key) ?? 0) + 1)
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

  #limitMet(key: string): string | undefined {
    if (this.open.size >= this.#limits.connectionsMax) return 'connections'
    if ((this.#perAddress.get(key) ?? 0) >= this.#limits.connectionsPerAddressMax)
      return 'connections-per-address'
    if (this.#rate !== undefined && !this.#rate.take(key)) return 'accept-rate'
    return undefined
  }

  #gone(connection: SocketConnection, key: string): void {
    this.open.delete(connection)
    if (this.open.size === 0) this.#onEmpty?.()
    const left = (this.#perAddress.get(key) ?? 1) - 1
    if (left === 0) this.#perAddress.delete(key)
    else this.#perAddress.set(key, left)
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
      onClose: ({ why, detail }) =>
        this.#options.log?.debug('TLS handshake failed', {
          listener: this.#options.name,
          address: connection.remote.address,
          why,
          detail,
        }),
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

/** Whom a limit counts as one: an IPv4 address, or the /64 of an IPv6 one, which one subscriber has for himself. */
export function sourceOf(address: string): string {
  if (!address.includes(':')) return address
  const [head = '', tail] = address.split('%', 1)[0]!.split('::')
  const front = head === '' ? [] : head.split(':')
  if (tail !== undefined) {
    const back = tail === '' ? [] : tail.split(':')
    while (front.length + back.length < 8) front.push('0')
    front.push(...back)
  }
  return `${front.slice(0, 4).join(':')}::/64`
}
