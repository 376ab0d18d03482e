// The octets of one stream with another server, from its first to its last: framing, TLS, time-outs. Who negotiates is above.
import { type Bytes, ownBytes } from '#base'
import type { Lease } from '#core'
import { type CloseReason, type Connection, ReadingPace, type StartTlsOptions, type TlsContext } from '#net'
import { type Frame, Framer } from '#wire/xml'
import { serverAliases } from '../codec/server-stream.ts'
import { type StreamCondition, streamEnd, streamErrorText } from '../codec/stream-text.ts'
import { streamErrorOfXml } from '../errors.ts'
import type { ServersEnvironment } from './environment.ts'

/** LIMIT: octets of a header or element before anybody has proven anything. */
const octetsBeforeProofMax = 16_384

export interface OctetsHandler {
  onHeader(header: Frame): void
  /** A first-level element, on loan. */
  onElement(frame: Frame): void
  onSecure(): void
  /** The far end closed its stream in order. */
  onEnd(): void
  /** What came is no XML for us, or too much of it. */
  onFault(condition: StreamCondition, why: string): void
  /** All that was written is on its way, after more than should wait did. */
  onDrain(): void
  /** Called once: no octet comes or goes any more. `broke`: neither side said goodbye. */
  onOver(why: string, broke: boolean): void
}

export class StreamOctets {
  readonly connection: Connection
  readonly #environment: ServersEnvironment
  readonly #handler: OctetsHandler
  readonly #framer: Framer
  readonly #lease: Lease
  #reading = false
  #over = false
  #isReady = false
  #isSaidGoodbye = false
  /** LIMIT: a domain that sends more than its share is read more slowly, so that it waits and not the others. */
  readonly #pace: ReadingPace
  readonly #held: Bytes[] = []

  constructor(connection: Connection, environment: ServersEnvironment, handler: OctetsHandler) {
    const { settings, service } = environment
    this.connection = connection
    this.#environment = environment
    this.#handler = handler
    this.#pace = new ReadingPace({
      connection,
      clock: service.clock,
      perSecondMax: settings.serverStanzasPerSecondMax,
      onAgain: () => this.#read(),
    })
    this.#framer = new Framer(
      { bytesMax: Math.min(octetsBeforeProofMax, settings.stanzaOctetsMax) },
      serverAliases,
    )
    // LIMIT: whoever does not prove anything is not kept.
    this.#lease = service.leases.grant(settings.negotiationSecondsMax, () =>
      this.#handler.onFault('connection-timeout', 'it did not get ready in time'),
    )
  }

  start(): void {
    this.connection.start({
      onData: (bytes) => this.#receive(bytes),
      onSecure: () => this.#handler.onSecure(),
      onDrain: () => this.#handler.onDrain(),
      onEnd: () => this.#ended('the other side closed the connection', !this.#isSaidGoodbye),
      onClose: (reason) => this.#closed(reason),
    })
  }

  get isOpen(): boolean {
    return !this.#over && !this.connection.closing
  }

  get unread(): number {
    return this.#framer.unreadBeyondSpace
  }

  /** False when as much waits for the other side to read as should (`onDrain` follows). */
  write(bytes: Bytes): boolean {
    return this.connection.write(bytes)
  }

  writeUtf8(text: string): void {
    this.connection.writeUtf8(text)
  }

  /** It carries stanzas from now on. */
  ready(): void {
    if (this.#isReady) return
    this.#isReady = true
    this.#framer.bytesMax = this.#environment.settings.stanzaOctetsMax
    this.#lease.cancel()
  }

  /** The next octet begins a new stream. */
  restart(): void {
    this.#framer.restart()
  }

  startTls(context: TlsContext, options: StartTlsOptions): void {
    this.#framer.restart()
    // RFC 6120 §5.4.3.3: all knowledge from before TLS is discarded.
    this.#framer.discardUnread()
    this.connection.startTls(context, options)
  }

  /** Nothing more is read for so many milliseconds. */
  rest(milliseconds: number): void {
    this.#pace.rest(milliseconds)
  }

  /** Ends the stream, with an error where there is one. */
  close(error: StreamCondition | undefined, why: string): void {
    if (this.#over) return
    if (error !== undefined) this.writeUtf8(streamErrorText(error))
    this.writeUtf8(streamEnd)
    this.connection.close()
    this.#ended(why, false)
  }

  /** Cuts it without a word. */
  destroy(why: string): void {
    this.connection.destroy()
    this.#ended(why, true)
  }

  #receive(bytes: Bytes): void {
    if (this.#pace.isResting) return void this.#held.push(ownBytes(bytes))
    this.#framer.feed(bytes)
    this.#read()
    if (this.#pace.isResting) this.#framer.keepUnread()
  }

  /** Hot path once it is ready. */
  #read(): void {
    if (this.#reading) return
    this.#reading = true
    try {
      while (!this.#over && !this.#pace.isResting) {
        const event = this.#framer.next()
        if (event === 'more') {
          const held = this.#held.shift()
          if (held === undefined) return
          this.#framer.feed(held)
        } else if (event === 'stanza') {
          this.#pace.took()
          this.#handler.onElement(this.#framer.frame as Frame)
        } else if (event === 'header') this.#handler.onHeader(this.#framer.header as Frame)
        else if (event === 'end') {
          this.#isSaidGoodbye = true
          return this.#handler.onEnd()
        } else {
          const { fault } = this.#framer
          const condition = fault === undefined ? 'internal-server-error' : streamErrorOfXml[fault.family]
          return this.#handler.onFault(condition, `it wrote what is no XML for us (${fault?.reason})`)
        }
      }
    } finally {
      this.#reading = false
    }
  }

  #closed({ why, detail }: CloseReason): void {
    this.#ended(
      `the connection ended (${detail === undefined ? why : `${why}: ${detail}`})`,
      !this.#isSaidGoodbye,
    )
  }

  #ended(why: string, broke: boolean): void {
    if (this.#over) return
    this.#over = true
    this.#lease.cancel()
    this.#pace.end()
    this.#held.length = 0
    if (!this.connection.closing) this.connection.close()
    this.#handler.onOver(why, broke)
  }
}
