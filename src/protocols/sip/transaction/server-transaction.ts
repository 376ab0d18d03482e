// One server transaction and what runs it: the machine's effects become octets on a flow and timers.

import type { Flow } from '../flow.ts'
import { type InviteServer, inviteServer, startInviteServer } from './invite-server.ts'
import { type NonInviteServer, nonInviteServer, startNonInviteServer } from './non-invite-server.ts'
import type { Effect, TimerName, Timing } from './step.ts'
import { OwnTimers, type TimerQueues } from './timer-queues.ts'

/** What a transaction needs of its layer. */
export interface ServerLayer {
  readonly timing: Timing
  readonly timers: TimerQueues
  ended(transaction: ServerTransaction): void
  /** It has answered, and what is left of it is to give `response` to retransmissions until Timer J fires. */
  completed(transaction: ServerTransaction, response: Buffer): void
}

export class ServerTransaction {
  readonly key: string
  /** Where responses go: RFC 3261 §18.2.2. */
  readonly flow: Flow
  /** The method is INVITE. */
  readonly invite: boolean
  /** From tag, Call-ID and CSeq, by which a request that came by two ways is found (RFC 3261 §8.2.2.2); '' where it cannot. */
  readonly mergeKey: string
  /** Told of the CANCEL of an INVITE that has no final response yet. */
  onCancel: (() => void) | undefined
  readonly #layer: ServerLayer
  #machine: InviteServer | NonInviteServer
  #response: Buffer | undefined
  #trying: (() => Buffer) | undefined
  readonly #timers = new OwnTimers()

  constructor(
    layer: ServerLayer,
    key: string,
    mergeKey: string,
    flow: Flow,
    invite: boolean,
    trying: () => Buffer,
  ) {
    this.#layer = layer
    this.key = key
    this.mergeKey = mergeKey
    this.flow = flow
    this.invite = invite
    this.#trying = trying
    const start = invite
      ? startInviteServer(flow.reliable, layer.timing)
      : startNonInviteServer(flow.reliable, layer.timing)
    this.#machine = start.state
    this.#run(start.effects)
  }

  /** True once a final response was given. */
  get answered(): boolean {
    return this.#machine.name !== 'trying' && this.#machine.name !== 'proceeding'
  }

  get terminated(): boolean {
    return this.#machine.name === 'terminated'
  }

  /** The same request came again. */
  repeated(): void {
    this.#step({ type: 'request' })
  }

  acknowledged(): void {
    if (this.invite) this.#step({ type: 'ack' })
  }

  /** Answers; of several final responses the first one counts (RFC 3261 §17.2.2). */
  respond(status: number, octets: Buffer): void {
    if (this.answered && !(this.#machine.name === 'accepted' && status >= 200 && status < 300)) return
    this.#response = octets
    this.#step({ type: 'respond', status })
    if (status >= 200) this.#trying = undefined
  }

  fired(timer: TimerName): void {
    this.#step({ type: 'timer', timer })
  }

  /** Ends it without another word: there are too many, or the server stops. */
  drop(): void {
    this.#timers.cancelAll()
    this.#machine = { ...this.#machine, name: 'terminated' }
    this.#layer.ended(this)
  }

  #step(input: { type: string; status?: number; timer?: TimerName }): void {
    const { timing } = this.#layer
    const step = this.invite
      ? inviteServer(this.#machine as InviteServer, input as Parameters<typeof inviteServer>[1], timing)
      : nonInviteServer(
          this.#machine as NonInviteServer,
          input as Parameters<typeof nonInviteServer>[1],
          timing,
        )
    this.#machine = step.state
    this.#run(step.effects)
    if (step.state.name === 'terminated') this.#layer.ended(this)
  }

  #run(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.do === 'send-response') this.#send(this.#response)
      else if (effect.do === 'send-trying') this.#send(this.#trying?.())
      // Timer J is the layer's: the transaction itself is no longer needed.
      else if (effect.do === 'arm' && effect.timer === 'J')
        this.#layer.completed(this, this.#response as Buffer)
      else if (effect.do === 'arm') this.#timers.add(this.#layer.timers.arm(this, effect.timer, effect.after))
      else if (effect.do === 'disarm') this.#timers.cancel(effect.timer)
    }
  }

  /** A flow that is gone ends nothing here: its timers do, and the far end may ask again (RFC 3261 §17.2.4). */
  #send(octets: Buffer | undefined): void {
    if (octets !== undefined) this.flow.send(octets)
  }
}
