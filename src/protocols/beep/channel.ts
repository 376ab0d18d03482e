// One channel of a session (RFC 3080 §2.3): both directions joined, MSGs handed to its handler, replies to who asked for them.

import { type Bytes, utf8 } from '#base'
import {
  beepError,
  beepXmlType,
  type DataFrame,
  Entity,
  entityHead,
  errorMessage,
  type FrameHeader,
  type FrameReason,
  type OutgoingEntity,
  readEntity,
  type SeqFrame,
  seqnoAfter,
} from './codec/index.ts'
import { Exchange, type ExchangeChannel } from './exchange.ts'
import { type Arrival, type Correspondence, Inbound } from './inbound.ts'
import type { SessionLimits } from './limits.ts'
import { Outbound } from './outbound.ts'
import { OutgoingMessage } from './outgoing-message.ts'
import { Outstanding } from './outstanding.ts'
import type { Channel, ChannelHandler, CloseOutcome, Reply, SendResult, Session } from './profile.ts'

/** What the session does for its channels. */
export interface ChannelHost {
  readonly session: Session
  readonly limits: SessionLimits
  /** A reply has completely left. */
  settled(): void
  /** There may be a frame to send. */
  pump(channel: BeepChannel): void
  /** Writes SEQ; false while nothing may be sent: then openWindow() is called later. */
  advertise(channel: BeepChannel, ackno: number, window: number): boolean
  /** Whether a message may grow beyond a window's size; if not, openWindow() is called when it may. */
  grant(channel: BeepChannel): boolean
  giveBack(channel: BeepChannel): void
  /** Asks the peer to close the channel: the close message of channel 0. */
  askToClose(
    channel: BeepChannel,
    code: number,
    text: string,
    onOutcome: (outcome: CloseOutcome) => void,
  ): void
  /** A bound of ours was passed: the session ends. */
  exceeded(reason: FrameReason): void
  /** The peer's reply could not be read (§2.2.2.1). */
  poorReply(channel: BeepChannel, why: 'malformed' | 'too-large'): void
}

/** Room for an entity's header. */
const headOctets = 1024

export class BeepChannel implements Channel, Correspondence, ExchangeChannel {
  readonly number: number
  readonly uri: string
  readonly handler: ChannelHandler
  readonly inbound: Inbound
  readonly outbound = new Outbound()
  readonly unanswered = new Set<number>()
  state: 'open' | 'closing' | 'closed' = 'open'
  /** True while it waits for its turn in the pump. */
  isQueued = false
  /** True until the reply that creates it has left: nothing may go out on it before. */
  isHeld = false
  /** outbound.seqno when it was last seen to wait. */
  seqnoSeen: number | undefined
  readonly #host: ChannelHost
  readonly #windowOctets: number
  /** In the order in which they leave; the first is the one that a reply must be for. */
  readonly #outstanding: Outstanding[] = []
  /** In the order in which they came; the first is the one whose reply may leave. */
  readonly #turns: Exchange[] = []
  /** MSGs whose reply has not completely left. */
  #pending = 0
  /** Octets of replies that wait for their turn. */
  #heldOctets = 0
  /** Answered before it was complete: the rest is dropped. */
  #refused: Exchange | undefined
  #nextMsgno: number
  #isPaused = false
  #wantsDrain = false
  #whenQuiet: { readonly isOwn: boolean; readonly run: () => void }[] = []

  constructor(host: ChannelHost, number: number, uri: string, handler: ChannelHandler, windowOctets: number) {
    this.#host = host
    this.number = number
    this.uri = uri
    this.handler = handler
    this.#windowOctets = windowOctets
    this.inbound = new Inbound(host.limits.messageOctetsMax, host.limits.answersMax)
    // On channel 0 the greeting has 0.
    this.#nextMsgno = number === 0 ? 1 : 0
  }

  get session(): Session {
    return this.#host.session
  }

  get queuedBytes(): number {
    return this.outbound.queuedOctets + this.#heldOctets
  }

  get outstanding(): number {
    return this.#outstanding.length
  }

  get earliest(): Outstanding | undefined {
    return this.#outstanding[0]
  }

  readonly isOutstanding = (msgno: number): boolean => this.#outstanding.some((one) => one.msgno === msgno)

  /** MSGs of the peer whose reply has not completely left. */
  get repliesDue(): number {
    return this.#pending
  }

  /** True when every reply due, in either direction, is complete and nothing waits. */
  get isQuiet(): boolean {
    return this.#outstanding.length === 0 && this.#pending === 0 && this.outbound.length === 0
  }

  // --- what is sent

  send(message: OutgoingEntity, onReply: (reply: Reply) => void): SendResult {
    if (this.state !== 'open') return 'refused'
    const { queueOctetsMax } = this.#host.limits
    if (this.queuedBytes + message.body.length > queueOctetsMax && this.queuedBytes > 0) return 'refused'
    // What alone would be more than may ever wait goes never; else the peer would pay for it with its session.
    if (message.body.length > queueOctetsMax * 2 - headOctets) return 'refused'
    const msgno = this.#nextMsgno
    this.#nextMsgno = (msgno + 1) % 0x80000000
    const outstanding = new Outstanding(msgno, onReply)
    this.#outstanding.push(outstanding)
    return this.#enqueue(
      new OutgoingMessage('MSG', msgno, 0, entityHead(message), message.body, (isLast) => {
        outstanding.isStarted = true
        outstanding.isWhole = isLast
      }),
    )
  }

  /** The greeting, or its refusal: a reply to nothing, expected like one in return (§2.3.1.1). */
  greet(keyword: 'RPY' | 'ERR', body: Bytes, onReply: (reply: Reply) => void): void {
    const expected = new Outstanding(0, onReply)
    expected.isStarted = true
    expected.isWhole = true
    this.#outstanding.push(expected)
    this.#enqueue(new OutgoingMessage(keyword, 0, 0, entityHead({ contentType: beepXmlType, body }), body))
  }

  reply(exchange: Exchange, message: OutgoingMessage, isLast: boolean): SendResult {
    if (this.#turns[0] !== exchange) {
      message.keep()
      this.#heldOctets += message.rest
      exchange.held ??= []
      exchange.held.push(message)
      return this.#pressure()
    }
    const result = this.#enqueue(message)
    if (isLast) this.#nextTurn()
    return result
  }

  replied(exchange: Exchange): void {
    this.#pending--
    if (exchange.isReceived) this.unanswered.delete(exchange.msgno)
    this.openWindow()
    this.settle()
    this.#host.settled()
  }

  #nextTurn(): void {
    this.#turns.shift()
    for (let next = this.#turns[0]; next !== undefined; next = this.#turns[0]) {
      for (const message of next.held ?? []) {
        this.#heldOctets -= message.rest
        this.#enqueue(message)
      }
      next.held = undefined
      if (!next.isComplete) return
      this.#turns.shift()
    }
  }

  #enqueue(message: OutgoingMessage): SendResult {
    this.outbound.add(message)
    this.#host.pump(this)
    if (message.rest > 0) message.keep()
    return this.#pressure()
  }

  #pressure(): SendResult {
    const { queueOctetsMax } = this.#host.limits
    // Replies can't be refused: a peer that asks and does not read the answers is left.
    if (this.queuedBytes > queueOctetsMax * 2) this.#host.exceeded('unread')
    if (this.queuedBytes * 2 <= queueOctetsMax) return 'taken'
    this.#wantsDrain = true
    return 'slow-down'
  }

  /** Called by the pump when nothing of this channel waits any more. */
  drained(): void {
    this.settle()
    if (!this.#wantsDrain || this.queuedBytes > 0) return
    this.#wantsDrain = false
    this.handler.onDrain?.()
  }

  // --- what comes

  fault(header: FrameHeader): FrameReason | undefined {
    return this.inbound.fault(header, this)
  }

  receive(frame: DataFrame): void {
    const { keyword, msgno } = frame
    const arrival = this.inbound.take(frame)
    // RFC 3081 §3.1.4: SEQ goes before what is answered.
    this.openWindow()
    if (keyword === 'MSG') this.#message(msgno, arrival)
    else this.#reply(frame, arrival)
    this.settle()
  }

  acknowledge({ ackno, window }: SeqFrame): FrameReason | undefined {
    const reason = this.outbound.acknowledge(ackno, window, this.#host.limits.idleSeqMax)
    if (reason === undefined) this.#host.pump(this)
    return reason
  }

  #message(msgno: number, arrival: Arrival): void {
    switch (arrival.kind) {
      case 'part':
        return
      case 'dropped':
        return this.#refusedIsWhole()
      case 'too-large':
        return this.#tooLarge(msgno, arrival.isWhole)
      case 'whole': {
        const exchange = this.#begin(msgno)
        const entity = readEntity(arrival.payload)
        if (entity instanceof Entity) this.handler.onMessage(entity, exchange)
        else exchange.negative(this.#negative('malformed'))
      }
    }
  }

  #begin(msgno: number): Exchange {
    const exchange = new Exchange(this, msgno)
    this.#turns.push(exchange)
    this.unanswered.add(msgno)
    // LIMIT: with its window closed a peer can still fill it with the smallest messages, and no more.
    if (++this.#pending > this.#host.limits.exchangesMax + this.#windowOctets)
      this.#host.exceeded('too-many-messages')
    return exchange
  }

  /** §2.6.3: the negative reply goes out before the rest of the message is there, and that is dropped. */
  #tooLarge(msgno: number, isWhole: boolean): void {
    const exchange = this.#begin(msgno)
    if (!isWhole) {
      exchange.isReceived = false
      this.unanswered.delete(msgno)
      this.#refused = exchange
    }
    exchange.negative(this.#negative('too-large'))
  }

  #refusedIsWhole(): void {
    const exchange = this.#refused
    this.#refused = undefined
    if (exchange === undefined) return
    exchange.isReceived = true
    if (!exchange.isReplied) this.unanswered.add(exchange.msgno)
  }

  #negative(why: 'malformed' | 'too-large'): OutgoingEntity {
    const own = this.handler.negative?.(why)
    if (own !== undefined) return own
    const error = why === 'malformed' ? beepError(500) : beepError(554, 'the message is too large')
    return { contentType: beepXmlType, body: utf8(errorMessage(error)) }
  }

  #reply(frame: DataFrame, arrival: Arrival): void {
    const outstanding = this.#outstanding[0] as Outstanding
    outstanding.keyword = frame.keyword
    if (!outstanding.isWhole && !outstanding.isRefused) {
      outstanding.isRefused = true
      this.outbound.abandon(outstanding.msgno)
      this.#host.pump(this)
    }
    const isLast = frame.keyword !== 'ANS' && !frame.more
    if (isLast) this.#outstanding.shift()
    if (frame.keyword === 'NUL') outstanding.tell({ kind: 'NUL' })
    else if (arrival.kind === 'whole') this.#give(outstanding, frame, arrival.payload)
    else if (arrival.kind === 'too-large') this.#poor(outstanding, 'too-large')
  }

  #give(outstanding: Outstanding, { keyword, ansno }: DataFrame, payload: Bytes): void {
    const entity = readEntity(payload)
    if (!(entity instanceof Entity)) return this.#poor(outstanding, 'malformed')
    if (keyword === 'ANS') outstanding.tell({ kind: 'ANS', ansno, entity })
    else outstanding.tell({ kind: keyword as 'RPY' | 'ERR', entity })
  }

  #poor(outstanding: Outstanding, why: 'malformed' | 'too-large'): void {
    outstanding.tell({ kind: 'lost', why })
    this.#host.poorReply(this, why)
  }

  // --- the window that we give (RFC 3081 §3.1.4)

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    this.openWindow()
  }

  /** Lets the peer go on where that is due: "whenever the window size that will be sent is at least one half of the buffer space". */
  openWindow(): void {
    if (this.state === 'closed' || this.#isPaused || this.#pending >= this.#host.limits.exchangesMax) return
    const { inbound } = this
    const size = this.#windowOctets
    if (inbound.heldOctets <= size) this.#host.giveBack(this)
    else if (!this.#host.grant(this)) return
    const gain = size - inbound.window
    if (gain * 2 < size) return
    if (this.#host.advertise(this, inbound.expected, size)) inbound.edge = seqnoAfter(inbound.expected, size)
  }

  // --- its end

  close(code = 200, text = '', onOutcome: (outcome: CloseOutcome) => void = () => {}): void {
    if (this.state !== 'open') return onOutcome({ kind: 'lost' })
    this.state = 'closing'
    // §2.3.1.3: "whenever all MSG messages it has sent on that channel have been acknowledged".
    this.whenQuiet(true, () => this.#host.askToClose(this, code, text, onOutcome))
  }

  /** The peer would not: it goes on. */
  reopen(): void {
    if (this.state === 'closing') this.state = 'open'
  }

  /** Runs once our MSGs are replied to (`isOwn`), or all exchanges are complete. */
  whenQuiet(isOwn: boolean, run: () => void): void {
    this.#whenQuiet.push({ isOwn, run })
    this.settle()
  }

  settle(): void {
    if (this.#whenQuiet.length === 0) return
    const due = this.#whenQuiet.filter(({ isOwn }) => (isOwn ? this.#outstanding.length === 0 : this.isQuiet))
    this.#whenQuiet = this.#whenQuiet.filter((one) => !due.includes(one))
    for (const { run } of due) run()
  }

  /** It is over: nothing is heard or said on it any more. */
  finish(why: 'closed' | 'lost' | 'reset'): void {
    if (this.state === 'closed') return
    this.state = 'closed'
    this.#host.giveBack(this)
    for (const outstanding of this.#outstanding.splice(0)) outstanding.tell({ kind: 'lost', why: 'closed' })
    const waiting = this.#whenQuiet
    this.#whenQuiet = []
    for (const { run } of waiting) run()
    this.handler.onClosed?.(why)
  }
}
