// Data of this protocol as the core's envelope: the payload for its one recipient octet for octet, its content, what it says.

import { type Bytes, ownBytes } from '#base'
import { type Custody, ServiceError } from '#core'
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

export class ApexEnvelope implements Envelope {
  readonly head: Head
  readonly raw: Bytes
  #read: ReadData | undefined
  #content: Content | 'none' | undefined
  #view: InstantMessage | undefined
  #kept: ApexEnvelope | undefined

  /** By which its sender has the core keep it while it is under way. In memory alone. */
  readonly custody: Custody | undefined

  /** @param read what the octets say, where that is known */
  constructor(head: Head, raw: Bytes, { read, custody }: { read?: ReadData; custody?: Custody } = {}) {
    this.head = head
    this.custody = custody
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
      this.#kept = new ApexEnvelope(this.head, ownBytes(this.raw), this.custody && { custody: this.custody })
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
