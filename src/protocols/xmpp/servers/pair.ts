// One domain of ours and one other: the channels between them, the stanzas that wait for one, and how a broken one is tried again.
import type { Timer } from '#base'
import type { Head } from '#model'
import type { Aftermath } from './aftermath.ts'
import type { Channel, ChannelOwner } from './channel.ts'
import { Channel as ChannelOf } from './channel.ts'
import type { ServersEnvironment } from './environment.ts'
import type { Ready } from './initiating-stream.ts'
import type { Lapsed } from './lapsed.ts'
import { NoServer } from './opening.ts'
import type { Parcel, ParcelFate } from './parcel.ts'
import { Suspects } from './too-large.ts'

/** Seconds after which a domain that could not be reached is tried again for something new. */
const pauseSeconds = 2
/** Seconds after which a stream has lasted. */
const stableSeconds = 5
/** Seconds between tries to resume a stream that did not: the first, and at most. */
const resumeSeconds = { first: 0.1, most: 15 }
/** Seconds in which the other side should resume a stream that it opened, by which we send: then it is given up, and we go to it. */
const awaitSeconds = 10

export interface PairParts {
  readonly environment: ServersEnvironment
  readonly ours: string
  readonly theirs: string
  readonly owner: ChannelOwner
  /** Of all pairs of the two. */
  readonly aftermath: Aftermath
  /** All pairs of the two. */
  readonly siblings: () => readonly ServerPair[]
  /** Its streams lead to a place that a session named; else to where DNS says that the domain is. */
  readonly isPlaced: boolean
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
  readonly #suspects = new Suspects()
  /** It could not be resumed, and the other side has said what it took of it. */
  #replaced: Channel | undefined

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
    return this.#way !== undefined
  }

  /** One is there, though something may have to be asked first. */
  get hasWay(): boolean {
    return this.#usable() !== undefined
  }

  get isPlaced(): boolean {
    return this.#parts.isPlaced
  }

  get aftermath(): Aftermath {
    return this.#parts.aftermath
  }

  get state(): 'connected' | 'connecting' | 'backing-off' | 'idle' {
    for (const { isAway } of this.channels) if (!isAway) return 'connected'
    if (this.#opening !== undefined) return 'connecting'
    return this.#again !== undefined || this.#isPaused ? 'backing-off' : 'idle'
  }

  /** In the order of the calls; each is settled within a bounded time. */
  send(parcel: Parcel): void {
    const carrier = this.#way
    if (carrier !== undefined) return this.#carry(carrier, parcel)
    // LIMIT: stanzas that wait for a stream.
    const isFull = this.#waiting.length >= this.#parts.environment.settings.serverQueuedMax
    if (this.#over || this.#isPaused || isFull) return parcel.settle?.('given-back')
    this.#waiting.push(parcel)
    if (this.aftermath.isOpen) this.aftermath.await(this.#goOn)
    this.want()
  }

  /** A stream is needed: opens one, unless there is one. */
  want(): void {
    if (this.#over || this.#opening !== undefined || this.#again !== undefined) return
    if (this.#way === undefined && !this.aftermath.isAsked) this.#open()
  }

  /** A channel that serves the two, opened by either side. */
  join(channel: Channel): void {
    this.channels.add(channel)
    if (channel.role === 'receiver') this.#heard()
    // Who resumes does so before anything else: the other side has forgotten what we await, as by a crash.
    const carrier = this.#carrier
    if (carrier?.isAway === true && carrier.role === 'receiver' && channel.outward.has(this.key))
      carrier.end('the other side has come with another stream', true)
    if (this.#carrier === undefined && !this.aftermath.isOpen && channel.outward.has(this.key)) {
      this.#carrier = channel
      this.#goOn()
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
    const { suspect } = channel
    if (suspect?.from.domain === this.ours && suspect.to.domain === this.theirs) this.#suspects.blame(suspect)
    // One of the pairs that it carried asks, so that it is not resumed by several.
    const isAnswered = channel === this.#replaced
    if (channel.lapsed !== undefined && !isAnswered && (channel.home === '' || channel.home === this.key))
      this.aftermath.add(channel.lapsed, () => this.want())
    if (this.#carrier !== channel) return
    this.#carrier = undefined
    if (this.#again !== undefined) {
      this.#again.cancel()
      this.#again = undefined
    }
    // What waited for something to be asked, beside a channel that was to be resumed.
    if (!isAnswered) this.#goOn()
  }

  #carry(channel: Channel, parcel: Parcel): void {
    if (this.aftermath.hasTaken(parcel.head)) parcel.settle?.('taken')
    else if (!this.#suspects.isEmpty && parcel.head !== undefined)
      this.#carryWatched(channel, parcel, parcel.head)
    else channel.send(parcel)
  }

  /** It may be one that ends streams (`too-large`). */
  #carryWatched(channel: Channel, parcel: Parcel, head: Head): void {
    if (this.#suspects.isConvicted(head)) {
      this.failed('a message is too large for its server, which told no limit and ended the stream')
      this.#parts.environment.metrics.tooLarge.add()
      return parcel.settle?.('too-large')
    }
    channel.send({
      ...parcel,
      settle: (fate) => {
        if (fate === 'taken') this.#suspects.acquit(head)
        parcel.settle?.(fate)
      },
    })
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
    this.aftermath.stop()
    this.#opening?.abort()
    for (const channel of [...this.channels]) channel.close('the server stops', 'system-shutdown')
    for (const channel of [...this.channels]) channel.end('the server stops', false)
    this.#giveBack('given-back')
  }

  get #isPaused(): boolean {
    return this.#parts.environment.service.clock.monotonic() < this.#pausedUntil
  }

  /** By which what is sent goes now. */
  get #way(): Channel | undefined {
    // First the other side is asked what it has, by a stream of ours.
    if (this.aftermath.isOpen) return undefined
    this.#carrier ??= this.#usable()
    return this.#carrier
  }

  #usable(): Channel | undefined {
    for (const channel of this.channels)
      if (!channel.isOver && !channel.isClosing && !channel.isAway && channel.outward.has(this.key))
        return channel
    return undefined
  }

  /** What waits goes, or a way for it is sought. */
  readonly #goOn = (): void => {
    if (this.#waiting.length === 0) return
    const way = this.#way
    if (way !== undefined) for (const parcel of this.#waiting.splice(0)) this.#carry(way, parcel)
    else {
      if (this.aftermath.isOpen) this.aftermath.await(this.#goOn)
      this.want()
    }
  }

  /** @param broken the channel that is to be resumed */
  #open(broken?: Channel): void {
    const { environment, open, share, aftermath } = this.#parts
    const { service, settings } = environment
    const abort = new AbortController()
    this.#opening = abort
    const late = service.clock.schedule(settings.serverConnectSeconds * 1000, () => abort.abort())
    const id = broken?.resumptionId
    const asked = id === undefined ? aftermath.ask() : undefined
    const resume =
      id === undefined
        ? asked && { id: asked.id, h: asked.handled.count }
        : { id, h: broken?.management?.handled.count ?? 0 }
    const onReady = (ready: Ready): Channel => {
      this.#opening = undefined
      this.#readyAt = service.clock.monotonic()
      return this.#ready(ready, broken, asked, resume?.h ?? 0)
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
        if (asked !== undefined) aftermath.unanswered(asked)
        if (broken?.isAway === true) return this.#resumeIn(this.#againSeconds)
        if (!this.#goesWithout(error)) {
          this.wasAway = true
          this.#pausedUntil = service.clock.monotonic() + pauseSeconds * 1000
          this.#giveBack(error instanceof NoServer ? 'host-unknown' : 'given-back')
        }
        // Another pair may have better luck.
        if (asked !== undefined) aftermath.wake()
      })
      .finally(() => late.cancel())
  }

  /** A stream that was there carries it from now on. */
  #sharing(channel: Channel): void {
    this.#opening = undefined
    this.join(channel)
  }

  /**
   * @param asked the stream that was given up, which it was asked about
   * @param told how many of theirs we said to have handled, where we asked to resume
   */
  #ready(ready: Ready, broken: Channel | undefined, asked: Lapsed | undefined, told: number): Channel {
    const { environment, owner, theirs, aftermath } = this.#parts
    if (ready.managed === 'resumed' && broken?.mayResume(ready.h ?? -1) === true) {
      broken.keepTo(ready.limits)
      broken.resume(ready.octets, ready.h ?? 0, told)
      this.#goOn()
      return broken
    }
    if (asked !== undefined) aftermath.learn(asked, ready.h)
    broken?.tookUntil(ready.h)
    const channel = new ChannelOf('initiator', environment, ready.octets, owner)
    channel.home = this.key
    if (ready.identity !== '') channel.identities.set(theirs, ready.identity)
    channel.keepTo(ready.limits)
    channel.outward.add(this.key)
    if (ready.bidi) channel.admitted.add(theirs)
    if (ready.managed === 'enabled') channel.manage(ready.resumable)
    // The other side still awaited it: it goes on, though what it had carried is offered anew.
    else if (ready.managed === 'resumed' && asked !== undefined && ready.h !== undefined)
      channel.manage(asked, { sent: ready.h, received: told })
    // What the other side did not take of the one before is offered again behind it, by whoever sent it.
    this.#replaced = broken
    broken?.end('the other side does not know the stream any more', true)
    this.join(channel)
    // There may be more to ask, by a stream each: whoever waits does that.
    aftermath.wake()
    return channel
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
  #goesWithout(error: Error): boolean {
    const { aftermath, siblings } = this.#parts
    if (aftermath.isOpen) {
      const all = siblings()
      // It says nothing while they can't come to us either, nor that DNS knows of no place where a session named one.
      if (!all.some(({ hasWay }) => hasWay)) return false
      if (error instanceof NoServer && all.some(({ isPlaced }) => isPlaced)) return false
      if (!aftermath.askedInVain()) return false
      aftermath.giveUp()
      aftermath.wake()
    }
    if (this.#way === undefined) return false
    this.#goOn()
    return true
  }

  #giveBack(fate: ParcelFate): void {
    const waiting = this.#waiting.splice(0)
    this.#parts.environment.metrics.lost.add(waiting.length)
    for (const { settle } of waiting) settle?.(fate)
  }
}
