// Who comes in to an HTTP listener: limits at the door, TLS behind it, and who is still inside.

import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Clock } from '#base'
import { Admission, sourceOf } from './admission.ts'
import { plainAddress } from './connection.ts'
import type { HttpLimits } from './http.ts'
import type { NetMetrics } from './net-metrics.ts'
import type { TlsContext } from './tls-info.ts'
import { serverSocket } from './tls-upgrade.ts'
import type { WebSockets } from './websocket.ts'

export interface HttpEntranceOptions {
  readonly name: string
  readonly limits: HttpLimits
  readonly tls?: TlsContext
  readonly web?: WebSockets
  readonly metrics?: NetMetrics
  readonly clock: Clock
}

export class HttpEntrance {
  readonly #options: HttpEntranceOptions
  readonly #admission: Admission
  readonly #serve: (socket: Socket) => void
  /** Connections that speak HTTP, and those that are in their handshake. */
  readonly #inside = new Set<Socket>()
  #onEmpty: (() => void) | undefined

  /** Takes the place of what `server` does with a new connection. */
  constructor(server: Server, options: HttpEntranceOptions) {
    this.#options = options
    const { connectionsMax, connectionsPerAddressMax } = options.limits
    this.#admission = new Admission({ connectionsMax, connectionsPerAddressMax }, options.clock)
    // "This event can also be explicitly emitted by users to inject connections into the HTTP server."
    const listeners = server.listeners('connection') as ((socket: Socket) => void)[]
    server.removeAllListeners('connection')
    this.#serve = (socket) => {
      for (const listener of listeners) listener.call(server, socket)
    }
    server.on('connection', (socket) => this.#enter(socket))
  }

  /** It speaks HTTP no more. */
  upgraded(socket: Socket): void {
    this.#leave(socket)
  }

  /** Resolves when nobody speaks HTTP here any more. */
  empty(): Promise<void> {
    if (this.#inside.size === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#onEmpty = resolve
    })
  }

  cut(): void {
    for (const socket of this.#inside) socket.destroy()
  }

  #enter(socket: Socket): void {
    const { name, web, metrics, tls } = this.#options
    const address = plainAddress(socket.remoteAddress ?? 'unix')
    // Behind a proxy all come from one address; web sockets are counted by what it says.
    const source = web?.proxies.has(address) ? `proxy ${socket.remotePort}` : sourceOf(address)
    const limit = this.#admission.enter(source)
    if (limit !== undefined) {
      metrics?.refused.with(name, limit).add()
      socket.destroy()
      return
    }
    metrics?.accepted.with(name).add()
    socket.once('close', () => this.#admission.leave(source))
    if (tls === undefined) this.#welcome(socket)
    else this.#secure(socket, tls)
  }

  #welcome(socket: Socket): void {
    this.#inside.add(socket)
    socket.once('close', () => this.#leave(socket))
    this.#serve(socket)
  }

  #secure(plain: Socket, tls: TlsContext): void {
    const { clock, limits, metrics } = this.#options
    const secure = serverSocket(plain, tls, { server: true, alpn: ['http/1.1'] })
    this.#inside.add(plain)
    const timer = clock.schedule(limits.handshakeSecondsMax * 1000, () => plain.destroy())
    const failed = (): void => {
      metrics?.handshakeFailures.add()
      plain.destroy()
    }
    secure.once('error', failed)
    plain.once('close', () => {
      timer.cancel()
      this.#leave(plain)
    })
    secure.once('secure', () => {
      timer.cancel()
      secure.off('error', failed)
      metrics?.handshakes.add()
      this.#welcome(secure)
      this.#leave(plain)
    })
  }

  #leave(socket: Socket): void {
    this.#inside.delete(socket)
    if (this.#inside.size === 0) this.#onEmpty?.()
  }
}
