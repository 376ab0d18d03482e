// One channel of the APEX profile with a relay of another domain (RFC 3340 §4.4.2, §4.5.2): who it serves, and the data that it brings.

import { text, utf8 } from '#base'
import { type Answered, mayComeBy } from '#core'
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
import type { Element } from '#wire/xml'
import { errorEntity, okEntity } from '../apex-channel.ts'
import { protocolName } from '../binding.ts'
import {
  type Bind,
  codeOf,
  controlOf,
  type Data,
  type EndpointName,
  entityOf,
  errorDocument,
  foreignPersonOf,
  isRefusal,
  isService,
  okDocument,
  type Payload,
  payloadFor,
  readMessage,
  readPayload,
  serviceOf,
} from '../codec/index.ts'
import { elementIn, takeData, type Waiting } from '../operations/data.ts'
import type { Relay } from '../relay.ts'
import { markIn, withoutMark } from './marks.ts'
import type { MeshMetrics } from './metrics.ts'

/** LIMIT: domains that one relay may serve on one channel. */
const bindingsMax = 256

export interface MeshChannelParts {
  readonly relay: Relay
  readonly metrics: MeshMetrics
  /** What was answered to data that may come again. */
  readonly answered: Answered<BeepError | undefined>
  /** Why the far end may not speak for the domain; undefined: it may. */
  readonly refusal: (domain: string) => string | undefined
  /** It speaks for the domain now. */
  readonly onBound: (domain: string) => void
  /** Data in the name of a domain that the far end is not. */
  readonly onForged: (originator: EndpointName) => void
  /** What a service there says to somebody here; false where nobody asked it. */
  readonly onService: (service: EndpointName, to: EndpointName, element: Element | undefined) => boolean
  /** All channels of its session, this one among them. */
  readonly siblings: Set<MeshChannel>
  readonly onDrain?: () => void
  readonly onClosed?: () => void
}

export class MeshChannel implements ChannelHandler {
  readonly #parts: MeshChannelParts
  /** By transID. */
  readonly #bound = new Map<number, string>()

  constructor(parts: MeshChannelParts) {
    this.#parts = parts
    parts.siblings.add(this)
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
    const answer = (error: BeepError | undefined): void => {
      if (error === undefined) replying.positive(okEntity)
      else replying.negative(errorEntity(error))
    }
    const payload = readPayload({ contentType, headers, body })
    if (isBeepError(payload)) return answer(payload)
    this.#take(payload, answer)
  }

  negative(why: 'malformed' | 'too-large'): OutgoingEntity {
    return errorEntity(why === 'malformed' ? beepError(500) : beepError(554, 'the message is too large'))
  }

  onDrain(): void {
    this.#parts.onDrain?.()
  }

  onClosed(): void {
    this.#bound.clear()
    this.#parts.siblings.delete(this)
    this.#parts.onClosed?.()
  }

  #take(payload: Payload, answer: (error: BeepError | undefined) => void): void {
    const message = readMessage(controlOf(payload))
    if (isRefusal(message)) return answer(message)
    switch (message.kind) {
      case 'bind':
        return answer(this.#bind(message))
      case 'terminate':
        return answer(this.#terminate(message.transId))
      case 'data':
        return this.#data(payload, message, answer)
      case 'attach':
        return answer(beepError(537, 'no application attaches here'))
      default:
        return answer(beepError(501, `<${message.kind}> is a reply`))
    }
  }

  #terminate(transId: number): BeepError | undefined {
    // "all associations established by this application over this BEEP session".
    if (transId === 0) for (const channel of this.#parts.siblings) channel.#bound.clear()
    else if (!this.#bound.delete(transId)) return beepError(550, 'unknown transaction-identifier')
    return undefined
  }

  /** §4.4.2. */
  #bind({ relay: domain, transId, options }: Bind): BeepError | undefined {
    if (this.#bound.has(transId)) return { code: 555, text: 'the transaction-identifier is in use' }
    if (this.#parts.refusal(domain) !== undefined) return beepError(537)
    const unknown = options.find(({ mustUnderstand }) => mustUnderstand)
    if (unknown !== undefined) return beepError(504, `option ${unknown.name} is not understood here`)
    if (this.#bound.size >= bindingsMax) return beepError(554, 'too many bindings')
    this.#bound.set(transId, domain)
    this.#parts.onBound(domain)
    return undefined
  }

  /** §4.5.2, the identity function: originators are of domains that it serves. And we carry nothing from others to others. */
  #data(payload: Payload, data: Data, answer: (error: BeepError | undefined) => void): void {
    const { relay, metrics, answered, onForged } = this.#parts
    const { identity } = data.originator
    if (![...this.#bound.values()].includes(identity.domain)) {
      onForged(identity)
      return answer(beepError(537))
    }
    if (!data.recipients.every((recipient) => relay.isOurs(recipient.identity.domain)))
      return answer(beepError(537, 'a recipient is not of this domain'))
    if (!data.recipients.every((recipient) => this.#isAllowed(identity, recipient.identity)))
      return answer(beepError(537, 'the policy for that domain does not allow it'))
    const { shares } = relay.service
    if (!isService(identity) && shares.received(identity.domain, payload.body.length, 0) === 'refused')
      return answer({ code: codeOf['rate-exceeded'], text: 'too much at a time' })
    const mark = markIn(data.options)
    metrics.taken.add()
    if (mark === undefined) {
      const fault = this.#carryOut(payload, data, { onKept: () => answer(undefined) })
      return fault === undefined ? undefined : answer(fault)
    }
    // Decision 0136: answered once it is known what becomes of it, and the same again when it comes again.
    const names = data.recipients.map((recipient) => recipient.identity.written)
    const taken = answered.once(
      [mark, identity.written, ...names].join('\n'),
      answer,
      (respond) =>
        void this.#carryOut(payload, data, { onSettled: (error) => respond(error, error === undefined) }),
    )
    if (taken === 'again') metrics.takenAgain.add()
  }

  /** What services say answers what our own people asked. */
  #isAllowed(originator: EndpointName, recipient: EndpointName): boolean {
    const policy = this.#parts.relay.service.peers.policyFor(originator.domain, recipient.domain)
    if (!policy.allowed || isService(originator)) return policy.allowed
    const service = serviceOf(recipient) === 'presence' ? 'presence' : 'messages'
    return policy.trusted && mayComeBy(policy, service, protocolName)
  }

  /** The error, where there is one before anything was tried; then `onSettled` is told it, too, else what became of the data. */
  #carryOut(payload: Payload, data: Data, waiting: Waiting): BeepError | undefined {
    const { identity } = data.originator
    if (isService(identity)) {
      this.#ofService(payload, data, () => {
        waiting.onSettled?.(undefined)
        waiting.onKept?.()
      })
      return undefined
    }
    const from = foreignPersonOf(identity)
    if (from !== undefined)
      return takeData(this.#parts.relay, { payload, data }, { from, agent: '' }, waiting)
    const error = beepError(553)
    waiting.onSettled?.(error)
    return error
  }

  /**
   * What services say is for us where we asked, else for applications alone, and for those that are attached (§4.4.4.1); but a report waits for who
   * asked for it (§6.2). `onTold` is called once: reports are taken, or kept.
   */
  #ofService(payload: Payload, data: Data, onTold: () => void): void {
    const { relay, onService } = this.#parts
    const { identity } = data.originator
    const element = elementIn({ payload, data })
    let left = 1
    const told = (): void => {
      if (--left === 0) onTold()
    }
    for (const recipient of data.recipients) {
      if (onService(identity, recipient.identity, element)) continue
      const copy = payloadFor(payload, data, { recipient, leaves: false, option: withoutMark })
      if (serviceOf(identity) === 'report' && data.inline !== undefined) {
        left++
        relay.reports.tell(recipient.identity, text(controlOf(copy)), told)
      } else relay.endpoints.find(recipient.identity)?.send(entityOf(copy), () => {})
    }
    told()
  }
}
