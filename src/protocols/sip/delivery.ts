// One MESSAGE on its way to one phone, and what the phone's answer means (RFC 3428 §7, RFC 3261 §16.7).

import { accepted, type DeliveryAnswer } from '#core'
import type { Condition } from '#model'
import type { LiveMessage } from './binding-message.ts'
import type { SipResponse } from './codec/message.ts'
import { forwardedResponse } from './codec/splice.ts'
import type { Via } from './codec/via.ts'
import type { SipContext } from './context.ts'
import { conditionOf } from './errors.ts'
import type { Flow } from './flow.ts'
import type { RegisteredContact } from './registered-contact.ts'
import type { ResponseHandler } from './transaction/client-transaction.ts'
import { type SetTimer, TimerQueues } from './transaction/timer-queues.ts'

export class Delivery implements ResponseHandler {
  readonly #context: SipContext
  readonly #contact: RegisteredContact
  readonly #live: LiveMessage | undefined
  readonly #type: () => string
  #answer: ((answer: DeliveryAnswer) => void) | undefined
  #deadline: SetTimer | undefined

  constructor(
    context: SipContext,
    contact: RegisteredContact,
    live: LiveMessage | undefined,
    type: () => string,
    answer: (answer: DeliveryAnswer) => void,
  ) {
    this.#context = context
    this.#contact = contact
    this.#live = live
    this.#type = type
    this.#answer = answer
  }

  send(flow: Flow, branch: string, octets: Buffer): void {
    const { layer, settings } = this.#context
    this.#deadline = layer.timers.arm(this, 'answer', settings.answerSeconds * 1000)
    if (!layer.request(flow, 'MESSAGE', branch, octets, this)) this.#settle(declined('resource-limit'))
  }

  onResponse(response: SipResponse, via: Via): void {
    if (response.status < 200) return
    if (response.status >= 300) return this.#settle(this.#refusal(response, via))
    if (this.#live !== undefined && this.#answer !== undefined)
      this.#live.response ??= passedOn(response, via)
    this.#settle(accepted)
  }

  onFailure(why: 'timeout' | 'transport-error'): void {
    this.#settle(declined(why === 'timeout' ? 'remote-timeout' : 'connection-failed'))
  }

  /** The phone said nothing: it is away until it registers again, and its sender must not wait (RFC 4320 §4.2: no late 408). */
  fired(): void {
    if (this.#answer === undefined) return
    this.#contact.wasSilent()
    this.#settle(declined('remote-timeout'))
  }

  #refusal(response: SipResponse, via: Via): DeliveryAnswer {
    const { status } = response
    const condition = conditionOf(status)
    switch (status) {
      // Learnt as capabilities: another device or the store may take it.
      case 405:
      case 501:
        this.#contact.takesNoMessages()
        return declined(condition)
      case 406:
      case 415:
      case 488:
        this.#contact.refusesType(this.#type())
        return declined(condition)
      case 403:
      case 413:
      case 513:
        return this.#refused(response, via, condition)
      default:
        // RFC 3261 §21.6: 6xx is the person's word, for all their devices.
        return status >= 600 ? this.#refused(response, via, condition) : declined(condition)
    }
  }

  #refused(response: SipResponse, via: Via, condition: Condition): DeliveryAnswer {
    const reply = this.#live === undefined ? undefined : passedOn(response, via)
    const detail =
      reply === undefined ? {} : { detail: { protocol: 'sip', code: reply.status, raw: reply.octets } }
    return { kind: 'refused', outcome: { kind: 'refused', condition, ...detail } }
  }

  #settle(answer: DeliveryAnswer): void {
    const tell = this.#answer
    this.#answer = undefined
    if (this.#deadline !== undefined) TimerQueues.cancel(this.#deadline)
    tell?.(answer)
  }
}

export const declined = (condition: Condition): DeliveryAnswer => ({ kind: 'declined', condition })

/** The far end's answer without our Via (RFC 3261 §16.7 step 3). */
function passedOn(response: SipResponse, ours: Via): { status: number; octets: Buffer } {
  return { status: response.status, octets: forwardedResponse(response, ours) }
}
