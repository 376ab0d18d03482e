// A message of another protocol, as the core has it.

import { type Bytes, text, utf8 } from '#base'
import {
  type Address,
  type Content,
  type Envelope,
  type Head,
  hopsDefault,
  type InstantMessage,
  parseAddress,
} from '#model'

export const otherProtocol = 'other'

class OtherEnvelope implements Envelope {
  readonly head: Head
  readonly raw: Bytes

  constructor(head: Head, raw: Bytes) {
    this.head = head
    this.raw = raw
  }

  content(): Content | undefined {
    return undefined
  }

  view(): InstantMessage {
    const { from, to, id } = this.head
    const body = [{ language: '', text: text(this.raw) }]
    return { from, to, id, thread: '', kind: 'chat', subject: [], body }
  }

  keep(): OtherEnvelope {
    return this
  }
}

export function reviveOther(head: Head, raw: Bytes): Envelope {
  return new OtherEnvelope(head, raw)
}

export function otherMessage(from: string, to: string, id: string): Envelope {
  const raw = utf8(id)
  return new OtherEnvelope(
    {
      protocol: otherProtocol,
      kind: 'message',
      from: parseAddress(from) as Address,
      fromAgent: 'other',
      to: parseAddress(to) as Address,
      toAgent: '',
      id,
      hops: hopsDefault,
      size: raw.length,
      whenAbsent: 'store',
      whenAgentGone: 'inbox',
      storable: true,
      copyable: false,
    },
    raw,
  )
}
