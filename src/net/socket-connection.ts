// A Connection over a TCP socket, which startTls() may turn into a TLS socket.

import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { type Bytes, type Clock, SystemClock, type Timer } from '#base'
import {
  type CloseReason,
  type Connection,
  type ConnectionHandler,
  type ConnectionLimits,
  defaultConnectionLimits,
  type Endpoint,
  plainAddress,
  type StartTlsOptions,
} from './connection.ts'
import { endLoan } from './loan.ts'
import type { NetMetrics } from './net-metrics.ts'
import { flushSoon, Output, release } from './output.ts'
import { type TlsContext, type TlsInfo, tlsInfoOf } from './tls-info.ts'
import { clientSocket, serverSocket } from './tls-upgrade.ts'

/** From this size what waits is given to the kernel within the tick, so that a burst is not mistaken for a slow reader. */
const earlyFlushBytes = 64 * 1024

let lastId = 0

export const systemClock = new SystemClock()

export interface SocketConnectionOptions {
  readonly clock?: Clock
  readonly limits?: Partial<ConnectionLimits>
  readonly metrics?: NetMetrics
  /** Told of an error thrown by a handler: a fault of ours. The connection is cut. */
  readonly onFault?: (error: unknown, connection: Connection) => void
}

/** The listeners of a socket are shared functions; they find their connection here. */
const owner = Symbol('connection')
type OwnedSocket = Socket & { [owner]: SocketConnection }

export class SocketConnection implements Connection {
  readonly id = `c${++lastId}`
  readonly remote: Endpoint
  readonly local: Endpoint
  tls: TlsInfo | undefined
  bytesReceived = 0
  bytesSent = 0
  lastReceived: number
  closing = false

  #socket: Socket
  #handler: ConnectionHandler | undefined
  readonly #clock: Clock
  readonly #limits: ConnectionLimits
  readonly #metrics: NetMetrics | undefined
  readonly #onFault: ((error: unknown, connection: Connection) => void) | undefined
  readonly #output = new Output()
  /** Octets given to the socket that the kernel has not taken. */
  #inFlight = 0
  #dirty = false
  #tooSlow = false
  #wantsDrain = false
  #paused = false
  #ended = false
  #over = false
  #reason: CloseReason | undefined
  #timer: Timer | undefined
  /** A TLS upgrade that waits for the octets in the clear to be written, or for its handshake. */
  #upgrade: { context: TlsContext; options: StartTlsOptions; begun: boolean } | undefined

  /** @param socket connected; not yet flowing, or paused; made with allowHalfOpen */
  constructor(socket: Socket, options: SocketConnectionOptions = {}) {
    this.#clock = options.clock ?? systemClock
    this.#limits = options.limits
      ? { ...defaultConnectionLimits, ...options.limits }
      : defaultConnectionLimits
    this.#metrics = options.metrics
    this.#onFault = options.onFault
    this.#socket = socket
    this.remote = { address: plainAddress(socket.remoteAddress ?? ''), port: socket.remotePort ?? 0 }
    this.local = { address: plainAddress(socket.localAddress ?? ''), port: socket.localPort ?? 0 }
    this.lastReceived = this.#clock.monotonic()
    socket.setNoDelay(true)
    this.#own(socket)
  }

  get queuedBytes(): number {
    return this.#output.length + this.#inFlight
  }

  start(handler: ConnectionHandler): void {
    const first = this.#handler === undefined
    this.#handler = handler
    if (!first) return
    if (this.#over) {
      queueMicrotask(() => handler.onClose(this.#reason ?? { why: 'reset' }))
      return
    }
    if (!this.#paused && this.#upgrade === undefined) this.#socket.resume()
  }

  write(bytes: Bytes): boolean {
    if (this.closing || bytes.length === 0) return true
    this.#output.write(bytes)
    return this.#written()
  }

  writeAscii(text: string): boolean {
    if (this.closing || text.length === 0) return true
    this.#output.writeAscii(text)
    return this.#written()
  }

  writeUtf8(text: string): boolean {
    if (this.closing || text.length === 0) return true
    this.#output.writeUtf8(text)
    return this.#written()
  }

  pause(): void {
    this.#paused = true
    if (this.#upgrade === undefined) this.#socket.pause()
  }

  resume(): void {
    this.#paused = false
    if (this.#upgrade === undefined && this.#handler !== undefined) this.#socket.resume()
  }

  startTls(context: TlsContext, options: StartTlsOptions): void {
    if (this.closing || this.#upgrade !== undefined) return
    this.#socket.pause()
    this.flush()
    this.#upgrade = { context, options, begun: false }
    this.#timer = this.#clock.schedule(this.#limits.handshakeSecondsMax * 1000, () =>
      this.#fail({ why: 'tls', detail: `no handshake in ${this.#limits.handshakeSecondsMax} s` }),
    )
    if (this.#inFlight === 0) this.#beginTls()
  }

  close(reason: CloseReason = { why: 'us' }): void {
    if (this.closing) return
    this.closing = true
    this.#reason ??= reason
    if (this.#upgrade !== undefined) {
      this.#fail(this.#reason)
      return
    }
    this.#output.drainTo((bytes) => {
      this.bytesSent += bytes.length
      this.#socket.write(bytes)
    })
    this.#socket.end()
    // What still comes is read and dropped: octets left unread would turn our goodbye into a reset.
    this.#socket.resume()
    this.#timer?.cancel()
    this.#timer = this.#clock.schedule(this.#limits.lingerSecondsMax * 1000, () => this.#socket.destroy())
  }

  destroy(reason: CloseReason = { why: 'destroyed' }): void {
    this.#fail(reason)
  }

  /** Takes the connection from its handler, as if start() had never been called. For the listener. */
  detach(): void {
    this.#handler = undefined
    if (this.#upgrade === undefined) this.#socket.pause()
  }

  /** Called by the flusher at the end of the tick. */
  flush(): void {
    this.#dirty = false
    if (this.#over) return
    if (this.#tooSlow) {
      this.#metrics?.slowReaders.add()
      this.#fail({ why: 'slow-reader', detail: `${this.queuedBytes} octets waited` })
      return
    }
    if (this.closing || this.#inFlight > 0 || this.#upgrade !== undefined) return
    this.#output.drainTo((bytes, whole) => this.#send(bytes, whole))
  }

  /** After each write: who flushes it, and whether the reader keeps up. */
  #written(): boolean {
    if (!this.#dirty) {
      this.#dirty = true
      flushSoon(this)
    }
    const queued = this.#output.length
    if (queued < earlyFlushBytes) {
      if (this.#inFlight === 0) return true
    } else if (this.#inFlight === 0 && this.#upgrade === undefined) {
      this.#output.drainTo((bytes, whole) => this.#send(bytes, whole))
    }
    const waiting = this.queuedBytes
    if (waiting > this.#limits.queueBytesMax) this.#tooSlow = true
    if (waiting < this.#limits.queueBytesHigh) return true
    this.#wantsDrain = true
    return false
  }

  #send(bytes: Buffer, whole: Buffer): void {
    const socket = this.#socket
    this.bytesSent += bytes.length
    if (this.tls !== undefined) {
      // TLS always finishes later.
      this.#inFlight += bytes.length
      socket.write(bytes, () => this.#sent(bytes.length, whole))
      return
    }
    socket.write(bytes)
    if (socket.writableLength === 0) {
      release(whole)
      return
    }
    // The kernel's buffer is full. An empty write behind it tells when it was taken; a callback on every
    // write would cost each of them a tick.
    this.#inFlight += bytes.length
    socket.write(nothing, () => this.#sent(bytes.length, whole))
  }

  #sent(length: number, whole: Buffer): void {
    if (this.#over) return
    this.#inFlight -= length
    release(whole)
    if (this.#inFlight > 0 || this.closing) return
    if (this.#upgrade !== undefined) {
      if (!this.#upgrade.begun) this.#beginTls()
      return
    }
    if (this.#output.length > 0) this.flush()
    if (this.#wantsDrain && this.queuedBytes === 0) {
      this.#wantsDrain = false
      this.#guard(() => this.#handler?.onDrain?.())
    }
  }

  #own(socket: Socket): void {
    ;(socket as OwnedSocket)[owner] = this
    socket.on('data', onData)
    socket.on('end', onEnd)
    socket.on('error', onError)
    socket.on('close', onClose)
    socket.pause()
  }

  #beginTls(): void {
    const upgrade = this.#upgrade as { context: TlsContext; options: StartTlsOptions; begun: boolean }
    upgrade.begun = true
    const plain = this.#socket
    plain.off('data', onData)
    plain.off('end', onEnd)
    plain.off('close', onClose)
    const secure = upgrade.options.server
      ? serverSocket(plain, upgrade.context, upgrade.options)
      : clientSocket(plain, upgrade.context, upgrade.options)
    this.#socket = secure
    ;(secure as unknown as OwnedSocket)[owner] = this
    secure.on('error', onError)
    secure.on('close', onClose)
    secure.once(upgrade.options.server ? 'secure' : 'secureConnect', () => this.#secured(secure))
  }

  #secured(socket: TLSSocket): void {
    if (this.#over) return
    this.#timer?.cancel()
    this.#timer = undefined
    const server = this.#upgrade?.options.server === true
    this.#upgrade = undefined
    this.tls = tlsInfoOf(socket, server)
    this.#own(socket)
    this.#metrics?.handshakes.add()
    this.lastReceived = this.#clock.monotonic()
    this.#guard(() => this.#handler?.onSecure?.())
    if (this.#over || this.closing) return
    if (!this.#paused && this.#handler !== undefined) socket.resume()
    this.flush()
  }

  /** @internal the four events of the socket */
  received(chunk: Buffer): void {
    this.bytesReceived += chunk.length
    this.lastReceived = this.#clock.monotonic()
    if (this.closing) return
    try {
      this.#handler?.onData(chunk)
    } catch (error) {
      this.#fault(error)
    }
    endLoan(chunk)
  }

  /** @internal */
  peerEnded(): void {
    if (this.#ended) return
    this.#ended = true
    if (this.closing) return
    this.#reason ??= { why: 'peer' }
    if (this.#handler?.onEnd === undefined) this.close({ why: 'peer' })
    else this.#guard(() => this.#handler?.onEnd?.())
  }

  /** @internal 'close' always follows */
  failed(error: NodeJS.ErrnoException): void {
    const tls = this.#upgrade !== undefined || error.code?.startsWith('ERR_SSL') === true
    this.#reason ??= { why: tls ? 'tls' : 'reset', detail: error.message }
  }

  /** @internal */
  closed(): void {
    if (this.#over) return
    this.#over = true
    this.closing = true
    this.#timer?.cancel()
    this.#output.clear()
    if (this.#upgrade !== undefined) this.#metrics?.handshakeFailures.add()
    // A handshake that ends without an error is a far end that hung up in the middle of it.
    this.#reason ??=
      this.#upgrade === undefined ? { why: 'reset' } : { why: 'tls', detail: 'hung up in handshake' }
    const reason = this.#reason
    this.#metrics?.closed.with(reason.why).add()
    try {
      this.#handler?.onClose(reason)
    } catch (error) {
      this.#onFault?.(error, this)
    }
  }

  #fail(reason: CloseReason): void {
    if (this.#over) return
    this.closing = true
    this.#reason = this.#reason?.why === 'us' ? this.#reason : reason
    this.#timer?.cancel()
    this.#output.clear()
    this.#socket.destroy()
  }

  #guard(call: () => void): void {
    try {
      call()
    } catch (error) {
      this.#fault(error)
    }
  }

  #fault(error: unknown): void {
    this.#onFault?.(error, this)
    this.#fail({ why: 'fault', detail: error instanceof Error ? error.message : String(error) })
  }
}

const nothing = new Uint8Array(0)

function onData(this: Socket, chunk: Buffer): void {
  ;(this as OwnedSocket)[owner].received(chunk)
}

function onEnd(this: Socket): void {
  ;(this as OwnedSocket)[owner].peerEnded()
}

function onError(this: Socket, error: NodeJS.ErrnoException): void {
  ;(this as OwnedSocket)[owner].failed(error)
}

function onClose(this: Socket): void {
  ;(this as OwnedSocket)[owner].closed()
}
