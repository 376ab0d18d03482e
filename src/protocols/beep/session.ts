// One BEEP session on one connection (RFC 3080 §2.4, RFC 3081 §2): frames to channels, channels to frames, and its end. What channel 0
// says is in management.ts.

import type { Bytes } from '#base'
import type { CloseReason, Connection, ConnectionHandler, StartTlsOptions, TlsContext } from '#net'
import { BeepChannel, type ChannelHost } from './channel.ts'
import { ChannelTable } from './channel-table.ts'
import {
  type FrameHeader,
  type FrameReason,
  Framer,
  type Greeting,
  initialWindow,
  type SeqFrame,
} from './codec/index.ts'
import { Deadlines } from './deadlines.ts'
import { Grants } from './grants.ts'
import { defaultSessionLimits, type SessionLimits } from './limits.ts'
import { Management } from './management.ts'
import type {
  BeepIdentity,
  ChannelHandler,
  CloseOutcome,
  Role,
  Session,
  SessionReason,
  StartOutcome,
  StartRequest,
  Tuning,
} from './profile.ts'
import { Pump } from './pump.ts'
import type { SessionOptions } from './session-options.ts'

export class BeepSession implements Session, ConnectionHandler, ChannelHost, Tuning {
  readonly role: Role
  readonly connection: Connection
  readonly options: SessionOptions
  readonly limits: SessionLimits
  state: 'greeting' | 'open' | 'securing' | 'over' = 'greeting'
  peer: Greeting | undefined
  serverName: string | undefined
  identity: BeepIdentity | undefined
  failedLogins = 0
  isUnderWay = false
  /** Numbers that the peer asked for and that are not decided. */
  readonly starting = new Set<number>()
  readonly #channels: ChannelTable
  readonly #pump: Pump
  readonly #grants: Grants
  readonly #deadlines: Deadlines
  #framer: Framer
  #management: Management
  #isReleasing = false
  #onSecure: (() => void) | undefined
  #whenReplied: { readonly dueMax: number; readonly run: () => void }[] = []

  constructor(connection: Connection, options: SessionOptions) {
    this.connection = connection
    this.options = options
    this.role = options.role
    this.limits = { ...defaultSessionLimits, ...options.limits }
    this.#pump = new Pump(connection, this.limits.frameOctetsMax)
    this.#grants = new Grants(this.limits.assemblyOctetsMax, this.limits.messageOctetsMax)
    this.#framer = new Framer(this.#admit)
    this.#management = new Management(this)
    this.#channels = new ChannelTable(this.role)
    this.#deadlines = new Deadlines(options.clock)
  }

  /** Takes the connection and greets (§2.3.1.1). */
  begin(): this {
    this.#deadlines.set('tuning', this.limits.tuningSecondsMax, () =>
      this.terminate({ why: 'silent', detail: 'not in use in time' }),
    )
    this.connection.start(this)
    this.#greet()
    return this
  }

  get session(): Session {
    return this
  }

  get tuning(): Tuning {
    return this
  }

  get closing(): boolean {
    return this.state === 'over' || this.#isReleasing
  }

  /** Those but channel 0. */
  get channels(): BeepChannel[] {
    return this.#channels.started
  }

  channel(number: number): BeepChannel | undefined {
    return this.#channels.get(number)
  }

  #greet(): void {
    const zero = new BeepChannel(this, 0, '', this.#management, initialWindow)
    this.#channels.add(zero)
    this.#deadlines.set('greeting', this.limits.greetingSecondsMax, () =>
      this.terminate({ why: 'silent', detail: 'no greeting in time' }),
    )
    this.#management.greet(zero)
  }

  /** The peer's greeting is there. */
  greeted(greeting: Greeting): void {
    this.#deadlines.cancel('greeting')
    this.peer = greeting
    this.state = 'open'
    this.options.onGreeting?.(this)
  }

  // --- what comes

  onData(octets: Bytes): void {
    // TLS brings another one with it.
    const framer = this.#framer
    framer.push(octets)
    for (;;) {
      if (this.state === 'over') return
      if (this.state === 'securing') {
        // Octets behind `ready` or `proceed` that are not TLS's are nobody's word (§3.1.3).
        if (framer.pendingOctets > 0) this.#abort({ why: 'malformed', detail: 'octets before the handshake' })
        return
      }
      const frame = framer.next()
      if (frame === undefined) return
      if (frame.kind === 'data') (this.#channels.get(frame.channel) as BeepChannel).receive(frame)
      else if (frame.kind === 'SEQ') this.#acknowledge(frame)
      else return this.#malformed(frame.reason, frame.offset)
    }
  }

  /** Asked before a payload is read: a frame that is poorly formed costs no more than its header (§2.2.1.1). */
  readonly #admit = (header: FrameHeader): FrameReason | undefined => {
    const channel = this.#channels.get(header.channel)
    if (channel === undefined) return 'no-such-channel'
    if (this.state === 'greeting' && header.keyword === 'MSG') return 'before-greeting'
    return channel.fault(header)
  }

  #acknowledge(seq: SeqFrame): void {
    const channel = this.#channels.get(seq.channel)
    if (channel !== undefined) {
      const reason = channel.acknowledge(seq)
      if (reason !== undefined) this.#malformed(reason)
      return
    }
    // It may have left before our `ok` to its close arrived (decision 0110).
    if (!this.#channels.wasClosedLately(seq.channel)) this.#malformed('no-such-channel')
  }

  /** "The session is terminated without generating a response, and it is recommended that a diagnostic entry be logged." */
  #malformed(reason: FrameReason, offset?: number): void {
    const { connection } = this
    this.options.log.info('a beep session ended by a poorly formed frame', {
      connection: connection.id,
      remote: connection.remote.address,
      reason,
      offset: offset ?? connection.bytesReceived,
    })
    this.terminate({ why: 'malformed', detail: reason })
  }

  onDrain(): void {
    this.#pump.drained()
  }

  onSecure(): void {
    const run = this.#onSecure
    this.#onSecure = undefined
    run?.()
    this.state = 'greeting'
    this.#greet()
  }

  onClose({ why, detail }: CloseReason): void {
    const ours =
      why === 'tls' ? 'tls' : why === 'slow-reader' ? 'slow-reader' : why === 'shutdown' ? 'us' : 'peer'
    this.#over({ why: ours, ...(detail !== undefined && { detail }) })
  }

  // --- what the channels want

  pump(channel: BeepChannel): void {
    if (this.state === 'over') return
    this.#pump.add(channel)
    if (channel.outbound.length > 0) this.#watchStalls()
  }

  advertise(channel: BeepChannel, ackno: number, window: number): boolean {
    return this.#pump.advertise(channel.number, ackno, window)
  }

  grant(channel: BeepChannel): boolean {
    return this.#grants.take(channel)
  }

  giveBack(channel: BeepChannel): void {
    this.#grants.giveBack(channel)
  }

  askToClose(
    channel: BeepChannel,
    code: number,
    text: string,
    onOutcome: (outcome: CloseOutcome) => void,
  ): void {
    this.#management.askToClose(channel, code, text, onOutcome)
  }

  exceeded(reason: FrameReason): void {
    this.terminate({ why: reason === 'unread' ? 'slow-reader' : 'limit', detail: reason })
  }

  /** §2.2.2.1: on channel zero the session is terminated, another channel is closed. */
  poorReply(channel: BeepChannel, why: 'malformed' | 'too-large'): void {
    if (channel.number === 0)
      return this.terminate({ why: 'malformed', detail: `a reply on channel 0 is ${why}` })
    channel.close(why === 'malformed' ? 500 : 554, `a reply was ${why}`)
  }

  /** LIMIT: whoever takes nothing of what waits for him, whether he reads slowly or never opens a window, is left. */
  #watchStalls(): void {
    if (this.#deadlines.has('stall')) return
    this.#deadlines.set('stall', this.limits.stallSecondsMax, () => {
      let isWaiting = false
      for (const channel of this.#channels.all) {
        const { seqno, length } = channel.outbound
        if (length > 0 && channel.seqnoSeen === seqno)
          return this.terminate({ why: 'slow-reader', detail: `channel ${channel.number} stands still` })
        channel.seqnoSeen = length > 0 ? seqno : undefined
        isWaiting ||= length > 0
      }
      if (isWaiting) this.#watchStalls()
    })
  }

  // --- channels come and go

  start(request: StartRequest, onOutcome: (outcome: StartOutcome) => void): void {
    this.#management.start(this.#channels.freeNumber(), request, onOutcome)
  }

  open(number: number, uri: string, handler: ChannelHandler, isTuning: boolean): BeepChannel {
    const channel = new BeepChannel(this, number, uri, handler, this.limits.windowOctets)
    this.#channels.add(channel)
    if (!isTuning) this.#deadlines.cancel('tuning')
    return channel
  }

  remove(channel: BeepChannel): void {
    this.#channels.remove(channel)
    channel.finish('closed')
  }

  release(onOutcome: (outcome: CloseOutcome) => void = () => {}): void {
    if (this.closing) return onOutcome({ kind: 'lost' })
    this.#isReleasing = true
    this.#deadlines.set('release', this.limits.stallSecondsMax, () =>
      this.terminate({ why: 'silent', detail: 'no answer to the release' }),
    )
    this.#management.release((outcome) => {
      this.#deadlines.cancel('release')
      if (outcome.kind === 'refused') this.#isReleasing = false
      onOutcome(outcome)
    })
  }

  /** Both have agreed (§2.4); RFC 3081 §2: TCP is closed at once. */
  released(): void {
    this.#end({ why: 'released' })
  }

  terminate(reason: SessionReason): void {
    this.#end(reason)
  }

  // --- tuning (§3, §4)

  whenQuiet(run: () => void): void {
    let waiting = 1
    const one = (): void => {
      if (--waiting === 0 && this.state !== 'over') run()
    }
    for (const channel of this.channels) {
      waiting++
      channel.whenQuiet(false, one)
    }
    one()
  }

  whenReplied(dueMax: number, run: () => void): void {
    this.#whenReplied.push({ dueMax, run })
    this.settled()
  }

  /** A reply has left: who waited for that goes on. */
  settled(): void {
    if (this.#whenReplied.length === 0 || this.state === 'over') return
    let due = 0
    for (const channel of this.#channels.all) due += channel.repliesDue
    const ready = this.#whenReplied.filter(({ dueMax }) => due <= dueMax)
    this.#whenReplied = this.#whenReplied.filter((one) => !ready.includes(one))
    for (const { run } of ready) run()
  }

  silence(): void {
    this.#pump.silence()
  }

  speak(): void {
    this.#pump.speak()
    for (const channel of this.#channels.all) {
      channel.openWindow()
      this.#pump.add(channel)
    }
  }

  secure(context: TlsContext, options: StartTlsOptions, onSecure?: () => void): void {
    this.state = 'securing'
    this.#onSecure = onSecure
    this.#reset()
    this.connection.startTls(context, options)
  }

  identify(identity: BeepIdentity): void {
    this.identity = identity
  }

  failedLogin(): void {
    if (++this.failedLogins >= this.limits.loginAttemptsMax)
      this.terminate({ why: 'limit', detail: 'too many failed logins' })
  }

  /** "All channels (including channel zero) are closed" (§3): what was said in the clear is forgotten. */
  #reset(): void {
    this.#channels.finish('reset')
    this.#grants.clear()
    this.#pump.clear()
    this.#deadlines.cancel('stall')
    this.#framer = new Framer(this.#admit)
    this.#management = new Management(this)
    this.peer = undefined
    this.isUnderWay = false
    this.starting.clear()
    this.#whenReplied = []
  }

  // --- its end

  /** What was answered before leaves first; then the connection ends in order, within the time that it gives (decision 0110). */
  #end(reason: SessionReason): void {
    if (this.state === 'over') return
    this.#over(reason)
    this.connection.close()
  }

  #abort(reason: SessionReason): void {
    if (this.state === 'over') return
    this.#over(reason)
    this.connection.destroy()
  }

  #over(reason: SessionReason): void {
    if (this.state === 'over') return
    this.state = 'over'
    this.#deadlines.cancelAll()
    this.#channels.finish(reason.why === 'released' ? 'closed' : 'lost')
    this.#grants.clear()
    this.#pump.clear()
    this.options.onClosed?.(this, reason)
  }
}

/** Serves a connection as BEEP: the one way in. */
export function beginSession(connection: Connection, options: SessionOptions): Session {
  return new BeepSession(connection, options).begin()
}
