// One domain of ours and one other: the session that we opened to a relay of it, and what goes there. What it carries does not depend on any
// session's staying open.

import type { Timer } from '#base'
import type { Channel, Session } from '#protocols/beep'
import type { Relay } from '../relay.ts'
import type { MeshMetrics } from './metrics.ts'
import { type Carried, Sending, type Wish } from './sending.ts'

/** LIMIT: seconds between tries while sessions end as soon as they are there, or can't be had: the first time, and at most. */
const pauseSeconds = { first: 1, most: 16 }
/** Sessions that may end one after another before there is a pause; two may well end at one moment. */
const fruitlessMax = 3

/** A session on which channels are bound. */
export interface Line {
  readonly session: Session
  /** Milliseconds since the epoch. */
  readonly since: number
  /** `certificate of capulet.example, until 2027-01-02`. */
  readonly identity: string
}

export interface PairParts {
  readonly relay: Relay
  readonly metrics: MeshMetrics
  readonly ours: string
  readonly theirs: string
  /** Opens a session and binds on it: `onChannel` for each channel, the first of which makes it ready. Rejects with why there is none. */
  readonly open: (pair: MeshPair) => Promise<Line>
}

export class MeshPair {
  readonly ours: string
  readonly theirs: string
  readonly sending: Sending
  /** Who tries something again when its time has come, and at once when the other domain is heard of. */
  readonly trying = new Set<() => void>()
  /** The last failure, with its time; empty when there was none. */
  lastError = ''
  line: Line | undefined
  readonly #parts: PairParts
  readonly #channels = new Set<Channel>()
  #opening = false
  #pause: Timer | undefined
  /** Sessions in a row that could not be had, or ended before anything was answered on them. */
  #fruitless = 0
  /** Nobody could be reached the last time. */
  #isDown = false
  #idle: Timer | undefined
  #over = false

  constructor(parts: PairParts) {
    const { service, settings } = parts.relay
    this.#parts = parts
    this.ours = parts.ours
    this.theirs = parts.theirs
    this.sending = new Sending(service.clock, {
      countMax: settings.domainQueuedMax,
      octetsMax: settings.domainQueuedOctetsMax,
      timeout: settings.domainResponseSeconds * 1000,
    })
    this.sending.onWanted = () => this.#want()
    this.sending.onAgain = () => parts.metrics.sentAgain.add()
    this.sending.onOverdue = ({ session }) => {
      const detail = 'the other relay does not answer'
      this.failed(detail)
      session.terminate({ why: 'silent', detail })
    }
  }

  get state(): 'connected' | 'connecting' | 'backing-off' | 'idle' {
    if (this.line !== undefined) return 'connected'
    if (this.#opening) return 'connecting'
    return this.#pause === undefined ? 'idle' : 'backing-off'
  }

  get channels(): number {
    return this.#channels.size
  }

  /** Nothing would be lost with it but what it failed at. */
  get isForgettable(): boolean {
    return this.state === 'idle' && this.sending.size === 0 && this.trying.size === 0
  }

  /** Says it now, or when there is a session. `settle` is called once. */
  request(wish: Wish, settle: (carried: Carried) => void): void {
    const isDown = this.#isDown && this.#pause !== undefined && wish.isPatient !== true
    if (this.#over || isDown) return settle('unreachable')
    this.#parts.metrics.sent.add()
    const settled = (carried: Carried): void => {
      if (carried === 'ok' || typeof carried === 'object') this.#fruitless = 0
      this.#used()
      settle(carried)
    }
    if (!this.sending.send(wish, settled)) settle('unreachable')
  }

  /** A channel on which we are bound. */
  joined(channel: Channel): void {
    this.#channels.add(channel)
    this.sending.add(channel)
  }

  left(channel: Channel): void {
    if (!this.#channels.delete(channel)) return
    this.sending.remove(channel)
    const { session } = channel
    // Another session is wanted, where nothing can be said on this one.
    if (this.#channels.size === 0 && this.line?.session === session && !session.closing)
      return session.terminate({ why: 'us', detail: 'the other relay closed all channels' })
    this.sending.flush()
  }

  drained(): void {
    this.sending.flush()
  }

  /** The session ended. */
  ended(session: Session, why: string): void {
    for (const channel of [...this.#channels]) if (channel.session === session) this.#forget(channel)
    if (this.line?.session === session) {
      this.line = undefined
      this.#parts.metrics.sessions.add(-1)
      this.#idle?.cancel()
      this.#idle = undefined
      if (this.sending.size > 0) this.failed(why)
      if (++this.#fruitless >= fruitlessMax) this.#rest()
    }
    this.sending.flush()
  }

  failed(why: string): void {
    this.lastError = `${new Date(this.#parts.relay.service.clock.now()).toISOString()} ${why}`
  }

  /** The other domain is there, whoever found it: what waits for that is tried. */
  heardOf(): void {
    const again = [...this.trying]
    this.trying.clear()
    for (const each of again) each()
    this.#parts.relay.service.relay.retry(this.theirs)
  }

  close(): void {
    this.#over = true
    this.#pause?.cancel()
    this.#idle?.cancel()
    this.line?.session.release()
    this.sending.close()
  }

  #forget(channel: Channel): void {
    this.#channels.delete(channel)
    this.sending.remove(channel)
  }

  #want(): void {
    if (this.#over || this.#opening || this.line !== undefined || this.#pause !== undefined) return
    this.#opening = true
    this.#parts.open(this).then(
      (line) => this.#opened(line),
      (error: unknown) => this.#failedToOpen(error as Error),
    )
  }

  #opened(line: Line): void {
    this.#opening = false
    if (this.#over || line.session.closing) {
      line.session.release()
      return this.sending.flush()
    }
    this.line = line
    this.#isDown = false
    this.#parts.metrics.sessions.add(1)
    this.#used()
    this.heardOf()
    this.sending.flush()
  }

  #failedToOpen({ message }: Error): void {
    this.#opening = false
    this.failed(message)
    this.#parts.relay.service.log.info('no relay of a domain could be reached', {
      domain: this.theirs,
      ours: this.ours,
      why: message,
    })
    this.#isDown = true
    this.#fruitless++
    // What asks again does so in its own time; what does not is tried again soon.
    this.sending.unreachable()
    if (this.sending.size > 0) this.#rest()
  }

  /** What waits goes on when the time is over, if it has not run out meanwhile. */
  #rest(): void {
    const doubled = pauseSeconds.first * 2 ** Math.max(0, this.#fruitless - fruitlessMax)
    const seconds = Math.min(doubled, pauseSeconds.most)
    this.#pause?.cancel()
    this.#pause = this.#parts.relay.service.clock.schedule(seconds * 1000, () => {
      this.#pause = undefined
      this.sending.flush()
    })
  }

  /** Ended when nothing was said for a while; what is awaited keeps it. */
  #used(): void {
    this.#idle?.cancel()
    const { service, settings } = this.#parts.relay
    const line = this.line
    if (line === undefined) return
    this.#idle = service.clock.schedule(settings.domainIdleSeconds * 1000, () => {
      if (this.sending.size > 0) return this.#used()
      line.session.release()
    })
  }
}
