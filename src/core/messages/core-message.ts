// A message of no protocol's: what the server itself says, or what was sent on to somebody else. Its octets are JSON and never leave the server as
// such: each binding writes its own form, of the content as it is or of what it says.
import { type Bytes, randomId, text, utf8 } from '#base'
import {
  type Address,
  type Content,
  type Envelope,
  type Head,
  hopsDefault,
  type InstantMessage,
} from '#model'
import { ServiceError } from '../service-error.ts'
import { coreProtocol } from './report-envelope.ts'

interface Written {
  readonly view: Omit<InstantMessage, 'from' | 'to' | 'content'>
  readonly content?: { readonly type: string; readonly bytes: string; readonly fields: Content['fields'] }
  /** Whether the content is what the view lacks, too. */
  readonly isViewed?: boolean
}

class CoreMessage implements Envelope {
  readonly head: Head
  readonly raw: Bytes
  readonly #view: InstantMessage
  readonly #content: Content | undefined

  constructor(head: Head, raw: Bytes, view: InstantMessage, content: Content | undefined) {
    this.head = head
    this.raw = raw
    this.#view = view
    this.#content = content
  }

  content(): Content | undefined {
    return this.#content
  }

  view(): InstantMessage {
    return this.#view
  }

  keep(): Envelope {
    return this
  }

  readdressed(head: Head): Envelope {
    return coreMessage({ ...head, protocol: coreProtocol }, this.#view, this.#content)
  }
}

/** The message to whom its new head says; in its own protocol's octets where that can. */
export function readdressed(envelope: Envelope, head: Head): Envelope {
  if (envelope.readdressed !== undefined) return envelope.readdressed(head)
  return coreMessage(
    { ...head, protocol: coreProtocol },
    envelope.view() as InstantMessage,
    envelope.content(),
  )
}

/** What the server tells a person, in the name of its domain. */
export function noticeEnvelope(domain: string, to: Address, subject: string, body: string): Envelope {
  const from: Address = { user: '', domain, key: domain }
  const id = randomId()
  const head: Head = {
    protocol: coreProtocol,
    kind: 'message',
    from,
    fromAgent: '',
    to,
    toAgent: '',
    id,
    hops: hopsDefault,
    size: 0,
    whenAbsent: 'store',
    whenAgentGone: 'inbox',
    storable: true,
    copyable: true,
    // It is about a script: no script is asked about it.
    divertedFrom: [to],
  }
  const said = (text: string) => (text === '' ? [] : [{ language: '', text }])
  const view: InstantMessage = {
    from,
    to,
    id,
    thread: '',
    kind: 'normal',
    subject: said(subject),
    body: said(body),
  }
  return coreMessage(head, view, undefined)
}

function coreMessage(head: Head, view: InstantMessage, content: Content | undefined): Envelope {
  const { from: _, to: __, content: viewed, ...said } = view
  const written: Written = {
    view: said,
    ...(content !== undefined && {
      content: {
        type: content.type,
        bytes: Buffer.from(content.bytes).toString('base64'),
        fields: content.fields,
      },
      isViewed: viewed !== undefined,
    }),
  }
  const raw = utf8(JSON.stringify(written))
  return revived({ ...head, size: raw.length }, raw, written)
}

/** Revives a stored one. */
export function reviveCoreMessage(head: Head, raw: Bytes): Envelope {
  try {
    return revived(head, raw, JSON.parse(text(raw)) as Written)
  } catch (cause) {
    throw new ServiceError('internal-fault', 'a stored message is not readable', { id: head.id }, cause)
  }
}

function revived(head: Head, raw: Bytes, { view, content, isViewed }: Written): Envelope {
  const held =
    content === undefined
      ? undefined
      : { ...content, bytes: new Uint8Array(Buffer.from(content.bytes, 'base64')) }
  const { from, to } = head
  const said = { ...view, from, to, ...(held !== undefined && isViewed === true && { content: held }) }
  return new CoreMessage(head, raw, said, held)
}
