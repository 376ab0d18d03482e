// One call of ours with somebody of another domain, either end of it: INVITE, its answers and its ACK (RFC 3261 §13), later requests
// (§12.2, §14), and the end (§15). What is said in it is its user's.

import type { Bytes, Timer } from '#base'
import type { HeaderLine } from '../codec/encode.ts'
import type { SipRequest, SipResponse } from '../codec/message.ts'
import { reasonOf } from '../codec/status.ts'
import { contactUri } from '../context.ts'
import { afterRequest, type Dialog, dialogOf, dialogOfResponse } from '../dialog.ts'
import type { Ends } from '../domains/environment.ts'
import type { Flow } from '../flow.ts'
import type { Incoming } from '../incoming.ts'
import { timing } from '../transaction/step.ts'
import type { Outgoing } from './outgoing.ts'
import { endsOf, type Parts, type RequestWish } from './request-wish.ts'
import type { DialogEnd, Opening, UserAgent } from './user-agent.ts'

/** What somebody who drives a call is told. */
export interface CallUser {
  /** A provisional response, 100 excepted. */
  onProgress?(response: SipResponse): void
  /** The first 2xx, of the first INVITE. It is acknowledged, with what is returned. */
  onAccepted(response: SipResponse): Parts | undefined
  /** It was refused (`response`), cancelled, or nobody answered. */
  onRefused(status: number, response: SipResponse | undefined, why: string): void
  /** A request in the dialog, BYE excepted: re-INVITE, INFO... Answered by `answer`, once; 501 where there is nobody to ask. */
  onRequest?(request: SipRequest, answer: (status: number, parts?: Parts) => void): void
  /** The ACK of a 2xx of ours came, with an answer in it where our 2xx had the offer. */
  onAcknowledged?(request: SipRequest): void
  /** It is over: by their BYE, for want of an ACK, or because they know nothing of it any more (481, 408). */
  onEnded(why: 'bye' | 'no-ack' | 'gone'): void
}

/**
 * `calling`: our INVITE has no final answer; `offered`: theirs has none; `accepting`: our 2xx has no ACK yet; `up`; `over`.
 */
type State = 'calling' | 'offered' | 'accepting' | 'up' | 'over'

/** RFC 3261 §13.3.1.4: "If [64*T1] passes without an ACK, the dialog is confirmed, but the session SHOULD be terminated". */
const ackPatience = 64 * timing.t1

export class Call implements DialogEnd {
  readonly ends: Ends
  readonly #agent: UserAgent
  #user: CallUser | undefined
  #state: State
  #dialog: Dialog | undefined
  /** By which the far end was heard last. */
  #flow: Flow | undefined
  /** Our INVITE, while it waits. */
  #invite: Outgoing | undefined
  #opening: Opening | undefined
  /** Their INVITE, while it waits, or waits for its ACK. */
  #incoming: Incoming | undefined
  #retransmission: Timer | undefined
  /** ACKs of ours by CSeq and tag: a 2xx that comes again gets its ACK again (RFC 3261 §13.2.2.4). */
  readonly #acks = new Map<string, () => void>()

  private constructor(agent: UserAgent, ends: Ends, state: State, user: CallUser | undefined) {
    this.#agent = agent
    this.ends = ends
    this.#state = state
    this.#user = user
  }

  static begin(agent: UserAgent, wish: Omit<RequestWish, 'method'>, user: CallUser): Call {
    const call = new Call(agent, endsOf(wish), 'calling', user)
    const opening = agent.opening(wish)
    call.#opening = opening
    agent.add(opening.callId, opening.tag, call)
    call.#invite = agent.send(opening, { ...wish, method: 'INVITE' }, 1, call.ends, {
      onResponse: (response, _via, flow) => call.#answered(response, flow),
      onFailure: (failure, why) => call.#refused(failure === 'timeout' ? 408 : 503, undefined, why),
    })
    return call
  }

  static offered(agent: UserAgent, incoming: Incoming, ends: Ends): Call {
    const call = new Call(agent, ends, 'offered', undefined)
    call.#incoming = incoming
    call.#flow = incoming.flow
    return call
  }

  get isOver(): boolean {
    return this.#state === 'over'
  }

  // What its user does.

  /** A provisional answer to their INVITE. */
  ring(status = 180, parts: Parts = {}): void {
    if (this.#state === 'offered') this.#incoming?.answer(status, this.#dialogHeaders(parts), bodyOf(parts))
  }

  /** 200 to their INVITE, sent again until its ACK comes (RFC 3261 §13.3.1.4). */
  accept(parts: Parts): void {
    const incoming = this.#incoming
    if (this.#state !== 'offered' || incoming === undefined || this.#dialog === undefined) return
    this.#state = 'accepting'
    this.#sendOk(incoming, parts)
  }

  /** Their INVITE is refused. */
  refuse(status: number, parts: Parts = {}): void {
    if (this.#state !== 'offered') return
    this.#incoming?.answer(status, parts.headers ?? [], bodyOf(parts))
    this.#over()
  }

  /** Our INVITE is taken back; who had accepted it meanwhile hears BYE. */
  cancel(): void {
    if (this.#state === 'calling') this.#invite?.cancel()
  }

  /** A request in the dialog; an INVITE is acknowledged with what `onResponse` returns. */
  request(
    method: string,
    parts: Parts,
    onResponse: (response: SipResponse | undefined, status: number) => Parts | undefined,
  ): void {
    if (this.#dialog === undefined || this.#state === 'over') return void onResponse(undefined, 481)
    const { dialog } = this.#agent.sendIn(this.#dialog, method, parts, this.ends, this.#flow, {
      onResponse: (response, _via, flow) => {
        if (response.status < 200) return
        const cseq = dialog.localSequence
        if (method === 'INVITE' && response.status < 300) {
          if (this.#acks.has(`${cseq} `)) return this.#acks.get(`${cseq} `)?.()
          this.#flow = flow
          return this.#acknowledge(dialog, cseq, `${cseq} `, onResponse(response, response.status) ?? {})
        }
        onResponse(response, response.status)
        // RFC 3261 §12.2.1.2: "a 481 [...] or a 408 [...] the UAC SHOULD terminate the dialog".
        if (response.status === 481 || response.status === 408) this.#ended('gone')
      },
      onFailure: () => {
        onResponse(undefined, 408)
        this.#ended('gone')
      },
    })
    this.#dialog = dialog
  }

  /** BYE, CANCEL or a refusal, whichever ends it now. */
  end(parts: Parts = {}): void {
    switch (this.#state) {
      case 'calling':
        return this.cancel()
      case 'offered':
        return this.refuse(603)
      case 'accepting':
      case 'up':
        this.#bye(parts)
        return this.#over()
      case 'over':
    }
  }

  // What comes.

  /** Somebody drives it; before, nothing was said. */
  taken(user: CallUser): void {
    const incoming = this.#incoming
    this.#user = user
    if (incoming === undefined) return
    const { request, parts, toTag } = incoming
    this.#dialog = dialogOf(request, parts, toTag)
    if (this.#dialog === undefined) {
      incoming.answer(400, undefined, { reason: 'Bad Request (one Contact, please)' })
      return this.#refused(400, undefined, 'no usable Contact')
    }
    if (!this.#agent.add(this.#dialog.callId, toTag, this)) {
      incoming.answer(503, [['Retry-After', 5]])
      return this.#refused(503, undefined, 'too many dialogs')
    }
    // RFC 3261 §15.1.2: the INVITE that is cancelled is answered 487.
    incoming.onCancel(() => {
      if (this.#state !== 'offered') return
      incoming.answer(487)
      this.#refused(487, undefined, 'cancelled')
    })
  }

  takes(incoming: Incoming): void {
    const { request, parts } = incoming
    const dialog = this.#dialog
    if (dialog === undefined || parts.fromTag !== dialog.remoteTag) return incoming.answer(481)
    const next = afterRequest(dialog, request, parts.cseq.number)
    if (next === 'out-of-order') return incoming.answer(500)
    // A target refresh is what makes a dialog, no other request (RFC 3261 §12.2).
    this.#dialog = refreshes.has(request.method) ? next : { ...next, target: dialog.target }
    this.#flow = incoming.flow
    if (request.method === 'BYE') {
      incoming.answer(200)
      if (this.#state === 'offered') this.#incoming?.answer(487)
      return this.#ended('bye')
    }
    const user = this.#user
    if (user?.onRequest === undefined) return incoming.answer(501)
    // RFC 3261 §14.2: "a second INVITE before it sends the final response to a first" is 500 with Retry-After.
    if (request.method === 'INVITE' && (this.#state === 'offered' || this.#retransmission !== undefined))
      return incoming.answer(500, [['Retry-After', 2]])
    incoming.keep()
    user.onRequest(incoming.request, (status, answer = {}) => {
      if (incoming.request.method === 'INVITE' && status >= 200 && status < 300)
        this.#sendOk(incoming, answer)
      else incoming.answer(status, answer.headers ?? [], bodyOf(answer))
    })
  }

  acknowledged({ request }: { readonly request: SipRequest }): void {
    if (this.#retransmission === undefined) return
    this.#retransmission.cancel()
    this.#retransmission = undefined
    this.#incoming = undefined
    if (this.#state === 'accepting') this.#state = 'up'
    this.#user?.onAcknowledged?.(request)
  }

  #answered(response: SipResponse, flow: Flow): void {
    const { status } = response
    const user = this.#user
    if (status < 200) {
      if (status > 100 && this.#state === 'calling') user?.onProgress?.(response)
      return
    }
    if (status >= 300) return this.#refused(status, response, reasonOf(status))
    const opening = this.#opening
    const dialog =
      opening === undefined
        ? undefined
        : dialogOfResponse(
            { callId: opening.callId, localTag: opening.tag, local: opening.from, cseq: 1 },
            response,
          )
    // One that makes no dialog cannot be acknowledged: it is as if it had not been said.
    if (dialog === undefined) return this.#refused(502, response, 'a 2xx without a dialog')
    const again = this.#acks.get(dialog.remoteTag)
    if (again !== undefined) return again()
    if (this.#state !== 'calling') return this.#declineFork(dialog, flow)
    this.#state = 'up'
    this.#dialog = dialog
    this.#flow = flow
    const parts = user?.onAccepted(response) ?? {}
    this.#acknowledge(dialog, 1, dialog.remoteTag, parts)
  }

  /** RFC 3261 §13.2.2.4: of several that accept, the first has the call; the others hear ACK and BYE. */
  #declineFork(dialog: Dialog, flow: Flow): void {
    this.#acknowledge(dialog, 1, dialog.remoteTag, {}, flow)
    this.#agent.sendIn(dialog, 'BYE', {}, this.ends, flow, silent)
  }

  #acknowledge(dialog: Dialog, cseq: number, key: string, parts: Parts, flow = this.#flow): void {
    // Until it is sent, one that comes again finds nothing to send.
    this.#acks.set(key, () => undefined)
    this.#agent.acknowledge(dialog, cseq, parts, this.ends, flow, (again) => this.#acks.set(key, again))
  }

  #sendOk(incoming: Incoming, parts: Parts): void {
    const { clock } = this.#agent.environment.service
    const due = clock.monotonic() + ackPatience
    this.#incoming = incoming
    const send = (after: number): void => {
      if (clock.monotonic() >= due) return this.#unacknowledged()
      incoming.answer(200, this.#dialogHeaders(parts), bodyOf(parts))
      const wait = Math.min(after, due - clock.monotonic())
      this.#retransmission = clock.schedule(wait, () => send(Math.min(2 * after, timing.t2)))
    }
    send(timing.t1)
  }

  #unacknowledged(): void {
    this.#bye({})
    this.#ended('no-ack')
  }

  #dialogHeaders({ headers = [] }: Parts): HeaderLine[] {
    const incoming = this.#incoming as Incoming
    const { settings } = this.#agent.environment
    return [
      ...(this.#dialog?.routeSet ?? []).map((value) => ['Record-Route', value] as const),
      ['Contact', `<${contactUri(incoming.flow, settings.host, this.ends.ours)}>`],
      ...headers,
    ]
  }

  #bye(parts: Parts): void {
    if (this.#dialog !== undefined)
      this.#dialog = this.#agent.sendIn(this.#dialog, 'BYE', parts, this.ends, this.#flow, silent).dialog
  }

  #refused(status: number, response: SipResponse | undefined, why: string): void {
    if (this.#state !== 'calling' && this.#state !== 'offered') return
    this.#over()
    this.#user?.onRefused(status, response, why)
  }

  #ended(why: 'bye' | 'no-ack' | 'gone'): void {
    if (this.#state === 'over') return
    this.#over()
    this.#user?.onEnded(why)
  }

  #over(): void {
    this.#state = 'over'
    this.#retransmission?.cancel()
    this.#retransmission = undefined
    const { callId, localTag } = this.#dialog ?? {
      callId: this.#opening?.callId,
      localTag: this.#opening?.tag,
    }
    if (callId !== undefined && localTag !== undefined) this.#agent.remove(callId, localTag)
  }
}

const refreshes: ReadonlySet<string> = new Set(['INVITE', 'UPDATE'])
const silent = { onResponse: () => undefined, onFailure: () => undefined }

function bodyOf({ contentType, body }: Parts): { contentType?: string; body?: Bytes } {
  return { ...(contentType === undefined ? {} : { contentType }), ...(body === undefined ? {} : { body }) }
}
