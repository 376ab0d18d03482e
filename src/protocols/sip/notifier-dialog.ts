// One subscription of a SIP watcher, the notifier's side, whatever the event package: RFC 6665 §4.2.

import type { Bytes } from '#base'
import type { TerminationReason } from '#core'
import type { Address } from '#model'
import { encodeRequest, type HeaderLine } from './codec/encode.ts'
import type { SipRequest, SipResponse } from './codec/message.ts'
import { ownUri, type SipContext, viaFor } from './context.ts'
import { afterRequest, type Dialog, dialogKey, nextRequest } from './dialog.ts'
import type { Flow } from './flow.ts'

/** Why a subscription ends; those that RFC 6665 §4.1.3 has beyond the core's. */
export type EndReason = TerminationReason | 'probation'

/** Final responses to NOTIFY that end the subscription: 481 (RFC 6665 §4.2.2) and what RFC 5057 §5.1 counts with it. */
const fatal = new Set([404, 405, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604])

interface Saying {
  /** Made when it is sent: what changed meanwhile is in it. Undefined: no body. */
  readonly body: (() => Bytes) | undefined
  readonly reason: EndReason | undefined
}

/** Until a NOTIFY for which there was no room is tried again. */
const retryMilliseconds = 1000

export interface EventPackage {
  readonly name: string
  /** Of what its NOTIFYs hold. */
  readonly mediaType: string
}

export abstract class NotifierDialog {
  readonly protocol = 'sip'
  readonly watcher: Address
  readonly presentity: Address
  /** The dialog's key, which is the core's SubscriptID. */
  readonly id: string
  protected readonly context: SipContext
  readonly #package: EventPackage
  /** The event header field's id parameter, which our NOTIFYs repeat (RFC 6665 §8.2.1). */
  readonly eventId: string | undefined
  #flow: Flow
  #dialog: Dialog
  #state: 'pending' | 'active' | 'terminated' = 'active'
  /** Clock.monotonic() at which it ends. */
  #due = 0
  #inFlight = false
  /** What is to be said next; only the newest counts, for its body is made when it is sent. */
  #waiting: Saying | undefined

  constructor(
    context: SipContext,
    watcher: Address,
    presentity: Address,
    dialog: Dialog,
    flow: Flow,
    eventId: string | undefined,
    eventPackage: EventPackage,
  ) {
    this.context = context
    this.#package = eventPackage
    this.watcher = watcher
    this.presentity = presentity
    this.#dialog = dialog
    this.#flow = flow
    this.eventId = eventId
    this.id = dialogKey(dialog.callId, dialog.localTag, dialog.remoteTag)
  }

  get state(): 'pending' | 'active' | 'terminated' {
    return this.#state
  }

  get packageName(): string {
    return this.#package.name
  }

  get localTag(): string {
    return this.#dialog.localTag
  }

  /** A SUBSCRIBE in the dialog (RFC 3261 §12.2.2); false when it is out of order. `flow` is where the watcher is now. */
  takes(
    request: SipRequest,
    sequence: number,
    flowTo: (target: string, routes: readonly string[]) => Flow,
  ): boolean {
    const next = afterRequest(this.#dialog, request, sequence)
    if (next === 'out-of-order') return false
    this.#dialog = next
    this.#flow = flowTo(next.target, next.routeSet)
    return true
  }

  /** It was granted for so long, and is pending or active. */
  protected lasts(state: 'pending' | 'active', seconds: number): void {
    this.#state = state
    this.#due = this.context.service.clock.monotonic() + seconds * 1000
  }

  activated(): void {
    if (this.#state === 'pending') this.#state = 'active'
  }

  /** The last NOTIFY (RFC 6665 §4.2.2); with the state where it ends by the watcher's own wish, or was a fetch. */
  finish(reason: EndReason, body: (() => Bytes) | undefined): void {
    if (this.#state === 'terminated') return
    this.#state = 'terminated'
    this.context.subscriptions.remove(this)
    this.#saying({ body, reason })
  }

  /** A body that was made was never sent: the next one comes instead of it. */
  protected skipped(): void {}

  /** Its NOTIFYs are not taken any more: nobody hears the rest (RFC 6665 §4.2.2). */
  protected abstract lost(): void

  /** The server's farewell, or the end of its lease. */
  abstract end(reason: EndReason): void

  protected say(body: (() => Bytes) | undefined): void {
    if (this.#state !== 'terminated') this.#saying({ body, reason: undefined })
  }

  /** Says it now, or when the NOTIFY that is under way was answered: one at a time keeps their order. */
  #saying(saying: Saying): void {
    this.#waiting = saying
    if (!this.#inFlight) this.#send()
  }

  #send(): void {
    const saying = this.#waiting
    if (saying === undefined) return
    this.#waiting = undefined
    const { layer } = this.context
    const { dialog, parts } = nextRequest(this.#dialog)
    this.#dialog = dialog
    const branch = layer.newBranch()
    const body = saying.body?.()
    const octets = encodeRequest({
      ...parts,
      method: 'NOTIFY',
      via: viaFor(this.#flow, branch),
      headers: this.#headers(saying.reason),
      ...(body === undefined ? {} : { contentType: this.#package.mediaType, body }),
    })
    this.#inFlight = true
    const handler = {
      onResponse: (response: SipResponse) => {
        if (response.status >= 200) this.#answered(response.status)
      },
      onFailure: () => this.#answered(408),
    }
    if (!layer.request(this.#flow, 'NOTIFY', branch, octets, handler))
      this.#sendLater({ ...saying, body: body === undefined ? undefined : () => body })
  }

  /** There is no room for a transaction now: the state is not lost, but said a little later, if nothing newer is. */
  #sendLater(saying: Saying): void {
    this.context.service.clock.schedule(retryMilliseconds, () => {
      this.#inFlight = false
      if (this.#waiting !== undefined && saying.body !== undefined) this.skipped()
      this.#waiting ??= saying
      this.#send()
    })
  }

  #headers(reason: EndReason | undefined): HeaderLine[] {
    const { service } = this.context
    const left = Math.max(0, Math.ceil((this.#due - service.clock.monotonic()) / 1000))
    // RFC 6665 §4.1.3: probation names when to come again.
    const retry = reason === 'probation' ? ';retry-after=30' : ''
    const state =
      reason === undefined ? `${this.#state};expires=${left}` : `terminated;reason=${reason}${retry}`
    return [
      ['Event', this.eventId === undefined ? this.#package.name : `${this.#package.name};id=${this.eventId}`],
      ['Subscription-State', state],
      ['Contact', `<${ownUri(this.#flow)}>`],
    ]
  }

  /** RFC 6665 §4.2.2: a NOTIFY that times out, or is answered 481 and the like, ends the subscription. */
  #answered(status: number): void {
    this.#inFlight = false
    if (this.#state !== 'terminated' && (status === 408 || fatal.has(status))) {
      this.#state = 'terminated'
      this.#waiting = undefined
      this.context.subscriptions.remove(this)
      return this.lost()
    }
    this.#send()
  }
}
