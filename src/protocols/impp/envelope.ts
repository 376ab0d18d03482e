// A request of this protocol as the core's envelope: its octets, its content, what it says (DESIGN: three depths). Made by
// binding.ts, and by the store's revival.

import type { Bytes } from '#base'
import { ServiceError } from '#core'
import type { Content, Head, InstantMessage, PresenceDocument } from '#model'
import { keptRequest } from '#protocols/exchange'
import { RequestEnvelope } from '#wire/exchange'
import type { HeaderLines } from '#wire/header-lines'
import { contentOf, type ImppRequest, messageOf, parsePresenceBody, UnitFramer } from './codec/index.ts'

/** What the envelope needs of a request. */
export interface RequestParts {
  readonly id: string
  readonly headers: HeaderLines
  readonly body: Bytes
}

export class ImppEnvelope extends RequestEnvelope<RequestParts> {
  protected parse(): RequestParts {
    return requestOf(this.head, this.raw)
  }

  protected readContent({ headers, body }: RequestParts): Content | undefined {
    return contentOf(headers, body)
  }

  protected readMessage({ headers, body }: RequestParts): InstantMessage {
    const message = messageOf(headers, body, this.head.from, this.head.to)
    // docs/specs/impp-1.0.md §7.5: without a Message-ID the request-ID serves.
    return { ...message, id: this.head.id }
  }

  protected readDocument({ headers, body }: RequestParts): PresenceDocument {
    const document = parsePresenceBody(headers.get('content-type') ?? '', body, anyTime)
    if (typeof document !== 'string') return document
    throw new ServiceError('internal-fault', 'kept presence is not readable', { id: this.head.id, document })
  }

  protected again(raw: Bytes, document: PresenceDocument | undefined): this {
    return new ImppEnvelope(this.head, raw, undefined, document) as this
  }
}

/** The envelope of a request that the store or another machine held. @throws ServiceError when it is none of this protocol. */
export function reviveEnvelope(head: Head, raw: Bytes): ImppEnvelope {
  return new ImppEnvelope(head, raw, requestOf(head, raw))
}

/** Kept presence means what it said: timed activities in it are not looked at again (no time compares with this). */
const anyTime = Number.NaN

/** Its limits were applied when it came. */
const noLimits = { unitOctetsMax: Number.POSITIVE_INFINITY, discardOctetsMax: 0 }

function requestOf(head: Head, raw: Bytes): ImppRequest {
  return keptRequest(new UnitFramer(noLimits), head, raw)
}
