// Two connections joined in memory, for tests: what one writes the other receives at the end of the tick, or
// at once when the test calls flushConnections(). Loans are really loans here: after onData the octets are poisoned.

import { type Bytes, type Clock, SystemClock } from '#base'
import {
  type CloseReason,
  type Connection,
  type ConnectionHandler,
  type ConnectionLimits,
  defaultConnectionLimits,
  type Endpoint,
  type StartTlsOptions,
} from './connection.ts'
import { poison } from './loan.ts'
import { type Flushable, flushAtEnd, Output } from './output.ts'
import type { TlsContext, TlsInfo } from './tls-info.ts'

export interface ConnectionPairOptions {
  readonly clock?: Clock
  readonly limits?: Partial<ConnectionLimits>
  /** The address the first side sees as its remote one, and the second as its local one. */
  readonly remote?: Endpoint
  readonly local?: Endpoint
  /** What `tls` says of both once startTls() was called on both sides. */
  readonly tls?: Partial<TlsInfo>
  /** True when both sides are under TLS from the start. */
  readonly secure?: boolean
}

/** First ours (the server's side), then theirs. */
export function connectionPair(options: ConnectionPairOptions = {}): [Connection, Connection] {
  const remote = options.remote ?? { address: '192.0.2.1', port: 49152 }
  const local = options.local ?? { address: '192.0.2.254', port: 5222 }
  const ours = new PairedConnection(remote, local, options)
  const theirs = new PairedConnection(local, remote, options)
  ours.join(theirs)
  theirs.join(ours)
  return [ours, theirs]
}

let lastPair = 0

class PairedConnection implements Connection, Flushable {
  readonly id = `m${++lastPair}`
  readonly remote: Endpoint
  readonly local: Endpoint
  tls: TlsInfo | undefined
  bytesReceived = 0
  bytesSent = 0
  lastReceived: number
  closing = false

  #other: PairedConnection | undefined
  #handler: ConnectionHandler | undefined
  readonly #clock: Clock
  readonly #limits: ConnectionLimits
  readonly #tlsWhenSecure: TlsInfo
  readonly #output = new Output()
  /** What came and was not handed over yet: the receiver is paused or has not started. */
  #inbox: Buffer[] = []
  #endCame = false
  #endTold = false
  #finish: CloseReason | undefined
  #paused = false
  #dirty = false
  #wantsDrain = false
  #upgrading = false
  #over = false

  constructor(remote: Endpoint, local: Endpoint, options: ConnectionPairOptions) {
    this.remote = remote
    this.local = local
    this.#clock = options.clock ?? new SystemClock()
    this.#limits = { ...defaultConnectionLimits, ...options.limits }
    this.#tlsWhenSecure = { ...memoryTls, ...options.tls }
    if (options.secure === true) this.tls = this.#tlsWhenSecure
    this.lastReceived = this.#clock.monotonic()
  }

  join(other: PairedConnection): void {
    this.#other = other
  }

  get queuedBytes(): number {
    return this.#output.length
  }

  start(handler: ConnectionHandler): void {
    this.#handler = handler
    this.#later()
  }

  write(bytes: Bytes): boolean {
    if (this.closing) return true
    this.#output.write(bytes)
    return this.#written()
  }

  writeAscii(text: string): boolean {
    return this.writeUtf8(text)
  }

  writeUtf8(text: string): boolean {
    if (this.closing) return true
    this.#output.writeUtf8(text)
    return this.#written()
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#later()
    this.#other?.wake()
  }

  startTls(_context: TlsContext, _options: StartTlsOptions): void {
    if (this.closing || this.#upgrading) return
    this.#push()
    this.#upgrading = true
    this.#later()
    this.#other?.wake()
  }

  close(reason: CloseReason = { why: 'us' }): void {
    if (this.closing) return
    this.closing = true
    this.#finish ??= reason
    this.#later()
  }

  destroy(reason: CloseReason = { why: 'destroyed' }): void {
    if (this.#over) return
    this.closing = true
    this.#finish = reason
    this.#output.clear()
    this.#inbox = []
    this.#later()
    this.#other?.broken()
  }

  /** @internal */
  wake(): void {
    this.#later()
  }

  /** @internal the other side was destroyed */
  broken(): void {
    if (this.#over || this.closing) return
    this.closing = true
    this.#finish = { why: 'reset' }
    this.#later()
  }

  /** @internal */
  receive(bytes: Buffer): void {
    this.#inbox.push(Buffer.from(bytes))
    this.#later()
  }

  /** @internal */
  receiveEnd(): void {
    this.#endCame = true
    this.#later()
  }

  /** @internal */
  get reading(): boolean {
    return !this.#over && (this.closing || (this.#handler !== undefined && !this.#paused))
  }

  /** @internal */
  get upgrading(): boolean {
    return this.#upgrading
  }

  /** @internal */
  secured(): void {
    this.#upgrading = false
    this.tls = this.#tlsWhenSecure
    this.#handler?.onSecure?.()
    this.#later()
  }

  /** One step at the end of a tick: write, hand over, end. */
  flush(): void {
    this.#dirty = false
    if (this.#over) return
    if (this.#upgrading) {
      this.#handOver()
      if (this.#other?.upgrading === true) {
        this.#other.secured()
        this.secured()
      }
      if (!this.closing) return
    }
    if (this.queuedBytes > this.#limits.queueBytesMax) {
      this.destroy({ why: 'slow-reader', detail: `${this.queuedBytes} octets waited` })
      return
    }
    this.#push()
    this.#handOver()
    if (this.closing && this.#finish !== undefined && this.queuedBytes === 0) this.#end(this.#finish)
  }

  #push(): void {
    const other = this.#other as PairedConnection
    if (this.#output.length === 0 || (!other.reading && !this.closing)) return
    this.#output.drainTo((bytes) => {
      this.bytesSent += bytes.length
      other.receive(bytes)
    })
    if (!this.#wantsDrain) return
    this.#wantsDrain = false
    this.#handler?.onDrain?.()
  }

  #handOver(): void {
    while (this.#inbox.length > 0 && this.reading) {
      const bytes = this.#inbox.shift() as Buffer
      this.bytesReceived += bytes.length
      this.lastReceived = this.#clock.monotonic()
      if (this.closing) continue
      this.#handler?.onData(bytes)
      bytes.fill(poison)
    }
    if (!this.#endCame || this.#endTold || this.#inbox.length > 0 || !this.reading) return
    this.#endTold = true
    if (this.closing) return
    this.#finish ??= { why: 'peer' }
    if (this.#handler?.onEnd === undefined) this.close({ why: 'peer' })
    else this.#handler.onEnd()
  }

  #end(reason: CloseReason): void {
    this.#over = true
    this.#other?.receiveEnd()
    this.#handler?.onClose(reason)
  }

  #written(): boolean {
    this.#later()
    if (this.queuedBytes < this.#limits.queueBytesHigh) return true
    this.#wantsDrain = true
    return false
  }

  #later(): void {
    if (this.#dirty) return
    this.#dirty = true
    flushAtEnd(this)
  }
}

const memoryTls: TlsInfo = {
  protocol: 'TLSv1.3',
  cipher: 'TLS_AES_128_GCM_SHA256',
  alpn: undefined,
  servername: undefined,
  authorized: false,
  authorizationError: undefined,
  peerCertificate: () => undefined,
  exportKeyingMaterial: (length) => new Uint8Array(length),
  tlsExporter: () => new Uint8Array(32),
  tlsUnique: () => undefined,
  tlsServerEndPoint: () => new Uint8Array(32),
}
