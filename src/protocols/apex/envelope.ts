// Data of this protocol as the core's envelope: the payload for its one recipient octet for octet, its content, what it says.

import { type Bytes, ownBytes } from '#base'
import { type DeliveryAnswer, ServiceError } from '#core'
import type { Content, Envelope, Head, InstantMessage, PresenceDocument, Report } from '#model'
import { childFrame, selfContainedChild } from '#wire/xml'
import {
  contentOfPart,
  controlOf,
  type Data,
  type Payload,
  partOf,
  readMessage,
  readPayloadBytes,
  wordsOf,
} from './codec/index.ts'
import { revivePresence } from './presence-envelope.ts'

/** A payload that is data, and what it says. */
export interface ReadData {
  readonly payload: Payload
  readonly data: Data
}

/** Who wants to know what applications do with data that they were given. In memory alone. */
export interface DeliveryWatch {
  /** One has it, and has not answered. */
  held(): void
  /** It takes long to. */
  late(): void
  /** It has. */
  word(answer: DeliveryAnswer): void
}

export class ApexEnvelope implements Envelope {
  readonly head: Head
  readonly raw: Bytes
  readonly watch: DeliveryWatch | undefined
  #read: ReadData | undefined
  #content: Content | 'none' | undefined
  #view: InstantMessage | undefined
  #kept: ApexEnvelope | undefined

  constructor(
    head: Head,
    raw: Bytes,
    { read, watch }: { read?: ReadData; watch?: DeliveryWatch | undefined } = {},
  ) {
    this.head = head
    this.watch = watch
    this.raw = raw
    this.#read = read
  }

  get read(): ReadData {
    this.#read ??= dataOf(this.head, this.raw)
    return this.#read
  }

  content(): Content | undefined {
    this.#content ??= contentOf(this.read) ?? 'none'
    return this.#content === 'none' ? undefined : this.#content
  }

  view(): InstantMessage & Report & PresenceDocument {
    this.#view ??= this.#message()
    return this.#view as InstantMessage & Report & PresenceDocument
  }

  keep(): ApexEnvelope {
    if (this.#kept === undefined) {
      this.#kept = new ApexEnvelope(this.head, ownBytes(this.raw), { watch: this.watch })
      this.#kept.#kept = this.#kept
    }
    return this.#kept
  }

  #message(): InstantMessage {
    const { payload, data } = this.read
    const { from, to, id } = this.head
    const part = partOf(payload, data.content)
    const content = this.content()
    const { body, subject, isText } = wordsOf(part, content)
    return {
      from,
      to,
      id,
      thread: '',
      kind: 'chat',
      subject,
      body,
      ...(content !== undefined && !isText && { content }),
    }
  }
}

/** The content octet for octet: a part with its fields, or the XML of data-content as a document of its own (RFC 3340 §4.1). */
function contentOf({ payload, data }: ReadData): Content | undefined {
  const part = partOf(payload, data.content)
  if (part !== undefined) return contentOfPart(part)
  if (data.inline === undefined) return undefined
  const { frame } = data
  const inside = childFrame(frame, frame.findChild('data-content', ''))
  return { type: 'application/xml', bytes: selfContainedChild(inside, 0), fields: [] }
}

/** The envelope of data that the store or another machine held. @throws ServiceError when it is none of this protocol. */
export function reviveEnvelope(head: Head, raw: Bytes): Envelope {
  if (head.kind === 'presence') return revivePresence(head, raw)
  return new ApexEnvelope(head, raw, { read: dataOf(head, raw) })
}

function dataOf({ id }: Head, raw: Bytes): ReadData {
  const payload = readPayloadBytes(raw)
  const message = 'body' in payload ? readMessage(controlOf(payload)) : payload
  if ('body' in payload && 'kind' in message && message.kind === 'data') return { payload, data: message }
  throw new ServiceError('internal-fault', 'kept octets are no data of APEX', { id })
}
