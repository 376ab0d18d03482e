// One domain of ours and one other: the channels between them, the stanzas that wait for one, and how a broken one is tried again.
import type { Timer } from '#base'
import type { Channel, ChannelOwner } from './channel.ts'
import { Channel as ChannelOf } from './channel.ts'
import type { ServersEnvironment } from './environment.ts'
import type { Ready } from './initiating-stream.ts'
import { type Lapsed, TakenBefore } from './lapsed.ts'
import { NoServer } from './opening.ts'
import type { Parcel, ParcelFate } from './parcel.ts'

/** Seconds after which a domain that could not be reached is tried again for something new. */
const pauseSeconds = 2
/** Seconds after which a stream has lasted. */
const stableSeconds = 5
/** Seconds between tries to resume a stream that did not: the first, and at most. */
const resumeSeconds = { first: 0.1, most: 15 }
/** Seconds in which the other side should resume a stream that it opened, by which we send: then it is given up, and we go to it. */
const awaitSeconds = 10
/** LIMIT: tries to ask what was taken of a stream that was given up, where there is another to go by. */
const asksMax = 3

/** Seconds in which the relay offers again what it was given back, once the domain can be reached. */
const takenSeconds = 600

export interface PairParts {
  readonly environment: ServersEnvironment
  readonly ours: string
  readonly theirs: string
  readonly owner: ChannelOwner
  /** Opens a stream, resuming where it says so; rejects with an Error that says why not. */
  readonly open: (
    pair: ServerPair,
    resume: { readonly id: string; readonly h: number } | undefined,
    onReady: (ready: Ready) => Channel,
    signal: AbortSignal,
  ) => Promise<void>
  /** A stream for others that may carry this pair too; undefined where there is none to be asked (XEP-0220 §2.6). */
  readonly share: (pair: ServerPair) => Promise<Channel | undefined> | undefined
  /** The domain can be reached again: what was not heard meanwhile is asked for anew. */
  readonly onReachable: (pair: ServerPair) => void
}

export class ServerPair {
  readonly ours: string
  readonly theirs: string
  /** By which either side may send, or they alone. */
  readonly channels = new Set<Channel>()
  /** The last failure, with its time; empty when there was none. */
  lastError = ''
  /** Something was lost, or may have been said that did not reach us. */
  wasAway = false
  readonly #parts: PairParts
  /** The one that carries what we send, as long as it lasts: one way, so that order holds. */
  #carrier: Channel | undefined
  #waiting: Parcel[] = []
  #opening: AbortController | undefined
  #pausedUntil = 0
  #again: Timer | undefined
  #awaiting: Timer | undefined
  #againSeconds = resumeSeconds.first
  /** When a stream of ours was last ready. */
  #readyAt = Number.NEGATIVE_INFINITY
  #over = false
  /** A stream that was given up, of which the other side has yet to say how much of it it has. */
  #lapsed: Lapsed | undefined
  #askedInVain = 0
  readonly #takenBefore = new TakenBefore()
  #forgetting: Timer | undefined

  constructor(parts: PairParts) {
    this.#parts = parts
    this.ours = parts.ours
    this.theirs = parts.theirs
  }

  get key(): string {
    return `${this.ours} ${this.theirs}`
  }

  /** A stream is there by which we may send. */
  get carries(): boolean {
    return this.#carrier !== undefined || this.#choose() !== undefined
  }

  get state(): 'connected' | 'connecting' | 'backing-off' | 'idle' {
    for (const { isAway } of this.channels) if (!isAway) return 'connected'
    if (this.#opening !== undefined) return 'connecting'
    return this.#again !== undefined || this.#isPaused ? 'backing-off' : 'idle'
  }

  /** In the order of the calls; each is settled within a bounded time. */
  send(parcel: Parcel): void {
    const carrier = this.#carrier ?? this.#choose()
    if (carrier !== undefined) return this.#carry(carrier, parcel)
    // LIMIT: stanzas that wait for a stream.
    const isFull = this.#waiting.length >= this.#parts.environment.settings.serverQueuedMax
    if (this.#over || this.#isPaused || isFull) return parcel.settle?.('given-back')
    this.#waiting.push(parcel)
    this.want()
  }

  /** A stream is needed: opens one, unless there is one. */
  want(): void {
    if (this.#over || this.#opening !== undefined || this.#again !== undefined) return
    if (this.#carrier === undefined && this.#choose() === undefined) this.#open()
  }

  /** A channel that serves the two, opened by either side. */
  join(channel: Channel): void {
    this.channels.add(channel)
    if (channel.role === 'receiver') this.#heard()
    // Who resumes does so before anything else: the other side has forgotten what we await, as by a crash.
    const carrier = this.#carrier
    if (carrier?.isAway === true && carrier.role === 'receiver' && channel.outward.has(this.key))
      carrier.end('the other side has come with another stream', true)
    if (this.#carrier === undefined && this.#lapsed === undefined && channel.outward.has(this.key)) {
      this.#carrier = channel
      for (const parcel of this.#waiting.splice(0)) this.#carry(channel, parcel)
    }
    if (!this.wasAway) return
    this.wasAway = false
    this.#parts.onReachable(this)
  }

  /** It breaks, and may come back: we try, if we opened it. */
  away(channel: Channel, why: string): void {
    this.failed(why)
    if (channel === this.#carrier && channel.role === 'receiver') this.#awaitTheirs(channel)
    // Whom else it serves waits with it.
    if (channel.home !== this.key || this.#over) return
    // At once, unless streams end as soon as they are ready.
    const lasted = this.#parts.environment.service.clock.monotonic() - this.#readyAt
    if (lasted < stableSeconds * 1000) return this.#resumeIn(this.#againSeconds)
    this.#againSeconds = resumeSeconds.first
    if (this.#opening === undefined) this.#open(channel)
  }

  left(channel: Channel, why: string, broke: boolean): void {
    if (!this.channels.delete(channel)) return
    if (broke) {
      this.wasAway = true
      this.failed(why)
    }
    // One of the pairs that it carried asks, so that it is not resumed by several.
    if (channel.lapsed !== undefined && (channel.home === '' || channel.home === this.key)) {
      this.#lapsed = channel.lapsed
      this.#askedInVain = 0
    }
    if (this.#carrier !== channel) return
    this.#carrier = undefined
    if (this.#again !== undefined) {
      this.#again.cancel()
      this.#again = undefined
    }
  }

  #carry(channel: Channel, parcel: Parcel): void {
    if (!this.#takenBefore.isEmpty && parcel.head !== undefined && this.#takenBefore.has(parcel.head))
      parcel.settle?.('taken')
    else channel.send(parcel)
  }

  /** Remembers why something with this domain did not work. */
  failed(why: string): void {
    this.lastError = `${new Date(this.#parts.environment.service.clock.now()).toISOString()} ${why}`
  }

  /** Says goodbye on every channel; what waits is given back. */
  close(): void {
    this.#over = true
    this.#again?.cancel()
    this.#awaiting?.cancel()
    this.#forgetting?.cancel()
    this.#opening?.abort()
    for (const channel of [...this.channels]) channel.close('the server stops', 'system-shutdown')
    for (const channel of [...this.channels]) channel.end('the server stops', false)
    this.#giveBack('given-back')
  }

  get #isPaused(): boolean {
    return this.#parts.environment.service.clock.monotonic() < this.#pausedUntil
  }

  #choose(): Channel | undefined {
    // First the other side is asked what it has, by a stream of ours.
    if (this.#lapsed !== undefined) return undefined
    for (const channel of this.channels) {
      if (channel.isOver || channel.isClosing || channel.isAway || !channel.outward.has(this.key)) continue
      this.#carrier = channel
      return channel
    }
    return undefined
  }

  /** @param broken the channel that is to be resumed */
  #open(broken?: Channel): void {
    const { environment, open, share } = this.#parts
    const { service, settings } = environment
    const abort = new AbortController()
    this.#opening = abort
    const late = service.clock.schedule(settings.serverConnectSeconds * 1000, () => abort.abort())
    const id = broken?.resumptionId
    const resume =
      id === undefined
        ? this.#lapsed && { id: this.#lapsed.id, h: this.#lapsed.handled.count }
        : { id, h: broken?.management?.handled.count ?? 0 }
    const onReady = (ready: Ready): Channel => {
      this.#opening = undefined
      this.#readyAt = service.clock.monotonic()
      return this.#ready(ready, broken, resume?.h ?? 0)
    }
    // What was given up is asked about by a stream of its own.
    const shared = resume === undefined ? share(this) : undefined
    const opened =
      shared === undefined
        ? open(this, resume, onReady, abort.signal)
        : shared.then((channel) =>
            channel === undefined ? open(this, resume, onReady, abort.signal) : this.#sharing(channel),
          )
    opened
      .catch((error: Error) => {
        this.failed(error.message)
        if (this.#over) return
        service.log.warn('a domain cannot be reached by XMPP', {
          domain: this.theirs,
          from: this.ours,
          why: error.message,
        })
        if (this.#opening === abort) this.#opening = undefined
        if (broken?.isAway === true) return this.#resumeIn(this.#againSeconds)
        if (this.#goesWithout()) return
        this.wasAway = true
        this.#pausedUntil = service.clock.monotonic() + pauseSeconds * 1000
        this.#giveBack(error instanceof NoServer ? 'host-unknown' : 'given-back')
      })
      .finally(() => late.cancel())
  }

  /** A stream that was there carries it from now on. */
  #sharing(channel: Channel): void {
    this.#opening = undefined
    this.join(channel)
  }

  /** @param told how many of theirs we said to have handled, where we asked to resume */
  #ready(ready: Ready, broken: Channel | undefined, told: number): Channel {
    const { environment, owner, theirs } = this.#parts
    if (ready.managed === 'resumed' && broken?.mayResume(ready.h ?? -1) === true) {
      broken.keepTo(ready.limits)
      broken.resume(ready.octets, ready.h ?? 0, told)
      return broken
    }
    const lapsed = broken === undefined ? this.#lapsed : undefined
    if (lapsed !== undefined) this.#learn(lapsed, ready.h)
    broken?.tookUntil(ready.h)
    const channel = new ChannelOf('initiator', environment, ready.octets, owner)
    channel.home = this.key
    if (ready.identity !== '') channel.identities.set(theirs, ready.identity)
    channel.keepTo(ready.limits)
    channel.outward.add(this.key)
    if (ready.bidi) channel.admitted.add(theirs)
    if (ready.managed === 'enabled') channel.manage(ready.resumable)
    // The other side still awaited it: it goes on, though what it had carried is offered anew.
    else if (ready.managed === 'resumed' && lapsed !== undefined && ready.h !== undefined)
      channel.manage(lapsed, { sent: ready.h, received: told })
    // What the other side did not take of the one before is offered again behind it, by whoever sent it.
    const unasked = lapsed === undefined ? this.#lapsed : undefined
    broken?.end('the other side does not know the stream any more', true)
    this.#lapsed = unasked
    this.join(channel)
    return channel
  }

  #learn(lapsed: Lapsed, h: number | undefined): void {
    this.#lapsed = undefined
    if (h === undefined) return
    this.#takenBefore.learn(lapsed, h)
    this.#forgetting?.cancel()
    const { clock } = this.#parts.environment.service
    this.#forgetting = clock.schedule(takenSeconds * 1000, () => this.#takenBefore.forget())
  }

  /** What waits is safer in the queue, and the other side may have nothing to come for. */
  #awaitTheirs(channel: Channel): void {
    this.#awaiting?.cancel()
    this.#awaiting = this.#parts.environment.service.clock.schedule(awaitSeconds * 1000, () => {
      if (!channel.isAway || this.#carrier !== channel) return
      if (channel.management?.unacknowledged.length === 0) this.#carrier = undefined
      else channel.end('the other side does not come back to it', true)
    })
  }

  #resumeIn(seconds: number): void {
    this.#againSeconds = Math.min(Math.max(seconds, resumeSeconds.first) * 2, resumeSeconds.most)
    this.#again = this.#parts.environment.service.clock.schedule(seconds * 1000, () => this.#tryAgain())
  }

  #tryAgain(): void {
    this.#again = undefined
    const broken = [...this.channels].find(({ isAway, home }) => isAway && home === this.key)
    if (this.#over || this.#opening !== undefined) return
    if (broken !== undefined) this.#open(broken)
    else if (this.#waiting.length > 0) this.want()
  }

  /** The other side has come to us: what waits to be resumed need not wait longer. */
  #heard(): void {
    if (this.#again === undefined) return
    this.#again.cancel()
    this.#againSeconds = resumeSeconds.first
    this.#tryAgain()
  }

  /** We can't open a stream, and not for a cut alone, but the other side has: what it took before stays unknown. */
  #goesWithout(): boolean {
    if (this.#lapsed !== undefined && ++this.#askedInVain < asksMax) return false
    const lapsed = this.#lapsed
    this.#lapsed = undefined
    const channel = this.#choose()
    if (channel === undefined) this.#lapsed = lapsed
    if (channel === undefined || lapsed === undefined) return false
    for (const parcel of this.#waiting.splice(0)) channel.send(parcel)
    return true
  }

  #giveBack(fate: ParcelFate): void {
    const waiting = this.#waiting.splice(0)
    this.#parts.environment.metrics.lost.add(waiting.length)
    for (const { settle } of waiting) settle?.(fate)
  }
}
