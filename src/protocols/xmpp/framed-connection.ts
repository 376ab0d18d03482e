// A web socket (RFC 7395) as a connection of octets: frames of the client become the octets of a stream, each write becomes a frame.
import type { Bytes } from '#base'
import { utf8 } from '#base'
import type { CloseReason, Connection, ConnectionHandler, Endpoint, TlsInfo, WebConnection } from '#net'
import { type ClientFrame, frameOf, frameOfOctets, readFrame } from './codec/framing.ts'
import { type StreamCondition, streamEnd } from './codec/stream-text.ts'
import { streamErrorOfXml } from './errors.ts'

export class FramedConnection implements Connection {
  readonly #web: WebConnection
  readonly #octetsMax: number
  /** Told of a frame that no stream may hold; set by whoever owns it. */
  onBadFrame: (condition: StreamCondition) => void = () => {}
  /** RFC 7395 §3.4, §3.7: the next frame must be an <open/>. */
  #expectsOpen = true

  constructor(web: WebConnection, octetsMax: number) {
    this.#web = web
    this.#octetsMax = octetsMax
  }

  get id(): string {
    return this.#web.id
  }

  get remote(): Endpoint {
    return this.#web.remote
  }

  get local(): Endpoint {
    return this.#web.local
  }

  get tls(): TlsInfo | undefined {
    return this.#web.tls
  }

  get bytesReceived(): number {
    return this.#web.bytesReceived
  }

  get bytesSent(): number {
    return this.#web.bytesSent
  }

  get lastReceived(): number {
    return this.#web.lastReceived
  }

  get queuedBytes(): number {
    return this.#web.queuedBytes
  }

  get closing(): boolean {
    return this.#web.closing
  }

  start(handler: ConnectionHandler): void {
    this.#web.start({
      onData: (message) => this.#received(handler, readFrame(message, { bytesMax: this.#octetsMax })),
      onDrain: () => handler.onDrain?.(),
      onClose: (reason) => handler.onClose(reason),
    })
  }

  #received(handler: ConnectionHandler, frame: ClientFrame): void {
    switch (frame.kind) {
      case 'open':
        if (!this.#expectsOpen) return this.onBadFrame('bad-format')
        this.#expectsOpen = false
        return handler.onData(frame.octets)
      case 'element':
        if (this.#expectsOpen) return this.onBadFrame('bad-format')
        return handler.onData(frame.octets)
      case 'close':
        // Before a stream there is nothing to end but the connection.
        return this.#expectsOpen ? handler.onEnd?.() : handler.onData(endOctets)
      case 'text':
        return this.onBadFrame('bad-format')
      case 'stray':
      case 'undeclared':
        return this.onBadFrame('invalid-namespace')
      case 'fault':
        return this.onBadFrame(streamErrorOfXml[frame.family])
    }
  }

  write(unit: Bytes): boolean {
    return this.#send(frameOfOctets(unit))
  }

  writeAscii(unit: string): boolean {
    return this.writeUtf8(unit)
  }

  writeUtf8(unit: string): boolean {
    // RFC 7395 §3.7: success ends the stream, and a new one follows.
    if (unit.startsWith('<success')) this.#expectsOpen = true
    return this.#send(frameOf(unit))
  }

  #send(frame: string): boolean {
    const goesOn = this.#web.writeUtf8(frame)
    this.#web.endMessage()
    return goesOn
  }

  pause(): void {
    this.#web.pause()
  }

  resume(): void {
    this.#web.resume()
  }

  startTls(): void {
    throw new Error('a web socket has TLS from its start, or never')
  }

  close(reason?: CloseReason): void {
    this.#web.close(reason)
  }

  destroy(reason?: CloseReason): void {
    this.#web.destroy(reason)
  }
}

const endOctets = utf8(streamEnd)
