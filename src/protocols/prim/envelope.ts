// A request of this protocol as the core's envelope: its octets, its content, what it says (DESIGN: three depths). Made by
// binding.ts, and by the store's revival.

import type { Bytes } from '#base'
import { ServiceError } from '#core'
import type { Content, Head, InstantMessage, PresenceDocument } from '#model'
import { keptRequest } from '#protocols/exchange'
import { RequestEnvelope } from '#wire/exchange'
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

export class PrimEnvelope extends RequestEnvelope<RequestParts> {
  readonly #bodyOctets: number | undefined

  /** @param bodyOctets of its body, where `raw` was just written: it is nobody's loan then */
  constructor(
    head: Head,
    raw: Bytes,
    request: RequestParts | undefined,
    document?: PresenceDocument,
    bodyOctets?: number,
  ) {
    super(head, raw, request, document)
    this.#bodyOctets = bodyOctets
  }

  /** Octets of its body; nothing is read for it where it was just written. */
  get bodyOctets(): number {
    return this.#bodyOctets ?? this.parts.body.length
  }

  override keep(): this {
    return this.#bodyOctets === undefined ? super.keep() : this
  }

  protected parse(): RequestParts {
    return requestOf(this.head, this.raw)
  }

  protected readContent({ headers, body }: RequestParts): Content | undefined {
    return contentOf(headers, body)
  }

  protected readMessage({ headers, body }: RequestParts): InstantMessage {
    return messageOf(headers, body, this.head.from, this.head.to)
  }

  protected readDocument({ headers, body }: RequestParts): PresenceDocument {
    const document = parsePresenceBody(field(headers, 'Content-Type') ?? '', body, anyTime)
    if (typeof document !== 'string') return document
    throw new ServiceError('internal-fault', 'kept presence is not readable', { id: this.head.id, document })
  }

  protected again(raw: Bytes, document: PresenceDocument | undefined): this {
    return new PrimEnvelope(this.head, raw, undefined, document, this.#bodyOctets) as this
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
  return keptRequest(new UnitFramer(noLimits), head, raw)
}
