// One client transaction and what runs it.

import { parseMessage, type SipResponse } from '../codec/message.ts'
import type { Via } from '../codec/via.ts'
import type { Flow } from '../flow.ts'
import { ackOf } from './ack.ts'
import { type InviteClient, inviteClient, startInviteClient } from './invite-client.ts'
import { type NonInviteClient, nonInviteClient, startNonInviteClient } from './non-invite-client.ts'
import type { Effect, TimerName, Timing } from './step.ts'
import { OwnTimers, type TimerQueues } from './timer-queues.ts'

/** Who sent a request learns what became of it: responses as they come, then nothing more, or one of the failures. */
export interface ResponseHandler {
  /** Provisional and final ones, and their topmost Via, which is ours; the octets are a loan until it returns. */
  onResponse(response: SipResponse, via: Via): void
  /** RFC 3261 §8.1.3.1: to be taken as 408 and 503. */
  onFailure(why: 'timeout' | 'transport-error'): void
}

export interface ClientLayer {
  readonly timing: Timing
  readonly timers: TimerQueues
  ended(transaction: ClientTransaction): void
}

export class ClientTransaction {
  readonly key: string
  readonly flow: Flow
  readonly #layer: ClientLayer
  readonly #invite: boolean
  readonly #handler: ResponseHandler
  #machine: InviteClient | NonInviteClient
  #request: Buffer | undefined
  #response: SipResponse | undefined
  #via: Via | undefined
  #ack: Buffer | undefined
  readonly #timers = new OwnTimers()

  constructor(
    layer: ClientLayer,
    key: string,
    flow: Flow,
    invite: boolean,
    octets: Buffer,
    handler: ResponseHandler,
  ) {
    this.#layer = layer
    this.key = key
    this.flow = flow
    this.#invite = invite
    this.#handler = handler
    this.#request = octets
    const start = invite
      ? startInviteClient(flow.reliable, layer.timing)
      : startNonInviteClient(flow.reliable, layer.timing)
    this.#machine = start.state
    this.#start = start.effects
  }

  #start: readonly Effect[]

  /** Sends the request. Apart from the constructor, so that the layer knows of it before an answer can come. */
  begin(): void {
    const effects = this.#start
    this.#start = []
    this.#run(effects)
  }

  answered(response: SipResponse, via: Via): void {
    // Nobody guesses our branches (`newBranch`): who answers is there.
    this.flow.known = true
    this.#response = response
    this.#via = via
    this.#step({ type: 'response', status: response.status })
    this.#response = undefined
    this.#via = undefined
  }

  failed(): void {
    this.#step({ type: 'transport-error' })
  }

  fired(timer: TimerName): void {
    this.#step({ type: 'timer', timer })
  }

  drop(): void {
    this.#forget()
    this.#layer.ended(this)
  }

  #step(input: { type: string; status?: number; timer?: TimerName }): void {
    const { timing } = this.#layer
    const step = this.#invite
      ? inviteClient(this.#machine as InviteClient, input as Parameters<typeof inviteClient>[1], timing)
      : nonInviteClient(
          this.#machine as NonInviteClient,
          input as Parameters<typeof nonInviteClient>[1],
          timing,
        )
    this.#machine = step.state
    // Completed only drops responses that come again (RFC 3261 §17.1.2.2). One that finds no transaction is dropped just the
    // same, so that we choose not to keep it for Timer K; an INVITE's must send its ACK again.
    const isOver = step.state.name === 'terminated' || (!this.#invite && step.state.name === 'completed')
    if (isOver) this.#layer.ended(this)
    this.#run(step.effects)
    if (isOver) this.#forget()
  }

  #forget(): void {
    this.#timers.cancelAll()
    this.#request = undefined
  }

  #run(effects: readonly Effect[]): void {
    for (const effect of effects)
      switch (effect.do) {
        case 'send-request':
          this.#send(this.#request)
          break
        case 'send-ack':
          this.#send(this.#acknowledgement())
          break
        case 'tell-response':
          if (this.#response !== undefined && this.#via !== undefined)
            this.#handler.onResponse(this.#response, this.#via)
          break
        case 'tell-timeout':
          this.#handler.onFailure('timeout')
          break
        case 'tell-transport-error':
          this.#handler.onFailure('transport-error')
          break
        case 'arm':
          this.#timers.add(this.#layer.timers.arm(this, effect.timer, effect.after))
          break
        case 'disarm':
          this.#timers.cancel(effect.timer)
          break
      }
  }

  #send(octets: Buffer | undefined): void {
    if (octets !== undefined && !this.flow.send(octets)) this.failed()
  }

  #acknowledgement(): Buffer | undefined {
    if (this.#ack === undefined && this.#request !== undefined && this.#response !== undefined) {
      const request = parseMessage(this.#request)
      if (request.kind === 'request') this.#ack = ackOf(request, this.#response)
    }
    return this.#ack
  }
}
