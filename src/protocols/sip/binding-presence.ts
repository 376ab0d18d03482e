// Presence between SIP and the model: PUBLISH as an envelope, a registration as presence, what a NOTIFY holds
// (RFC 3856, RFC 3863, RFC 3903, RFC 8048).

import { createHash } from 'node:crypto'
import { type Bytes, ownBytes } from '#base'
import { type PresenceNotification, ServiceError } from '#core'
import {
  type Address,
  addressOfUri,
  type Content,
  type Head,
  type PresenceDocument,
  type PresenceEnvelope,
  presUri,
  sipUri,
} from '#model'
import { parsePidf, pidfMediaType, writePidf } from '#wire/pidf'
import { encodeRequest } from './codec/encode.ts'
import { contentTypeText } from './codec/headers.ts'
import { bodyOf, parseMessage, type SipRequest } from './codec/message.ts'

/** What a device says of its presence: a PUBLISH (RFC 3903), its own or one that we write for it. */
export class SipPresenceEnvelope implements PresenceEnvelope {
  readonly head: Head
  readonly request: SipRequest
  readonly saidByContent = true
  #view: PresenceDocument | undefined
  #kept = false

  constructor(head: Head, request: SipRequest, view?: PresenceDocument) {
    this.head = head
    this.request = request
    this.#view = view
  }

  get raw(): Bytes {
    return this.request.raw
  }

  content(): Content | undefined {
    const type = contentTypeText(this.request)
    return type === undefined ? undefined : { type, bytes: bodyOf(this.request), fields: [] }
  }

  view(): PresenceDocument {
    if (this.#view === undefined) {
      // Out of the store, where only a permanent value would be: no activity of it is still on for being timed.
      const document = parsePidf(bodyOf(this.request), { now: Number.POSITIVE_INFINITY })
      if ('fault' in document)
        throw new ServiceError('internal-fault', 'a held PIDF document is not readable', { ...document })
      this.#view = document
    }
    return this.#view
  }

  keep(): SipPresenceEnvelope {
    if (this.#kept) return this
    const request = { ...this.request, raw: ownBytes(this.request.raw) }
    const kept = new SipPresenceEnvelope(this.head, request, this.#view)
    kept.#kept = true
    return kept
  }
}

function presenceHead(presentity: Address, tuple: string, size: number): Head {
  return {
    protocol: 'sip',
    kind: 'presence',
    from: presentity,
    fromAgent: tuple,
    to: presentity,
    toAgent: '',
    id: '',
    hops: 70,
    size,
    whenAbsent: 'drop',
    whenAgentGone: 'drop',
    storable: false,
    copyable: false,
  }
}

/** A PUBLISH's document as an envelope; undefined when it is no PIDF. */
export function publicationOf(
  request: SipRequest,
  presentity: Address,
  tuple: string,
  now: number,
): SipPresenceEnvelope | undefined {
  const document = parsePidf(bodyOf(request), { now })
  if ('fault' in document) return undefined
  return new SipPresenceEnvelope(presenceHead(presentity, tuple, request.raw.length), request, document)
}

/** A phone that is registered and has published nothing is open, at its contact (RFC 3856 §4: the registration is presence too). */
export function registeredPresence(presentity: Address, tuple: string, contact: string): SipPresenceEnvelope {
  const uri = sipUri(presentity)
  const document: PresenceDocument = {
    entity: presUri(presentity),
    tuples: [{ id: tuple, basic: 'open', notes: [], contact: { uri }, statusExtensions: [], extensions: [] }],
    notes: [],
    extensions: [],
  }
  const octets = encodeRequest({
    method: 'PUBLISH',
    uri,
    via: `SIP/2.0/UDP ${presentity.domain};branch=z9hG4bKregistered`,
    from: `<${uri}>;tag=registered`,
    to: `<${uri}>`,
    callId: 'registered',
    cseq: 1,
    headers: [
      ['Event', 'presence'],
      ['Contact', `<${contact}>`],
    ],
    contentType: pidfMediaType,
    body: writePidf(document),
  })
  const request = parseMessage(octets)
  if (request.kind !== 'request')
    throw new ServiceError('internal-fault', 'a registration could not be shown as presence')
  return new SipPresenceEnvelope(presenceHead(presentity, tuple, octets.length), request, document)
}

/** The tuple of a device that publishes without being registered: one a Call-ID, which a phone keeps (RFC 3903 §4.1). */
export function publishedTuple(callId: string): string {
  return `sip-${createHash('sha256').update(callId).digest('base64url').slice(0, 16)}`
}

const rendered = Symbol('pidf')
const renderedOlder = Symbol('older pidf')

/**
 * The body of a NOTIFY, made once for all watchers of a visibility class. A single document of a SIP device that may be seen whole
 * goes out byte for byte (RFC 3856 §6.7 wants PIDF; nothing that the device said is lost); otherwise one is composed.
 */
export function pidfOf(notification: PresenceNotification, form: 'pidf' | 'older' = 'pidf'): Bytes {
  if (form === 'older')
    return notification.once(renderedOlder, () => writePidf(notification.document(), form))
  return notification.once(rendered, () => {
    const only = notification.sources.length === 1 ? notification.sources[0]!.source : undefined
    const content = notification.visibility === 'full' ? only?.content() : undefined
    const isPidf = content?.type.toLowerCase().startsWith(pidfMediaType) === true
    return isPidf && content !== undefined && isAbout(only!.view(), notification.presentity)
      ? content.bytes
      : writePidf(notification.document())
  })
}

/** Decision 0098: a document that says it is another's would have its watchers take it for that one's presence. */
function isAbout({ entity }: PresenceDocument, presentity: Address): boolean {
  return addressOfUri(entity)?.key === presentity.key
}
