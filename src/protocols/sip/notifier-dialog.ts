// One subscription of a SIP watcher, the notifier's side, whatever the event package: RFC 6665 §4.2.

import { type Bytes, noBytes } from '#base'
import type { TerminationReason } from '#core'
import type { Address } from '#model'
import { fieldText } from './codec/encode.ts'
import { ownText } from './codec/grammar.ts'
import type { SipRequest, SipResponse } from './codec/message.ts'
import { withBody } from './codec/splice.ts'
import { ownUri, type SipContext, viaFor } from './context.ts'
import { afterRequest, type Dialog, dialogKey, nextRequest } from './dialog.ts'
import type { Flow } from './flow.ts'
import type { ResponseHandler } from './transaction/client-transaction.ts'

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

/** What is the same in all NOTIFYs of a dialog while its target and route stay. */
interface Lines {
  readonly start: string
  /** Max-Forwards to Contact, without CSeq and Subscription-State. */
  readonly fixed: string
}

export abstract class NotifierDialog implements ResponseHandler {
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
  #sequence = 0
  #lines: Lines | undefined
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
    this.#lines = undefined
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

  /** Hot path of a change with many watchers: what stays is written once a dialog. */
  #send(): void {
    const saying = this.#waiting
    if (saying === undefined) return
    this.#waiting = undefined
    const { layer } = this.context
    const branch = layer.newBranch()
    const body = saying.body?.()
    this.#inFlight = true
    if (!layer.request(this.#flow, 'NOTIFY', branch, this.#octets(branch, saying.reason, body), this))
      this.#sendLater({ ...saying, body: body === undefined ? undefined : () => body })
  }

  #octets(branch: string, reason: EndReason | undefined, body: Bytes | undefined): Buffer {
    this.#lines ??= this.#fixedLines()
    const { start, fixed } = this.#lines
    const head = `${start}Via: ${viaFor(this.#flow, branch)}\r\n${fixed}CSeq: ${++this.#sequence} NOTIFY\r\nSubscription-State: ${this.#subscriptionState(reason)}\r\n`
    if (body === undefined) return withBody(`${head}Content-Length: 0\r\n`, noBytes, 0)
    const content = `Content-Type: ${this.#package.mediaType}\r\nContent-Length: ${body.length}\r\n`
    return withBody(head + content, body, 0)
  }

  /** RFC 3261 §12.2.1.1. */
  #fixedLines(): Lines {
    const { uri, routes = [], from, to, callId } = nextRequest(this.#dialog).parts
    const event = this.eventId === undefined ? this.#package.name : `${this.#package.name};id=${this.eventId}`
    const fields = [
      'Max-Forwards: 70',
      ...routes.map((route) => `Route: ${route}`),
      `From: ${from}`,
      `To: ${to}`,
      `Call-ID: ${callId}`,
      // RFC 6665 §8.2.1: an id may have been a quoted string.
      `Event: ${fieldText(event)}`,
      `Contact: <${fieldText(ownUri(this.#flow))}>`,
    ]
    return {
      start: ownText(`NOTIFY ${uri} SIP/2.0\r\n`),
      fixed: ownText(`${fields.join('\r\n')}\r\n`),
    }
  }

  onResponse(response: SipResponse): void {
    if (response.status >= 200) this.#answered(response.status)
  }

  onFailure(): void {
    this.#answered(408)
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

  #subscriptionState(reason: EndReason | undefined): string {
    if (reason !== undefined)
      // RFC 6665 §4.1.3: probation names when to come again.
      return `terminated;reason=${reason}${reason === 'probation' ? ';retry-after=30' : ''}`
    const left = Math.max(0, Math.ceil((this.#due - this.context.service.clock.monotonic()) / 1000))
    return `${this.#state};expires=${left}`
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
