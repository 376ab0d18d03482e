// What goes between two servers as stanzas: one stream, or several one after another where a broken one is resumed (XEP-0198 §5). It
// knows which pairs of domains may come by it and whether we may send, counts, keeps what is not acknowledged, and says what became of it.
import type { Bytes } from '#base'
import type { Lease } from '#core'
import type { Head } from '#model'
import type { Frame } from '#wire/xml'
import { clientNamespace } from '../codec/namespaces.ts'
import type { ToldLimits } from '../codec/stream-limits.ts'
import { handledTooHighText, resumedText, tooMuchText, unstanzaOf } from '../codec/stream-management.ts'
import type { StreamCondition } from '../codec/stream-text.ts'
import { StreamManagement } from '../stream-management.ts'
import type { SentStanza } from '../unacknowledged.ts'
import type { ServersEnvironment } from './environment.ts'
import type { Lapsed } from './lapsed.ts'
import type { Multiplexing } from './multiplexing.ts'
import type { StreamOctets } from './octets.ts'
import { Outflow } from './outflow.ts'
import type { Parcel } from './parcel.ts'
import { suspectIn } from './too-large.ts'

export interface ChannelOwner {
  /** A stanza of somebody's, on loan. */
  take(channel: Channel, frame: Frame): void
  /** It is over; what it could not hand on has been given back. `broke`: not in order. */
  onOver(channel: Channel, why: string, broke: boolean): void
  /** Its stream broke, and it waits for another. */
  onAway(channel: Channel, why: string): void
}

/** One moment's patience with acknowledgements: whoever answers soon is asked again at once, so that outcomes come soon. */
const asking = { acknowledgeStanzas: 1, acknowledgeSeconds: 1 }

/** LIMIT: seconds without use after which we close a stream at the soonest, however short the other side's patience is. */
const idleSecondsMin = 10

export class Channel {
  readonly role: 'initiator' | 'receiver'
  readonly environment: ServersEnvironment
  /** Domains whose stanzas may come by it: they have proven themselves. */
  readonly admitted = new Set<string>()
  /** `ours theirs` for which we may send by it. */
  readonly outward = new Set<string>()
  /** Milliseconds since the epoch. */
  readonly since: number
  /** How each of their domains proved itself, for people. */
  readonly identities = new Map<string, string>()
  /** The pair that it was opened for, which resumes it; '' where others opened it. */
  home = ''
  /** How more domains come by it, where we opened it. */
  multiplexing: Multiplexing | undefined
  management: StreamManagement | undefined
  /** Once it is over: what the other side may have though it was given back. */
  lapsed: Lapsed | undefined
  /** Once it is over: over which message the other side has ended it. */
  suspect: Head | undefined
  /** What the other side said when it ended it. */
  #error = ''
  readonly #owner: ChannelOwner
  /** It is not closed though nobody uses it. */
  readonly #stays: boolean
  #octets: StreamOctets | undefined
  /** Of the stream that it has. */
  #outflow: Outflow | undefined
  /** Written to a server that does not acknowledge, and not on its way. */
  readonly #unsettled = new Set<NonNullable<Parcel['settle']>>()
  #awaiting: Lease | undefined
  #idle: Lease
  #probe: Lease | undefined
  /** Stanzas both ways since it was last looked at. */
  #used = false
  /** The other side's limits (XEP-0478), where it told any. */
  #octetsMax = Number.POSITIVE_INFINITY
  #theirIdleSeconds = Number.POSITIVE_INFINITY
  #over = false
  /** Stanzas that come again by a stream that was resumed: they were not handled when we said how far we were, and they are being handled. */
  #repeated = 0
  /** It takes no more to send; what it has it still hands on. */
  isClosing = false

  constructor(
    role: 'initiator' | 'receiver',
    environment: ServersEnvironment,
    octets: StreamOctets,
    owner: ChannelOwner,
    stays = false,
  ) {
    this.role = role
    this.#stays = stays
    this.environment = environment
    this.#owner = owner
    this.#octets = octets
    this.#outflow = new Outflow(octets)
    this.since = environment.service.clock.now()
    this.#idle = this.#lookForUse()
    environment.metrics.streams.add(1)
  }

  get octets(): StreamOctets | undefined {
    return this.#octets
  }

  get isOver(): boolean {
    return this.#over
  }

  get isAway(): boolean {
    return this.#octets === undefined && !this.#over
  }

  get resumptionId(): string | undefined {
    return this.management?.resumable?.id
  }

  isOn(octets: StreamOctets): boolean {
    return this.#octets === octets
  }

  /** What the other side says that it takes, and how long it keeps a stream that nobody uses. */
  keepTo(limits: ToldLimits | undefined): void {
    this.#octetsMax = limits?.octets ?? Number.POSITIVE_INFINITY
    this.#theirIdleSeconds = limits?.seconds ?? Number.POSITIVE_INFINITY
    this.#idle.cancel()
    this.#idle = this.#lookForUse()
  }

  // What we send.

  /** In the order of the calls. */
  send({ bytes, settle, head }: Parcel): void {
    if (this.#over) return settle?.('given-back')
    const { service, metrics } = this.environment
    // XEP-0478 §4: it would end the stream for all.
    if (bytes.length > this.#octetsMax) return this.#refuse(settle, bytes.length)
    this.#used = true
    metrics.sent.add()
    if (this.management === undefined) return this.#sendUnmanaged(bytes, settle)
    if (settle !== undefined && this.#isLaden(bytes.length)) return settle('given-back')
    const answer =
      settle === undefined
        ? undefined
        : ({ kind }: { kind: string }) => settle(kind === 'accepted' ? 'taken' : 'given-back')
    const isKept = this.management.keep({
      bytes,
      at: service.clock.now(),
      answer,
      onLost: undefined,
      isStampable: false,
      head,
    })
    // LIMIT: stanzas and octets that another server may leave unacknowledged.
    if (!isKept) return this.fail('policy-violation', 'it acknowledges nothing', tooMuchText)
    if (this.#octets === undefined) return
    this.#outflow?.put(bytes)
    this.management.sent()
    this.#awaitAnswer()
  }

  /** LIMIT: what waits for the other side to take it: more is given back at once, and may wait elsewhere. */
  #isLaden(octets: number): boolean {
    const { serverQueuedMax, unacknowledgedOctetsMax } = this.environment.settings
    const { length = 0, octets: before = 0 } = this.management?.unacknowledged ?? {}
    return length >= serverQueuedMax || before + octets > unacknowledgedOctetsMax * 8
  }

  /** Without acknowledgements it is taken when it is on its way. */
  #sendUnmanaged(bytes: Bytes, settle: Parcel['settle']): void {
    const outflow = this.#outflow
    if (outflow === undefined || this.#octets?.isOpen !== true) return settle?.('given-back')
    if (settle === undefined) return outflow.put(bytes)
    const { serverQueuedMax, unacknowledgedOctetsMax } = this.environment.settings
    if (outflow.length >= serverQueuedMax || outflow.octets > unacknowledgedOctetsMax * 8)
      return settle('given-back')
    this.#unsettled.add(settle)
    outflow.put(bytes, () => {
      if (this.#unsettled.delete(settle)) settle('taken')
    })
    if (outflow.isFull) this.#awaitAnswer()
  }

  /** The other side has read all that its connection held. */
  drained(octets: StreamOctets): void {
    if (this.#octets !== octets) return
    this.#outflow?.drained()
    if (this.management === undefined && this.#outflow?.isFull === false) this.#probe?.cancel()
    else if (this.#probe?.active === true) this.#probe.renew(this.environment.settings.serverProbeSeconds)
  }

  #refuse(settle: Parcel['settle'], octets: number): void {
    const { service, metrics } = this.environment
    metrics.tooLarge.add()
    const domains = [...this.outward].join()
    service.log.debug('a stanza is larger than the other XMPP server takes', { domains, octets })
    settle?.('too-large')
  }

  /** What stands beside stanzas. */
  writeUnstanza(text: string): void {
    this.#octets?.writeUtf8(text)
  }

  // What we receive.

  /** An element of an open stream. Hot path. */
  receive(frame: Frame): void {
    if (frame.namespace === clientNamespace) return this.#stanza(frame)
    const unstanza = unstanzaOf(frame)
    switch (unstanza?.kind) {
      case 'request':
        return this.management?.requested()
      case 'acknowledgement':
        return this.#acknowledged(unstanza.h)
      case undefined:
        return this.#stanza(frame)
      default:
        this.fail('bad-format', 'it does not keep to XEP-0198')
    }
  }

  /** One that came before counting began. */
  receiveEarly(frame: Frame): void {
    this.#owner.take(this, frame)
  }

  #stanza(frame: Frame): void {
    const { management } = this
    this.#used = true
    if (management === undefined) return this.#owner.take(this, frame)
    if (this.#repeated > 0) return void this.#repeated--
    management.handled.begin()
    this.#owner.take(this, frame)
    management.handled.end()
    management.took()
  }

  #acknowledged(h: number): void {
    const { management } = this
    if (management === undefined || management.acknowledged(h)) {
      if (management?.unacknowledged.length === 0) this.#probe?.cancel()
      else if (this.#probe?.active === true) this.#probe.renew(this.environment.settings.serverProbeSeconds)
      return
    }
    this.fail(
      'undefined-condition',
      'it acknowledges what it was not sent',
      handledTooHighText(h, management.unacknowledged.sent),
    )
  }

  /** An unanswered request to acknowledge is a dead connection, and so is one that is not read. */
  #awaitAnswer(): void {
    if (this.#probe?.active === true) return
    const { service, settings } = this.environment
    this.#probe = service.leases.grant(settings.serverProbeSeconds, () => {
      if ((this.management?.unacknowledged.length ?? 0) > 0 || this.#outflow?.isFull === true)
        this.#octets?.destroy('the other side is silent')
    })
  }

  // Stream management.

  /** From now on stanzas are counted and kept (XEP-0198 §3). */
  manage(
    resumable: { readonly id: string; readonly seconds: number } | undefined,
    start?: { readonly sent: number; readonly received: number },
  ): void {
    const { settings, service } = this.environment
    const { serverQueuedMax, unacknowledgedOctetsMax } = settings
    this.management = new StreamManagement({
      settings: {
        ...asking,
        unacknowledgedStanzasMax: serverQueuedMax,
        unacknowledgedOctetsMax: unacknowledgedOctetsMax * 8,
      },
      leases: service.leases,
      resumable,
      start,
    })
    if (this.#octets !== undefined) this.management.attach(this.#octets)
  }

  /** Whether that `h` can be theirs. */
  mayResume(h: number): boolean {
    return !this.#over && this.management?.unacknowledged.isPossible(h) === true
  }

  /**
   * It goes on with another stream, whose other side has taken so much of what it was sent, which must be possible, and was told by us how
   * many we had handled; as the receiver we tell it now. What came and is not durable yet is not told: it would be lost by a crash.
   */
  resume(octets: StreamOctets, h: number, told?: number): void {
    const management = this.management as StreamManagement
    const { count, received } = management.handled
    this.#repeated = (received - (told ?? count)) >>> 0
    const before = this.#octets
    this.#octets = undefined
    this.#outflow = undefined
    before?.destroy('it goes on with another connection')
    this.#awaiting?.cancel()
    this.#octets = octets
    this.#outflow = new Outflow(octets)
    this.environment.metrics.resumed.add()
    management.acknowledged(h)
    if (told === undefined) octets.writeUtf8(resumedText(management.resumable?.id ?? '', count))
    for (const { bytes } of management.unacknowledged.all()) this.#outflow.put(bytes)
    management.attach(octets)
    if (management.unacknowledged.length > 0) this.#awaitAnswer()
  }

  /** What the other side says that it took before it forgot the rest (XEP-0198 §5). */
  tookUntil(h: number | undefined): void {
    if (h !== undefined && this.mayResume(h)) this.management?.acknowledged(h)
  }

  // The end.

  /** Its stream is gone. */
  lost(octets: StreamOctets, why: string, broke: boolean): void {
    if (this.#octets !== octets || this.#over) return
    const seconds = this.management?.resumable?.seconds ?? 0
    if (!broke || seconds === 0 || this.isClosing) return this.end(why, broke)
    this.#octets = undefined
    this.multiplexing?.over()
    this.#outflow = undefined
    this.management?.detach()
    this.#probe?.cancel()
    this.#awaiting = this.environment.service.leases.grant(seconds, () => this.end(why, true))
    this.#owner.onAway(this, why)
  }

  fail(condition: StreamCondition, why: string, more = ''): void {
    if (this.#octets === undefined) return this.end(why, true)
    if (more !== '') this.environment.service.log.debug('an XMPP server is refused', { why })
    this.isClosing = true
    this.#octets.close(condition, why)
  }

  /** The other side ends it with an error. */
  errored(error: string): void {
    this.#error = error
    this.close(`the other side said ${error}`)
  }

  /** In order: nothing more goes by it. */
  close(why: string, condition?: StreamCondition): void {
    this.isClosing = true
    if (this.#octets === undefined) return this.end(why, false)
    this.management?.sayGoodbye()
    this.#octets.close(condition, why)
  }

  end(why: string, broke: boolean): void {
    if (this.#over) return
    this.#over = true
    this.#octets = undefined
    this.multiplexing?.over()
    this.#outflow = undefined
    this.#awaiting?.cancel()
    this.#idle.cancel()
    this.#probe?.cancel()
    this.management?.detach()
    const { metrics } = this.environment
    metrics.streams.add(-1)
    const given = this.management?.unacknowledged.takeAll() ?? []
    this.lapsed = this.#lapsedWith(given)
    this.suspect = suspectIn(this.#error, given)
    metrics.lost.add(given.length)
    // First nobody may use it any more; then, in order, whoever waits for an outcome hears.
    this.#owner.onOver(this, why, broke || given.length > 0)
    for (const { answer } of given) answer?.({ kind: 'declined', condition: 'connection-failed' })
    for (const settle of this.#unsettled) settle('given-back')
  }

  /** What the other side can be asked about later. */
  #lapsedWith(given: readonly SentStanza[]): Lapsed | undefined {
    const { management } = this
    if (management?.resumable === undefined || given.every(({ head }) => head === undefined)) return undefined
    return {
      ...management.resumable,
      handled: management.handled,
      sent: management.unacknowledged.sent,
      left: given.map(({ head }) => head),
    }
  }

  #lookForUse(): Lease {
    const { service, settings } = this.environment
    // Who opened it closes it; the other side does so only when that one forgets.
    const own = settings.serverIdleSeconds * (this.role === 'initiator' ? 1 : 2)
    // We close in order before it may cut: use is looked at each half of its time.
    const seconds = Math.min(own, Math.max(idleSecondsMin, Math.floor(this.#theirIdleSeconds / 2)))
    return service.leases.grant(seconds, () => {
      if (this.#over) return
      const isBusy = this.#used || (this.management?.unacknowledged.length ?? 0) > 0
      this.#used = false
      if (!isBusy && !this.#stays && this.management?.handled.isSettled !== false) this.close('it was idle')
      else this.#idle = this.#lookForUse()
    })
  }
}
