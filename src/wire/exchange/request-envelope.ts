// A request with header lines and a body as the core's envelope: its octets, its content, what it says, each made when first asked for. How
// the octets are read is its protocol's.
import { type Bytes, ownBytes } from '#base'
import type { Content, Envelope, Head, InstantMessage, PresenceDocument, Report } from '#model'

export abstract class RequestEnvelope<Request> implements Envelope {
  readonly head: Head
  readonly raw: Bytes
  /** A publication says its document; its id and lease are the request's. */
  readonly saidByContent = true
  /** Undefined while only octets are there. */
  #request: Request | undefined
  #content: Content | 'none' | undefined
  #view: InstantMessage | PresenceDocument | undefined
  #kept: this | undefined

  /** @param document what a publication says, where that was read before */
  constructor(head: Head, raw: Bytes, request: Request | undefined, document?: PresenceDocument) {
    this.head = head
    this.raw = raw
    this.#request = request
    this.#view = document
  }

  /** Reads the octets; throws when they are no request of the protocol. */
  protected abstract parse(): Request
  protected abstract readContent(request: Request): Content | undefined
  protected abstract readMessage(request: Request): InstantMessage
  /** Throws when it can't be read: what came in was read before it was taken. */
  protected abstract readDocument(request: Request): PresenceDocument
  /** Another of its class. */
  protected abstract again(raw: Bytes, document: PresenceDocument | undefined): this

  get parts(): Request {
    this.#request ??= this.parse()
    return this.#request
  }

  content(): Content | undefined {
    this.#content ??= this.readContent(this.parts) ?? 'none'
    return this.#content === 'none' ? undefined : this.#content
  }

  view(): InstantMessage & Report & PresenceDocument {
    this.#view ??=
      this.head.kind === 'presence' ? this.readDocument(this.parts) : this.readMessage(this.parts)
    return this.#view as InstantMessage & Report & PresenceDocument
  }

  keep(): this {
    if (this.#kept === undefined) {
      const document =
        this.head.kind === 'presence' ? (this.#view as PresenceDocument | undefined) : undefined
      this.#kept = this.again(ownBytes(this.raw), document)
      this.#kept.#kept = this.#kept
    }
    return this.#kept
  }
}
