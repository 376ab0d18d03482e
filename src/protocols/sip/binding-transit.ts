// What passes between SIP parties as an envelope of the core's transit: INVITE, OPTIONS and other requests that are neither message nor
// presence. It never becomes anything else: an agent of SIP takes the request itself.

import { type Bytes, ownBytes } from '#base'
import { ServiceError } from '#core'
import type { Address, Content, Envelope, Head } from '#model'
import type { SipRequest } from './codec/message.ts'
import type { Incoming } from './incoming.ts'
import type { RegisteredContact } from './registered-contact.ts'

export class SipTransitEnvelope implements Envelope {
  readonly head: Head
  readonly request: SipRequest
  /** Told which phone it was let through to. */
  readonly reached: (contact: RegisteredContact) => void
  /** Told that it may go to the other domain that it is for. */
  readonly leaves: (() => void) | undefined

  constructor(
    head: Head,
    request: SipRequest,
    reached: (contact: RegisteredContact) => void,
    leaves?: () => void,
  ) {
    this.head = head
    this.request = request
    this.reached = reached
    this.leaves = leaves
  }

  get raw(): Bytes {
    return this.request.raw
  }

  content(): Content | undefined {
    return undefined
  }

  view(): never {
    throw new ServiceError('internal-fault', 'a SIP request in transit says nothing to other protocols', {
      id: this.head.id,
    })
  }

  keep(): SipTransitEnvelope {
    const { head, request, reached, leaves } = this
    if (request.owned) return this
    return new SipTransitEnvelope(
      head,
      { ...request, raw: ownBytes(request.raw), owned: true },
      reached,
      leaves,
    )
  }
}

/** @param toAgent the phone; '' asks only whether anybody may be reached, and why not */
export function transitHead(
  incoming: Incoming,
  from: Address,
  fromAgent: string,
  to: Address,
  toAgent: string,
): Head {
  const { request, parts } = incoming
  return {
    protocol: 'sip',
    kind: 'transit',
    from,
    fromAgent,
    to,
    toAgent,
    id: parts.callId,
    hops: parts.maxForwards ?? 70,
    size: request.raw.length,
    whenAbsent: 'refuse',
    whenAgentGone: 'refuse',
    storable: false,
    copyable: false,
  }
}
