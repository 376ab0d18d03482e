// One channel of the APEX profile with a relay of another domain (RFC 3340 §4.4.2, §4.5.2): who it serves, and the data that it brings.

import { utf8 } from '#base'
import {
  type BeepError,
  beepError,
  type ChannelHandler,
  type ChannelStart,
  type Entity,
  isBeepError,
  type OutgoingEntity,
  type Replying,
} from '#protocols/beep'
import { errorEntity, okEntity } from '../apex-channel.ts'
import {
  type Bind,
  controlOf,
  type Data,
  entityOf,
  errorDocument,
  foreignPersonOf,
  isRefusal,
  isService,
  okDocument,
  type Payload,
  readMessage,
  readPayload,
} from '../codec/index.ts'
import { takeData } from '../operations/data.ts'
import type { Relay } from '../relay.ts'

/** LIMIT: domains that one relay may serve on one channel. */
const bindingsMax = 256

export interface MeshChannelParts {
  readonly relay: Relay
  /** Why the far end may not speak for the domain; undefined: it may. */
  readonly refusal: (domain: string) => string | undefined
}

export class MeshChannel implements ChannelHandler {
  readonly #parts: MeshChannelParts
  /** By transID. */
  readonly #bound = new Map<number, string>()

  constructor(parts: MeshChannelParts) {
    this.#parts = parts
  }

  /** A bind may ride in the start (§4.2). */
  begun(start: ChannelStart): void {
    if (start.content.length === 0) return void start.accept(this)
    const message = readMessage(start.content)
    const error = isRefusal(message)
      ? message
      : message.kind === 'bind'
        ? this.#bind(message)
        : beepError(501, 'only bind rides in a start here')
    start.accept(this, utf8(error === undefined ? okDocument : errorDocument(error.code, error.text ?? '')))
  }

  /** The far end was looked for as that domain, and has proven to be. */
  serves(domain: string): void {
    this.#bound.set(0, domain)
  }

  onMessage({ contentType, headers, body }: Entity, replying: Replying): void {
    const payload = readPayload({ contentType, headers, body })
    const error = isBeepError(payload) ? payload : this.#take(payload)
    if (error === undefined) replying.positive(okEntity)
    else replying.negative(errorEntity(error))
  }

  negative(why: 'malformed' | 'too-large'): OutgoingEntity {
    return errorEntity(why === 'malformed' ? beepError(500) : beepError(554, 'the message is too large'))
  }

  #take(payload: Payload): BeepError | undefined {
    const message = readMessage(controlOf(payload))
    if (isRefusal(message)) return message
    switch (message.kind) {
      case 'bind':
        return this.#bind(message)
      case 'terminate':
        if (message.transId === 0) this.#bound.clear()
        else if (!this.#bound.delete(message.transId)) return beepError(550, 'unknown transaction-identifier')
        return undefined
      case 'data':
        return this.#data(payload, message)
      case 'attach':
        return beepError(537, 'no application attaches here')
      default:
        return beepError(501, `<${message.kind}> is a reply`)
    }
  }

  /** §4.4.2. */
  #bind({ relay: domain, transId, options }: Bind): BeepError | undefined {
    if (this.#bound.has(transId)) return { code: 555, text: 'the transaction-identifier is in use' }
    const { relay, refusal } = this.#parts
    const why = refusal(domain)
    if (why !== undefined) {
      relay.service.log.debug('a relay may not bind', { domain, why })
      return beepError(537)
    }
    const unknown = options.find(({ mustUnderstand }) => mustUnderstand)
    if (unknown !== undefined) return beepError(504, `option ${unknown.name} is not understood here`)
    if (this.#bound.size >= bindingsMax) return beepError(554, 'too many bindings')
    this.#bound.set(transId, domain)
    return undefined
  }

  /** §4.5.2, the identity function: originators are of domains that it serves. And we carry nothing from others to others. */
  #data(payload: Payload, data: Data): BeepError | undefined {
    const { relay } = this.#parts
    const { identity } = data.originator
    if (![...this.#bound.values()].includes(identity.domain)) return beepError(537)
    if (!data.recipients.every((recipient) => relay.isOurs(recipient.identity.domain)))
      return beepError(537, 'a recipient is not of this domain')
    if (isService(identity)) return this.#ofService(payload, data)
    const from = foreignPersonOf(identity)
    if (from === undefined) return beepError(553)
    return takeData(relay, { payload, data }, { from, agent: '' })
  }

  /** What services say is for applications alone, and for those that are attached (§4.4.4.1). */
  #ofService(payload: Payload, { recipients }: Data): BeepError | undefined {
    for (const { identity } of recipients)
      this.#parts.relay.endpoints.find(identity)?.send(entityOf(payload), () => {})
    return undefined
  }
}
