// One channel of the APEX profile with an application: its messages in, the operations that are in progress on it (RFC 3340 §4.3, §4.4).

import { type Bytes, utf8 } from '#base'
import {
  type BeepError,
  beepError,
  beepXmlType,
  type Channel,
  type ChannelHandler,
  type ChannelStart,
  type Entity,
  isBeepError,
  type OutgoingEntity,
  type Replying,
} from '#protocols/beep'
import type { Attachment } from './attachment.ts'
import {
  type ApexMessage,
  controlOf,
  errorDocument,
  isRefusal,
  okDocument,
  type Payload,
  readMessage,
  readPayload,
} from './codec/index.ts'
import type { EdgeSession } from './edge-session.ts'
import { attach } from './operations/attach.ts'
import { takeData } from './operations/data.ts'
import { terminate } from './operations/terminate.ts'
import type { Relay } from './relay.ts'

export class ApexChannel implements ChannelHandler {
  readonly relay: Relay
  readonly session: EdgeSession
  channel: Channel | undefined
  /** By transID; `undefined` while the operation is being decided. */
  readonly #operations = new Map<number, Attachment | undefined>()

  #fresh: Attachment[] = []

  constructor(relay: Relay, session: EdgeSession) {
    this.relay = relay
    this.session = session
  }

  /** The start of the channel; an operation may ride in it (§4.2). */
  begun(start: ChannelStart): void {
    const open = (content?: string): void => {
      this.channel = start.accept(this, content === undefined ? undefined : utf8(content))
      this.ready()
    }
    if (start.content.length === 0) return open()
    const message = readMessage(start.content)
    // §4.2: attach or bind; an operation that fails fails inside the reply (RFC 3080 §3.1.1), the channel is there.
    if (isRefusal(message)) return open(errorDocument(message.code, message.text ?? ''))
    if (message.kind === 'data') return open(errorDocument(501, 'data comes on the channel'))
    this.#perform(message, undefined, (error) =>
      open(error === undefined ? okDocument : errorDocument(error.code, error.text ?? '')),
    )
  }

  onMessage(entity: Entity, replying: Replying): void {
    const { contentType, headers, body } = entity
    const payload = readPayload({ contentType, headers, body })
    if (isBeepError(payload)) return replying.negative(errorEntity(payload))
    const message = readMessage(controlOf(payload))
    if (isRefusal(message)) return replying.negative(errorEntity(message))
    this.#perform(message, payload, (error) => {
      if (error === undefined) replying.positive(okEntity)
      else replying.negative(errorEntity(error))
    })
  }

  negative(why: 'malformed' | 'too-large'): OutgoingEntity {
    return errorEntity(why === 'malformed' ? beepError(500) : beepError(554, 'the message is too large'))
  }

  onDrain(): void {
    for (const attachment of this.#slow()) this.relay.caughtUp(attachment)
  }

  onClosed(): void {
    this.channel = undefined
    for (const attachment of this.#operations.values()) attachment?.end()
    this.#operations.clear()
  }

  /** What is attached by now hears what waits for it, once the channel is open and the application has its answer. */
  ready(): void {
    if (this.channel === undefined) return
    for (const attachment of this.#fresh.splice(0)) {
      this.relay.presence.attached(attachment)
      this.relay.reports.attached(attachment)
      if (attachment.capabilities.messages) this.relay.service.messages.ready(attachment.account)
    }
  }

  isInProgress(transId: number): boolean {
    return this.#operations.has(transId)
  }

  begin(transId: number): void {
    this.#operations.set(transId, undefined)
  }

  end(transId: number): void {
    this.#operations.delete(transId)
  }

  attached(attachment: Attachment): void {
    this.#operations.set(attachment.transId, attachment)
    this.session.attachments.add(attachment)
    this.#fresh.push(attachment)
  }

  detached(attachment: Attachment): void {
    if (this.#operations.get(attachment.transId) === attachment) this.#operations.delete(attachment.transId)
    this.session.attachments.delete(attachment)
  }

  /** False where nothing of that identifier is in progress here. */
  terminated(transId: number): boolean {
    const attachment = this.#operations.get(transId)
    attachment?.end()
    return attachment !== undefined
  }

  #perform(message: ApexMessage, payload: Payload | undefined, answer: (error?: BeepError) => void): void {
    switch (message.kind) {
      case 'attach':
        return attach(this, message, answer)
      case 'bind':
        // Relays come by the listener for them; an application is none.
        return answer(beepError(537, 'no relay binds here'))
      case 'terminate':
        return answer(terminate(this, message))
      case 'data': {
        const sender = this.session.attachedAs(message.originator.identity)
        if (sender === undefined || payload === undefined)
          return answer(beepError(537, 'not attached as the originator'))
        const from = { from: sender.owner, agent: sender.id }
        const fault = takeData(this.relay, { payload, data: message }, from, { onKept: () => answer() })
        return fault === undefined ? undefined : answer(fault)
      }
      default:
        return answer(beepError(501, `<${message.kind}> is a reply`))
    }
  }

  #slow(): readonly Attachment[] {
    return [...this.session.attachments].filter((attachment) => attachment.hasMissed())
  }
}

export const okEntity: OutgoingEntity = { contentType: beepXmlType, body: utf8(okDocument) }

export function errorEntity({ code, text = '' }: BeepError): OutgoingEntity {
  return { contentType: beepXmlType, body: utf8(errorDocument(code, text)) as Bytes }
}
