// A subscription of ours to somebody of another domain, RFC 6665 §4.1: begun, renewed before it ends, begun anew where the notifier
// forgot it, ended. What its notifications say is its user's.

import { randomBelow, type Timer } from '#base'
import type { Turn } from '#core'
import type { Address } from '#model'
import type { HeaderLine } from '../codec/encode.ts'
import { header } from '../codec/header-names.ts'
import { retryAfterOf, secondsOf, subscriptionStateOf } from '../codec/headers.ts'
import type { SipRequest, SipResponse } from '../codec/message.ts'
import { afterRequest, type Dialog, dialogOfNotify, dialogOfResponse } from '../dialog.ts'
import type { Ends } from '../domains/environment.ts'
import type { Flow } from '../flow.ts'
import type { Incoming } from '../incoming.ts'
import type { Outgoing } from './outgoing.ts'
import { endsOf } from './request-wish.ts'
import type { DialogEnd, Opening, UserAgent } from './user-agent.ts'

export interface SubscriptionWish {
  /** Whom it watches: `sip:juliet@capulet.example`. */
  readonly uri: string
  readonly from: Address
  readonly places?: Ends['places']
  /** The event package, parameters included. */
  readonly event: string
  /** Media types of its notifications. */
  readonly accept: string
  /** How long at a time; 0 asks once. */
  readonly seconds: number
  readonly headers?: readonly HeaderLine[]
}

/** Why it is over for good: `refused` with the status that said so; the others are RFC 6665 §4.1.3's reasons. */
export type SubscriptionEnd = 'rejected' | 'noresource' | 'invariant' | 'asked-once' | 'refused'

export interface SubscriberUser {
  /** What the notifier said last; a notification follows, or came. */
  onState(state: 'pending' | 'active'): void
  /** A NOTIFY; `isLast`: the subscription ends with it. The status that answers it; 481 ends it. */
  onNotify(request: SipRequest, state: string, isLast: boolean): number
  /** Asked where an answer would end it for good; true: it is asked again a lease later. */
  outlives?(status: number): boolean
  /** The lease ran out without a renewal; it goes on trying. */
  onLapsed(): void
  /** It is over, and not by our wish. Nothing more is asked. */
  onEnded(reason: SubscriptionEnd, status: number): void
}

/**
 * `idle`: no subscription there that we know of; `asking`: a SUBSCRIBE outside a dialog, or its dialog, waits for its answer; `held`;
 * `ending`: the last SUBSCRIBE was sent; `over`.
 */
type State = 'idle' | 'asking' | 'held' | 'ending' | 'over'

/** Seconds until a SUBSCRIBE that failed is sent again: the first time, and at most. */
const againSeconds = { first: 5, most: 300 }
/** LIMIT: seconds that a notifier may ask for, by Min-Expires or retry-after. */
const secondsMax = 86_400
/** Timer N (RFC 6665 §4.1.2.4): 64*T1 from the SUBSCRIBE until its NOTIFY. */
const notifyPatience = 32_000

export class Subscriber implements DialogEnd {
  readonly ends: Ends
  readonly #agent: UserAgent
  readonly #wish: SubscriptionWish
  readonly #user: SubscriberUser
  #state: State = 'idle'
  #opening: Opening
  #cseq = 0
  #dialog: Dialog | undefined
  #flow: Flow | undefined
  #seconds: number
  #outgoing: Outgoing | undefined
  #renewal: Timer | undefined
  #turn: Turn | undefined
  #expiry: Timer | undefined
  #timerN: Timer | undefined
  #againSeconds = againSeconds.first
  #notified = false
  #askAgain = false

  constructor(agent: UserAgent, wish: SubscriptionWish, user: SubscriberUser) {
    this.#agent = agent
    this.#wish = wish
    this.#user = user
    this.#seconds = wish.seconds
    this.ends = endsOf(wish)
    this.#opening = agent.opening(wish)
    agent.add(this.#opening.callId, this.#opening.tag, this)
    this.#ask()
  }

  /** Asks now, for the whole state anew, whatever waits. */
  refresh(): void {
    if (this.#state === 'over' || this.#state === 'ending') return
    if (this.#state === 'asking') this.#askAgain = true
    else this.#ask()
  }

  /** Ends it there too (RFC 6665 §4.1.2.3). */
  end(): void {
    if (this.#state === 'over' || this.#state === 'ending') return
    // While nobody answered it has no dialog to end: the answer is waited for.
    if (this.#dialog === undefined && this.#state !== 'asking') return this.#over()
    this.#stopTimers()
    const wasAsking = this.#state === 'asking'
    this.#state = 'ending'
    if (!wasAsking) this.#ask()
  }

  /** Nothing more is asked, and nobody told: the server stops. */
  abandon(): void {
    this.#over()
  }

  /** The same in the turn of the domain: all who watch there may want to at one moment (decision 0132). */
  refreshInTurn(): void {
    this.#turn?.cancel()
    this.#turn = this.#agent.environment.service.asks.next(this.ends.theirs, () => this.refresh())
  }

  // What comes.

  takes(incoming: Incoming): void {
    const { request, parts, flow } = incoming
    if (request.method !== 'NOTIFY') return incoming.answer(501)
    const state = subscriptionStateOf(request)
    // RFC 6665 §8.2.3: "Subscription-State header fields MUST be included".
    if (state === undefined || state === 'malformed') return incoming.answer(400)
    const known = this.#dialog
    if (known !== undefined && known.remoteTag !== parts.fromTag) return incoming.answer(481)
    // RFC 6665 §4.4.1: the first NOTIFY makes the dialog, also where it comes before the answer; RFC 3856 §6.9: there is but one.
    const { callId, tag, from } = this.#opening
    const begun = { callId, localTag: tag, local: from, cseq: this.#cseq }
    const dialog = known ?? dialogOfNotify(begun, request, parts)
    if (dialog === undefined) return incoming.answer(400)
    const next = afterRequest(dialog, request, parts.cseq.number)
    if (next === 'out-of-order') return incoming.answer(500)
    this.#dialog = next
    this.#flow = flow
    this.#heard()
    const isLast = state.state === 'terminated'
    const status = this.#tell(request, state.state, isLast)
    incoming.answer(status)
    if (isLast) return this.#terminated(state.reason, state.retryAfter)
    if (status === 481) return this.#over()
    if (state.expires !== undefined && this.#state === 'held') this.#hold(state.expires, true)
  }

  #tell(request: SipRequest, state: string, isLast: boolean): number {
    if (state === 'pending' || state === 'active') this.#user.onState(state)
    return this.#state === 'ending' && this.#wish.seconds > 0
      ? 200
      : this.#user.onNotify(request, state, isLast)
  }

  /** RFC 6665 §4.1.3: what the reason says of another try. */
  #terminated(reason: string | undefined, retryAfter: number | undefined): void {
    if (this.#state === 'over') return
    this.#forgetDialog()
    if (this.#state === 'ending') return this.#over()
    if (this.#wish.seconds === 0) return this.#ended('asked-once', 200)
    switch (reason) {
      case 'rejected':
      case 'noresource':
      case 'invariant':
        return this.#ended(reason, 200)
      case 'deactivated':
      case 'timeout':
        return this.#againIn(retryAfter ?? 1 + randomBelow(4))
      default:
        // probation, giveup, and what we do not know: "at any time", or after the time that is given.
        return retryAfter === undefined ? this.#later() : this.#againIn(retryAfter)
    }
  }

  // What is asked.

  #ask(): void {
    this.#renewal?.cancel()
    this.#turn?.cancel()
    this.#outgoing?.drop()
    const isEnding = this.#state === 'ending'
    if (!isEnding) this.#state = 'asking'
    this.#askAgain = false
    const { uri, event, accept, headers = [] } = this.#wish
    const lines: HeaderLine[] = [
      ['Event', event],
      ['Accept', accept],
      ['Expires', isEnding ? 0 : this.#seconds],
      ...headers,
    ]
    const user = {
      onResponse: (response: SipResponse, _via: unknown, flow: Flow) => {
        if (response.status >= 200) this.#answered(response, flow)
      },
      onFailure: (_failure: unknown, _why: string) => this.#failed(),
    }
    const dialog = this.#dialog
    if (!isEnding) this.#awaitNotify()
    if (dialog === undefined) {
      const request = { method: 'SUBSCRIBE', uri, headers: lines }
      this.#outgoing = this.#agent.send(this.#opening, request, ++this.#cseq, this.ends, user)
      return
    }
    const sent = this.#agent.sendIn(dialog, 'SUBSCRIBE', { headers: lines }, this.ends, this.#flow, user)
    this.#dialog = sent.dialog
    this.#outgoing = sent.outgoing
  }

  #answered(response: SipResponse, flow: Flow): void {
    this.#outgoing = undefined
    if (this.#state === 'over') return
    const { status } = response
    if (status < 300) return this.#granted(response, flow)
    if (this.#state === 'ending') return this.#over()
    // RFC 6665 §4.1.2.2: 481 to a renewal: "the subscription has been terminated [...] the subscriber [...] re-subscribe[s]".
    if (status === 481 && this.#dialog !== undefined) {
      this.#forgetDialog()
      return this.#ask()
    }
    const least = status === 423 ? secondsOf(response, header.minExpires) : undefined
    if (typeof least === 'number' && least > this.#seconds && least <= secondsMax) {
      this.#seconds = least
      return this.#ask()
    }
    const isForGood = forGood.has(status) || status >= 600 || status < 400
    if (isForGood && this.#user.outlives?.(status) !== true) return this.#refused(status)
    const after = retryAfterOf(response)
    this.#state = this.#dialog === undefined ? 'idle' : 'held'
    if (isForGood) this.#againIn((this.#seconds * (75 + randomBelow(20))) / 100)
    else if (typeof after === 'number') this.#againIn(after)
    else this.#later()
  }

  #granted(response: SipResponse, flow: Flow): void {
    const { callId, tag, from } = this.#opening
    this.#dialog ??= dialogOfResponse({ callId, localTag: tag, local: from, cseq: this.#cseq }, response)
    this.#flow = flow
    if (this.#state === 'ending') {
      // It was ended while it was asked for: now there is something to end. The answer to that is not waited for.
      if (this.#wish.seconds > 0 && this.#dialog !== undefined && !this.#saidEnd) {
        this.#saidEnd = true
        return this.#ask()
      }
      return this.#awaitLast()
    }
    this.#againSeconds = againSeconds.first
    this.#state = 'held'
    if (this.#wish.seconds === 0) return
    const stated = secondsOf(response, header.expires)
    // RFC 6665 §4.1.2.1: "The period of time in the response MAY be shorter but MUST NOT be longer".
    this.#hold(typeof stated === 'number' && stated > 0 ? Math.min(stated, secondsMax) : this.#seconds, false)
    if (this.#askAgain) this.#ask()
  }

  #saidEnd = false

  /** RFC 6665 §4.1.2.3: "a final NOTIFY" comes; who never sends it is not waited for longer. */
  #awaitLast(): void {
    this.#timerN?.cancel()
    this.#timerN = this.#agent.environment.service.clock.schedule(notifyPatience, () => this.#over())
  }

  /** No server was reached: what is held stays held until its time is up (RFC 6665 §4.1.2.2). */
  #failed(): void {
    this.#outgoing = undefined
    if (this.#state === 'over') return
    if (this.#state === 'ending') return this.#over()
    this.#timerN?.cancel()
    this.#state = this.#dialog === undefined ? 'idle' : 'held'
    if (this.#wish.seconds === 0) return this.#refused(408)
    this.#later()
  }

  #refused(status: number): void {
    const reason =
      status === 403 || status === 603 ? 'rejected' : noSuch.has(status) ? 'noresource' : 'refused'
    this.#ended(reason, status)
  }

  // Its lease.

  /** Renewed before it ends, and not all at one moment; a NOTIFY may only make it shorter. */
  #hold(seconds: number, byNotify: boolean): void {
    const { clock } = this.#agent.environment.service
    const due = clock.monotonic() + seconds * 1000
    if (byNotify && due >= this.#due - 2000) return
    this.#due = due
    this.#expiry?.cancel()
    this.#expiry = clock.schedule(seconds * 1000, () => this.#lapsed())
    this.#againIn((seconds * (60 + randomBelow(25))) / 100)
  }

  #due = 0

  /** Nobody renewed it: it is begun anew. */
  #lapsed(): void {
    if (this.#state === 'over' || this.#state === 'ending') return
    this.#forgetDialog()
    this.#user.onLapsed()
    if (this.#state === 'held') this.#ask()
  }

  #later(): void {
    const seconds = this.#againSeconds
    this.#againSeconds = Math.min(seconds * 2, againSeconds.most)
    this.#againIn((seconds * (75 + randomBelow(50))) / 100)
  }

  #againIn(seconds: number): void {
    const { clock } = this.#agent.environment.service
    this.#renewal?.cancel()
    this.#renewal = clock.schedule(Math.min(seconds, secondsMax) * 1000, () => this.refreshInTurn())
  }

  /** RFC 6665 §4.1.2.4: without a NOTIFY in that time, "the subscriber [...] consider[s] the subscription failed". */
  #awaitNotify(): void {
    const { clock } = this.#agent.environment.service
    this.#notified = false
    this.#timerN?.cancel()
    this.#timerN = clock.schedule(notifyPatience, () => {
      if (this.#notified || this.#state === 'over' || this.#state === 'ending') return
      this.#agent.reach.failed(this.ends.theirs, `no NOTIFY followed the SUBSCRIBE to ${this.#wish.uri}`)
      this.#outgoing?.drop()
      const wasThere = this.#due > 0
      this.#forgetDialog()
      this.#state = 'idle'
      // §4.1.2.2: also one that was to be renewed is over then.
      if (wasThere) this.#user.onLapsed()
      if (this.#wish.seconds === 0) this.#refused(408)
      else this.#later()
    })
  }

  #heard(): void {
    this.#notified = true
    this.#timerN?.cancel()
    this.#timerN = undefined
  }

  /** The next SUBSCRIBE begins another dialog (RFC 6665 §4.4.1). */
  #forgetDialog(): void {
    this.#expiry?.cancel()
    this.#expiry = undefined
    this.#due = 0
    this.#dialog = undefined
    this.#flow = undefined
    this.#agent.remove(this.#opening.callId, this.#opening.tag)
    if (this.#state === 'over') return
    this.#opening = this.#agent.opening(this.#wish)
    this.#cseq = 0
    this.#agent.add(this.#opening.callId, this.#opening.tag, this)
  }

  #ended(reason: SubscriptionEnd, status: number): void {
    if (this.#state === 'over') return
    this.#over()
    this.#user.onEnded(reason, status)
  }

  #stopTimers(): void {
    this.#turn?.cancel()
    this.#renewal?.cancel()
    this.#expiry?.cancel()
    this.#timerN?.cancel()
  }

  #over(): void {
    this.#state = 'over'
    this.#stopTimers()
    this.#agent.remove(this.#opening.callId, this.#opening.tag)
  }
}

/** What another try would not change: the person, the package, or the way that we ask. */
const forGood: ReadonlySet<number> = new Set([
  400, 401, 402, 403, 404, 405, 406, 407, 410, 414, 416, 420, 484, 485, 489, 501, 505,
])
const noSuch: ReadonlySet<number> = new Set([404, 410, 484, 604])
