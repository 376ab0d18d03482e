// A Connection over a web socket: messages in, messages out, those of one tick in one write.

import { isUtf8 } from 'node:buffer'
import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import { type Bytes, type Clock, concat, type Timer } from '#base'
import {
  type CloseReason,
  type CloseWhy,
  type ConnectionHandler,
  type ConnectionLimits,
  defaultConnectionLimits,
  type Endpoint,
  plainAddress,
} from './connection.ts'
import { endLoan } from './loan.ts'
import type { NetMetrics } from './net-metrics.ts'
import { flushSoon, Output } from './output.ts'
import type { TlsInfo } from './tls-info.ts'
import type { WebConnection, WebOffer } from './web-offer.ts'

/** RFC 6455 §7.4.1. What is cut has none. */
const normal = 1000
const unsupportedData = 1003
const closeCodes: Readonly<Partial<Record<CloseWhy, number>>> = { shutdown: 1001, fault: 1011, limit: 1008 }

let lastId = 0

export interface WebSocketConnectionOptions {
  readonly offer: WebOffer
  /** Of the client, behind whatever proxies. */
  readonly remote: Endpoint
  readonly tls: TlsInfo | undefined
  readonly clock: Clock
  readonly limits: Partial<ConnectionLimits> | undefined
  readonly metrics: NetMetrics | undefined
  readonly onFault: ((error: unknown, connection: WebConnection) => void) | undefined
}

export class WebSocketConnection implements WebConnection {
  readonly id = `w${++lastId}`
  readonly remote: Endpoint
  readonly local: Endpoint
  readonly subprotocol: string
  readonly tls: TlsInfo | undefined
  bytesReceived = 0
  bytesSent = 0
  lastReceived: number
  closing = false

  readonly #webSocket: WebSocket
  readonly #socket: Socket
  readonly #options: WebSocketConnectionOptions
  readonly #limits: ConnectionLimits
  readonly #binary: boolean
  readonly #output = new Output()
  #handler: ConnectionHandler | undefined
  /** Messages that were on the way when reading was to stop. */
  #held: Buffer[] = []
  #corked = false
  #dirty = false
  #tooSlow = false
  #wantsDrain = false
  #paused = false
  #over = false
  #reason: CloseReason | undefined
  #timer: Timer | undefined

  /** @param socket what carries `webSocket`, TCP or TLS */
  constructor(webSocket: WebSocket, socket: Socket, options: WebSocketConnectionOptions) {
    this.#webSocket = webSocket
    this.#socket = socket
    this.#options = options
    this.#limits = { ...defaultConnectionLimits, ...options.limits }
    this.#binary = options.offer.kind !== 'text'
    this.remote = options.remote
    this.local = { address: plainAddress(socket.localAddress ?? ''), port: socket.localPort ?? 0 }
    this.subprotocol = options.offer.subprotocol
    this.tls = options.tls
    this.lastReceived = options.clock.monotonic()
    socket.setNoDelay(true)
    webSocket.on('message', (data, isBinary) => this.#received(data as Buffer, isBinary))
    webSocket.on('ping', () => this.#pinged())
    webSocket.on('pong', () => this.#heard())
    webSocket.on('error', (error) => this.#failed(error))
    webSocket.on('close', (code, text) => this.#closed(code, text))
  }

  get queuedBytes(): number {
    return this.#output.length + this.#socket.writableLength
  }

  start(handler: ConnectionHandler): void {
    this.#handler = handler
    if (this.#over) {
      queueMicrotask(() => handler.onClose(this.#reason ?? { why: 'reset' }))
      return
    }
    if (this.#held.length > 0) queueMicrotask(() => this.#release())
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

  endMessage(): void {
    if (this.closing || this.#output.length === 0) return
    this.#sendMessage()
  }

  pause(): void {
    this.#paused = true
    this.#webSocket.pause()
  }

  resume(): void {
    this.#paused = false
    if (this.#held.length > 0) queueMicrotask(() => this.#release())
    else this.#webSocket.resume()
  }

  startTls(): void {
    throw new Error('a web socket has TLS from its start, or never')
  }

  close(reason: CloseReason = { why: 'us' }): void {
    this.#close(reason, closeCodes[reason.why] ?? normal)
  }

  destroy(reason: CloseReason = { why: 'destroyed' }): void {
    if (this.#over) return
    this.closing = true
    this.#reason = this.#reason?.why === 'us' ? this.#reason : reason
    this.#output.clear()
    this.#held = []
    this.#webSocket.terminate()
  }

  /** Asks a silent far end whether it lives, and cuts one that does not say so. */
  keepAlive(now: number, silence: number): void {
    const silent = now - this.lastReceived
    if (silent >= silence * 2) this.destroy({ why: 'reset', detail: 'no answer to a ping' })
    else if (silent >= silence && !this.closing) this.#webSocket.ping()
  }

  /** Called by the flusher at the end of the tick. */
  flush(): void {
    this.#dirty = false
    if (this.#over) return
    if (this.#tooSlow) {
      this.#options.metrics?.slowReaders.add()
      this.destroy({ why: 'slow-reader', detail: `${this.queuedBytes} octets waited` })
      return
    }
    if (this.#options.offer.framing === 'stream') this.#sendStream()
    this.#uncork()
  }

  #close(reason: CloseReason, code: number): void {
    if (this.closing) return
    if (this.#output.length > 0) this.#sendMessage()
    this.#uncork()
    this.closing = true
    this.#reason ??= reason
    this.#held = []
    this.#webSocket.close(code)
    this.#linger()
  }

  #written(): boolean {
    if (!this.#dirty) {
      this.#dirty = true
      flushSoon(this)
    }
    const waiting = this.queuedBytes
    if (waiting > this.#limits.queueBytesMax) this.#tooSlow = true
    if (waiting < this.#limits.queueBytesHigh) return true
    this.#wantsDrain = true
    return false
  }

  /** All that waits is one message. */
  #sendMessage(): void {
    const parts: Buffer[] = []
    this.#output.drainTo((bytes) => parts.push(bytes))
    this.#send(parts.length === 1 ? (parts[0] as Buffer) : concat(parts))
    // An end that comes in a tick without a write of its own.
    if (!this.#dirty) {
      this.#dirty = true
      flushSoon(this)
    }
  }

  /** Where a message's end means nothing, each segment may be one. */
  #sendStream(): void {
    this.#output.drainTo((bytes) => this.#send(bytes))
  }

  #send(bytes: Bytes): void {
    if (!this.#corked) {
      this.#corked = true
      this.#socket.cork()
    }
    this.bytesSent += bytes.length
    // The library keeps what the kernel has not taken: the buffer is not given back to the pool.
    const binary = this.#binary && !(this.#options.offer.prefersText === true && isUtf8(bytes))
    this.#webSocket.send(bytes, { binary })
  }

  #uncork(): void {
    if (this.#corked) {
      this.#corked = false
      this.#socket.uncork()
    }
    if (this.#wantsDrain && !this.closing) this.#socket.write(nothing, (error) => this.#drained(error))
  }

  #drained(error: Error | null | undefined): void {
    if (error || !this.#wantsDrain || this.closing || this.queuedBytes > 0) return
    this.#wantsDrain = false
    this.#guard(() => this.#handler?.onDrain?.())
  }

  #heard(): void {
    this.lastReceived = this.#options.clock.monotonic()
  }

  /** LIMIT: 60 pongs may wait, by the library's measure: who asks for more without reading them is cut by it. */
  #pinged(): void {
    this.#heard()
    if (this.closing || this.#webSocket.readyState === this.#webSocket.OPEN) return
    this.#options.metrics?.slowReaders.add()
    this.destroy({ why: 'slow-reader', detail: 'too many pongs waited' })
  }

  #received(data: Buffer, isBinary: boolean): void {
    this.bytesReceived += data.length
    this.lastReceived = this.#options.clock.monotonic()
    if (this.closing) return
    const { kind, framing } = this.#options.offer
    if (data.length === 0 && framing === 'stream') return
    if (kind !== 'either' && isBinary !== this.#binary) {
      this.#close({ why: 'limit', detail: `a message that is not ${kind}` }, unsupportedData)
      return
    }
    if (this.#paused || this.#handler === undefined || this.#held.length > 0) {
      this.#webSocket.pause()
      this.#held.push(data)
      return
    }
    this.#handOver(data)
  }

  /** What was held back, in order, until reading is to stop again. */
  #release(): void {
    while (!this.#paused && !this.closing && this.#held.length > 0)
      this.#handOver(this.#held.shift() as Buffer)
    if (!this.#paused && !this.closing) this.#webSocket.resume()
  }

  #handOver(data: Buffer): void {
    this.#guard(() => this.#handler?.onData(data))
    endLoan(data)
  }

  /** 'close' always follows, with the code that was sent. */
  #failed(error: Error & { code?: string }): void {
    const tooMuch = tooMuchCodes.includes(error.code ?? '')
    this.#reason ??= { why: tooMuch ? 'limit' : 'reset', detail: error.message }
    this.closing = true
    this.#linger()
  }

  #closed(code: number, text: Buffer): void {
    if (this.#over) return
    this.#over = true
    this.closing = true
    this.#timer?.cancel()
    this.#output.clear()
    this.#held = []
    this.#reason ??= code === abnormal ? { why: 'reset' } : { why: 'peer', detail: `${code} ${text}`.trim() }
    this.#options.metrics?.closed.with(this.#reason.why).add()
    try {
      this.#handler?.onClose(this.#reason)
    } catch (error) {
      this.#options.onFault?.(error, this)
    }
  }

  /** The far end has a while to close too. */
  #linger(): void {
    // Its goodbye is read even where nothing else was to be.
    this.#webSocket.resume()
    this.#timer?.cancel()
    this.#timer = this.#options.clock.schedule(this.#limits.lingerSecondsMax * 1000, () =>
      this.#webSocket.terminate(),
    )
  }

  #guard(call: () => void): void {
    try {
      call()
    } catch (error) {
      this.#options.onFault?.(error, this)
      this.destroy({ why: 'fault', detail: error instanceof Error ? error.message : String(error) })
    }
  }
}

/** The library's names for what met a limit of ours. */
const tooMuchCodes = [
  'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH',
  'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH',
  'WS_ERR_TOO_MANY_BUFFERED_PARTS',
]

const nothing = new Uint8Array(0)

/** RFC 6455 §7.1.5: the connection went without a Close frame. */
const abnormal = 1006
