// A request of this protocol as the core's envelope: its octets, its content, what it says (DESIGN: three depths). Made by
// binding.ts, and by the store's revival.

import { type Bytes, ownBytes } from '#base'
import { ServiceError } from '#core'
import type { Content, Envelope, Head, InstantMessage, PresenceDocument, Report } from '#model'
import type { HeaderLines } from '#wire/header-lines'
import {
  contentOf,
  field,
  messageOf,
  type PrimRequest,
  parsePresenceBody,
  UnitFramer,
} from './codec/index.ts'

/** What the envelope needs of a request. */
export interface RequestParts {
  readonly headers: HeaderLines
  readonly body: Bytes
}

export class PrimEnvelope implements Envelope {
  readonly head: Head
  readonly raw: Bytes
  /** Undefined while only octets are there. */
  #parts: RequestParts | undefined
  #content: Content | 'none' | undefined
  #view: InstantMessage | PresenceDocument | undefined
  #kept: PrimEnvelope | undefined

  constructor(head: Head, raw: Bytes, parts: RequestParts | undefined, document?: PresenceDocument) {
    this.head = head
    this.raw = raw
    this.#parts = parts
    this.#view = document
  }

  get parts(): RequestParts {
    this.#parts ??= requestOf(this.head, this.raw)
    return this.#parts
  }

  content(): Content | undefined {
    this.#content ??= contentOf(this.parts.headers, this.parts.body) ?? 'none'
    return this.#content === 'none' ? undefined : this.#content
  }

  view(): InstantMessage & Report & PresenceDocument {
    this.#view ??= this.head.kind === 'presence' ? this.#document() : this.#message()
    return this.#view as InstantMessage & Report & PresenceDocument
  }

  keep(): PrimEnvelope {
    if (this.#kept === undefined) {
      const document =
        this.head.kind === 'presence' ? (this.#view as PresenceDocument | undefined) : undefined
      this.#kept = new PrimEnvelope(this.head, ownBytes(this.raw), undefined, document)
      this.#kept.#kept = this.#kept
    }
    return this.#kept
  }

  #message(): InstantMessage {
    return messageOf(this.parts.headers, this.parts.body, this.head.from, this.head.to)
  }

  #document(): PresenceDocument {
    const { headers, body } = this.parts
    const document = parsePresenceBody(field(headers, 'Content-Type') ?? '', body, anyTime)
    if (typeof document !== 'string') return document
    throw new ServiceError('internal-fault', 'kept presence is not readable', { id: this.head.id, document })
  }
}

/** The envelope of a request that the store or another machine held. @throws ServiceError when it is none of this protocol. */
export function reviveEnvelope(head: Head, raw: Bytes): PrimEnvelope {
  return new PrimEnvelope(head, raw, requestOf(head, raw))
}

/** Kept presence means what it said: timed activities in it are not looked at again (no time compares with this). */
const anyTime = Number.NaN

/** Its limits were applied when it came. */
const noLimits = { bodyOctetsMax: Number.POSITIVE_INFINITY }

function requestOf(head: Head, raw: Bytes): PrimRequest {
  const framer = new UnitFramer(noLimits)
  framer.push(raw)
  const unit = framer.next()
  if (unit?.kind === 'request' && unit.raw.length === raw.length) return unit
  throw new ServiceError('internal-fault', 'kept octets are no request of PRIM', { id: head.id })
}
