// One session with somebody of another domain (UMPP §4.1): the machine of its life, the call of SIP that sets it up, the messages that wait for
// that, and the clock that ends it.

import { randomId, type Timer } from '#base'
import { type Condition, type Envelope, type Outcome, refused } from '#model'
import type { Place } from '#net'
import type { Call, CallUser, Parts, SipRequest, SipResponse } from '#protocols/sip'
import { fullJid, type Jid, type SessionEnds, type SessionTarget } from '#protocols/xmpp'
import { type SessionDescription, writeSdp } from '#wire/sdp'
import { descriptionIn, emptyDescription, sdpType, whyNone } from './descriptions.ts'
import type { UmppEnvironment } from './environment.ts'
import { refusalOf } from './errors.ts'
import {
  answerOf,
  answerTo,
  type Direction,
  type MessageStream,
  offerOf,
  openerOf,
} from './message-stream.ts'
import { streamPlaces } from './places.ts'
import { type SessionEffect, type SessionInput, type SessionState, sessionStep } from './session-machine.ts'
import { type WaitingMessage, WaitingMessages } from './waiting-messages.ts'
import { warningIn, warningOf } from './warnings.ts'

export interface SessionEnd {
  /** For people. */
  readonly why: string
  /** It had been set up. */
  readonly wasUp: boolean
  /** What refused our offer; undefined: nobody answered, or it was no refusal. */
  readonly status: number | undefined
}

export interface SessionParts {
  readonly environment: UmppEnvironment
  /** Our end: an account, and a resource that is one device's, or the session's own. */
  readonly ours: Jid
  /** The device here that theirs are for; '' where it is all that its owner has. */
  readonly device: string
  readonly thread: string
  /** It is set up. */
  readonly onUp: (session: Session) => void
  /** Once, when it is over. */
  readonly onOver: (session: Session, end: SessionEnd) => void
  /** Their full JID is known, or another one. */
  readonly onNamed: (session: Session) => void
}

export class Session implements CallUser {
  readonly parts: SessionParts
  readonly role: 'offerer' | 'answerer'
  readonly since: number
  #state: SessionState
  #call: Call | undefined
  #theirs: MessageStream | undefined
  #places: readonly Place[] = []
  #isOpener = false
  /** What they offered, for our answer, and where the messages stand in it. */
  #offer: { readonly description: SessionDescription; readonly at: number } | undefined
  #answerAgain: ((status: number, parts?: Parts) => void) | undefined
  readonly #waiting: WaitingMessages
  /** Messages that were carried, of which it is not known yet whether they were taken. */
  #underWay = 0
  /** Why what waits is refused. */
  #refusal: Condition = 'temporarily-unavailable'
  #why = ''
  #status: number | undefined
  #wasUp = false
  #idle: Timer | undefined
  #late: Timer | undefined
  #usedAt = 0
  #heard = false
  readonly #sessionId = String(Math.floor(Math.random() * 2 ** 47) + 1)

  private constructor(parts: SessionParts, state: 'offering' | 'placing') {
    this.parts = parts
    this.#waiting = new WaitingMessages(parts.environment.metrics.waiting)
    this.role = state === 'offering' ? 'offerer' : 'answerer'
    this.#state = state
    const { clock } = parts.environment.service
    this.since = clock.now()
    this.#used()
  }

  /** Offers one (U28, U32 to U52). @param uri the `im:` URI of whom it is for */
  static offer(parts: SessionParts, uri: string): Session {
    const session = new Session(parts, 'offering')
    const { environment, ours, thread } = parts
    const { userAgent, settings, service, placesFor } = environment
    session.#call = userAgent.invite(
      {
        uri,
        from: ours.address,
        places: placesFor(uri.slice(uri.lastIndexOf('@') + 1)),
        contentType: sdpType,
        body: writeSdp(offerOf(session.#own, thread)),
      },
      session,
    )
    session.#late = service.clock.schedule(settings.answerSeconds * 1000, () => session.#tooLate())
    return session
  }

  /** Takes the one that they offer; whether it can be had shows when its place was looked up. */
  static answer(
    parts: SessionParts,
    call: Call,
    offer: SessionDescription,
    at: number,
    theirs: MessageStream,
  ): Session {
    const session = new Session(parts, 'placing')
    session.#call = call
    session.#offer = { description: offer, at }
    session.#theirs = theirs
    session.#lookUp(theirs, (problem) => {
      if (problem !== undefined) session.#why = problem
      session.#take({ kind: problem === undefined ? 'placed' : 'misplaced' })
    })
    return session
  }

  get state(): SessionState {
    return this.#state
  }

  /** Undefined until they have named it. */
  get theirs(): Jid | undefined {
    return this.#theirs?.jid
  }

  /** What theirs are for. */
  get target(): SessionTarget {
    return { device: this.parts.device, places: this.#places }
  }

  get line(): string {
    const { ours, environment } = this.parts
    const theirs =
      this.theirs === undefined ? 'nobody yet' : fullJid(this.theirs.address, this.theirs.resource)
    const seconds = Math.round((environment.service.clock.now() - this.since) / 1000)
    const waiting = this.#waiting.length === 0 ? '' : `, ${this.#waiting.length} waiting`
    const underWay = this.#underWay === 0 ? '' : `, ${this.#underWay} under way`
    return `session ${fullJid(ours.address, ours.resource)} with ${theirs}, ${this.#state}, ${seconds} s${waiting}${underWay}`
  }

  /** Something that was sent by it has no outcome yet. */
  get isBusy(): boolean {
    return this.#waiting.length + this.#underWay > 0
  }

  /** `Clock.monotonic()` when something was said in it last. */
  get usedAt(): number {
    return this.#usedAt
  }

  /** Carries a message; `onOutcome` once. */
  send(envelope: Envelope, onOutcome: (outcome: Outcome) => void): void {
    const { queuedMax } = this.parts.environment.settings
    const step = sessionStep(this.#state, { kind: 'message', isFull: this.#waiting.length >= queuedMax })
    this.#state = step.state
    switch (step.effects[0]) {
      case 'queue':
        return this.#waiting.add({ envelope, onOutcome })
      case 'carry':
        return this.#carry({ envelope, onOutcome })
      case 'refuse-full':
        return onOutcome(refused('rate-exceeded'))
      default:
        return onOutcome(refused('connection-failed'))
    }
  }

  /** A message of theirs came for it. */
  used(): void {
    this.#used()
  }

  /** Another one needs its place. */
  makeRoom(): void {
    this.#take({ kind: 'crowded' })
  }

  stop(): void {
    this.#take({ kind: 'stop' })
  }

  // As the user of its call.

  onProgress(): void {
    this.#heard = true
  }

  onAccepted(response: SipResponse): Parts | undefined {
    const read = descriptionIn(response)
    if (read.kind !== 'stream') {
      this.#refusal = 'not-acceptable'
      this.#why = whyNone(read)
      // The ACK goes out before the BYE.
      queueMicrotask(() => this.#take({ kind: 'answered-amiss' }))
      return undefined
    }
    this.#isOpener = openerOf('both', read.stream.direction) === 'offerer'
    this.#lookUp(read.stream, (problem) => {
      this.#refusal = 'not-acceptable'
      this.#why = problem ?? ''
      this.#take(
        problem === undefined ? { kind: 'answered', isOpener: this.#isOpener } : { kind: 'answered-amiss' },
      )
    })
    return undefined
  }

  onRefused(status: number, response: SipResponse | undefined, why: string): void {
    this.#refusal = refusalOf(status, response !== undefined)
    this.#status = response === undefined ? undefined : status
    const told = response === undefined ? '' : warningIn(response)
    this.#why = told === '' ? `${status} ${why}` : `${status} ${why}: ${told}`
    this.#take({ kind: 'refused' })
  }

  onRequest(request: SipRequest, answer: (status: number, parts?: Parts) => void): void {
    if (request.method !== 'INVITE') return answer(request.method === 'OPTIONS' ? 200 : 501)
    const again = descriptionIn(request)
    if (again.kind === 'none' || again.kind === 'other-kind') {
      // RFC 3264 §8.2: a stream that is taken out has port 0, and so has its answer.
      this.#offer = { description: again.description, at: -1 }
      this.#answerAgain = answer
      return this.#take({ kind: 'withdrawn' })
    }
    if (again.kind !== 'stream') return answer(488, this.#because(whyNone(again)))
    const { description, at, stream } = again
    this.#lookUp(stream, (problem) => {
      if (problem !== undefined) return answer(488, this.#because(problem))
      this.#offer = { description, at }
      this.#answerAgain = answer
      this.#take({ kind: 'offered-again' })
    })
  }

  onAcknowledged(): void {
    this.#take({ kind: 'acknowledged', isOpener: this.#isOpener })
  }

  onEnded(why: 'bye' | 'no-ack' | 'gone'): void {
    this.#why = why
    this.#take({ kind: 'bye' })
  }

  // What comes of it.

  #take(input: SessionInput): void {
    const { state, effects } = sessionStep(this.#state, input)
    const isOver = state === 'over' && this.#state !== 'over'
    const isUp = state === 'up' && this.#state !== 'up'
    this.#state = state
    this.#wasUp ||= isUp
    for (const effect of effects) this.#do(effect)
    if (isUp) this.parts.onUp(this)
    if (!isOver) return
    this.#idle?.cancel()
    this.#late?.cancel()
    const why = this.#why === '' ? input.kind : this.#why
    this.parts.onOver(this, { why, wasUp: this.#wasUp, status: this.#status })
  }

  #do(effect: SessionEffect): void {
    switch (effect) {
      case 'carry-waiting':
        for (const waiting of this.#waiting.takeAll()) this.#carry(waiting)
        return
      case 'refuse-waiting':
        return this.#waiting.refuse(this.#refusal, (envelope) =>
          this.parts.environment.streams.recollect(envelope),
        )
      case 'give-back-waiting':
        return this.#waiting.refuse('connection-failed')
      case 'open-stream':
        return this.parts.environment.streams.open(this.#ends, this.#places)
      case 'accept':
        return this.#accept()
      case 'refuse':
        return this.#call?.refuse(488, this.#because(this.#why))
      case 'answer-again':
        return this.#answerNow(answerTo[this.#theirs?.direction ?? 'both'])
      case 'answer-none':
        return this.#answerNow(undefined)
      case 'end-call':
        return this.#call?.end()
      default:
      // Those of one message, which `send` does.
    }
  }

  #because(why: string): Parts {
    return { headers: [warningOf(this.parts.ours.address.domain, why)] }
  }

  #accept(): void {
    if (this.#offer === undefined || this.#theirs === undefined) return
    const direction = answerTo[this.#theirs.direction]
    this.#isOpener = openerOf(this.#theirs.direction, direction) === 'answerer'
    this.#call?.accept(this.#answer(direction))
  }

  #answerNow(direction: Direction | undefined): void {
    this.#answerAgain?.(200, this.#answer(direction))
    this.#answerAgain = undefined
  }

  #answer(direction: Direction | undefined): Parts {
    const { description, at } = this.#offer ?? { description: emptyDescription, at: -1 }
    return { contentType: sdpType, body: writeSdp(answerOf(description, at, this.#own, direction)) }
  }

  #carry({ envelope, onOutcome }: WaitingMessage): void {
    this.#used()
    this.#underWay++
    const { streams, metrics } = this.parts.environment
    streams.send(envelope, this.#ends, this.#places, this.#isOpener, (outcome) => {
      this.#underWay--
      this.#used()
      if (outcome.kind !== 'refused') metrics.sent.add()
      onOutcome(outcome)
      // The next message sets up another one, which may name a better place.
      if (outcome.kind === 'refused' && outcome.condition === 'connection-failed') this.#take({ kind: 'cut' })
    })
  }

  /** Takes their end, where it may be theirs and its place can be had; `then` with why not, later. */
  #lookUp(theirs: MessageStream, then: (problem: string | undefined) => void): void {
    const { environment } = this.parts
    const { domain } = theirs.jid.address
    // U75: its stanzas come in that domain's name, which the call has to have proven.
    if (this.#call !== undefined && this.#call.ends.theirs !== domain)
      return queueMicrotask(() => then(`a JID of ${domain}, which is another domain`))
    streamPlaces(theirs.place, environment.resolver, environment.mayBePrivate(domain)).then(
      (places) => {
        if (this.#state === 'over') return
        this.#theirs = theirs
        this.#places = places
        this.parts.onNamed(this)
        then(undefined)
      },
      (error: Error) => then(error.message),
    )
  }

  get #ends(): SessionEnds {
    const { ours, thread } = this.parts
    const to = this.#theirs?.jid
    if (to === undefined) throw new Error('a session carries nothing before its far end is known')
    return { from: ours, to, thread }
  }

  get #own() {
    const { environment, ours } = this.parts
    return {
      place: environment.ownPlace(ours.address.domain),
      jid: ours,
      sessionId: this.#sessionId,
      version: this.#sessionId,
    }
  }

  #tooLate(): void {
    if (this.#state !== 'offering') return
    // Somebody's phones ring, or their server thinks: it is there. Else the domain is as good as away.
    this.#refusal = this.#heard ? 'temporarily-unavailable' : 'remote-timeout'
    this.#why = 'nobody answered in time'
    this.#take({ kind: 'late' })
  }

  /** A timer that is moved only when it fires: a message costs a look at the clock. */
  #used(): void {
    if (this.#state === 'over') return
    const { clock } = this.parts.environment.service
    this.#usedAt = clock.monotonic()
    this.#idle ??= clock.schedule(this.parts.environment.settings.idleSeconds * 1000, () => this.#looked())
  }

  #looked(): void {
    const { service, settings } = this.parts.environment
    this.#idle = undefined
    if (this.#state === 'over') return
    // What is under way is not said yet: the far end needs the session for it.
    if (this.#underWay > 0) this.#usedAt = service.clock.monotonic()
    const left = this.#usedAt + settings.idleSeconds * 1000 - service.clock.monotonic()
    if (left > 0) this.#idle = service.clock.schedule(left, () => this.#looked())
    else this.#take({ kind: 'idle' })
  }
}

/** A thread of our own making. */
export const newThread = (): string => randomId(12)
