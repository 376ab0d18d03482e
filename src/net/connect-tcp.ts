// Opens a connection to somebody else: TCP, and TLS at once where asked for.

import { connect } from 'node:net'
import type { Connection, StartTlsOptions } from './connection.ts'
import { SocketConnection, type SocketConnectionOptions, systemClock } from './socket-connection.ts'
import type { TlsContext } from './tls-info.ts'

export interface ConnectTcpOptions extends SocketConnectionOptions {
  readonly host: string
  readonly port: number
  /** Direct TLS: resolves when the handshake is done. */
  readonly tls?: { readonly context: TlsContext } & Omit<StartTlsOptions, 'server'>
  /** The local address to connect from. */
  readonly localAddress?: string
  /** LIMIT: seconds for the connection to come about, 10 by default. */
  readonly connectSecondsMax?: number
  readonly signal?: AbortSignal
}

/** Resolves with an open connection; rejects with an Error that says why there is none. */
export function connectTcp(options: ConnectTcpOptions): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: options.host,
      port: options.port,
      noDelay: true,
      allowHalfOpen: true,
      ...(options.localAddress && { localAddress: options.localAddress }),
    })
    socket.pause()
    const seconds = options.connectSecondsMax ?? 10
    const timer = (options.clock ?? systemClock).schedule(seconds * 1000, () =>
      socket.destroy(new Error(`${options.host}:${options.port} did not answer in ${seconds} s`)),
    )
    const abort = (): void => {
      socket.destroy(new Error('given up'))
    }
    options.signal?.addEventListener('abort', abort, { once: true })
    const settled = (): void => {
      timer.cancel()
      options.signal?.removeEventListener('abort', abort)
    }
    const failed = (error: Error): void => {
      settled()
      reject(error)
    }
    socket.once('error', failed)
    socket.once('connect', () => {
      settled()
      socket.off('error', failed)
      const connection = new SocketConnection(socket, options)
      if (options.tls === undefined) resolve(connection)
      else secured(connection, options.tls).then(() => resolve(connection), reject)
    })
  })
}

function secured(connection: SocketConnection, tls: NonNullable<ConnectTcpOptions['tls']>): Promise<void> {
  return new Promise((resolve, reject) => {
    connection.start({
      onData: () => {
        // Nothing is read before the handshake.
      },
      onSecure: () => {
        connection.detach()
        resolve()
      },
      onClose: (reason) => reject(new Error(`TLS failed: ${reason.detail ?? reason.why}`)),
    })
    const { context, ...options } = tls
    connection.startTls(context, { ...options, server: false })
  })
}
