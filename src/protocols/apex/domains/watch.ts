// Somebody here who watches somebody of another domain: one subscribe operation at the presence service there, renewed before its duration is over
// for as long as it is wanted (RFC 3343 §4.2). What is learnt goes to RemotePresence; the answers come as data, apart from the `ok`.

import { type Clock, randomBelow, type Timer } from '#base'
import type { Asks, RemotePresence, Turn } from '#core'
import type { Address } from '#model'
import { nextEndOf, sourcesOf } from '../binding-presence.ts'
import {
  endpointOf,
  isWaitingEntry,
  type PresenceEntry,
  readPresence,
  readTimestamp,
  type ServiceFault,
  type ServiceMessage,
  subscribeText,
} from '../codec/index.ts'
import type { MeshPair } from './pair.ts'
import type { Carried } from './sending.ts'

/**
 * `idle`: no operation there that we know of; `asking`: a subscribe is under way, or its answer; `held`: there is one; `polling`: it was
 * terminated there, and a poll is to tell why; `over`: nothing more will be asked.
 */
type State = 'idle' | 'asking' | 'held' | 'polling' | 'over'

/** Seconds until a subscribe that failed is sent again: the first time, and at most. */
const againSeconds = { first: 5, most: 300 }

export interface WatchParts {
  readonly pair: MeshPair
  readonly watcher: Address
  readonly presentity: Address
  readonly transId: number
  /** Tells the presence service there, on behalf of the watcher. */
  readonly say: (inline: string, onCarried: (carried: Carried) => void) => void
  /** Ends the operation there; nobody hears the answer. */
  readonly terminate: () => void
  readonly settings: { readonly domainLeaseSeconds: number; readonly domainResponseSeconds: number }
  readonly remote: RemotePresence
  readonly clock: Clock
  /** In which all who watch there ask by themselves. */
  readonly asks: Asks
  readonly onOver: (watch: Watch) => void
}

export class Watch {
  readonly watcher: Address
  readonly presentity: Address
  /** The same for every subscribe of it: each replaces the one before (RFC 3343 §4.2, step 4). */
  readonly transId: number
  readonly #parts: WatchParts
  #state: State = 'idle'
  #wanted = true
  /** It was asked for again while an answer was awaited. */
  #askAgain = false
  #timer: Timer | undefined
  #expiry: Timer | undefined
  /** When a tuple of what is known is available no more. */
  #end: Timer | undefined
  #againSeconds = againSeconds.first
  /** timeStamp of the latest that was shown. */
  #latest = Number.NEGATIVE_INFINITY
  #told: 'nothing' | 'pending' | 'active' = 'nothing'
  #turn: Turn | undefined
  readonly #tryNow = (): void => {
    this.#turn?.cancel()
    // All who watch there may want to at one moment (decision 0132).
    this.#turn = this.#parts.asks.next(this.presentity.domain, () => {
      if (this.#wanted && (this.#state === 'held' || this.#state === 'idle')) this.#ask()
    })
  }

  constructor(parts: WatchParts) {
    this.#parts = parts
    this.watcher = parts.watcher
    this.presentity = parts.presentity
    this.transId = parts.transId
  }

  /** It is wanted, and the whole state anew. */
  want(): void {
    this.#wanted = true
    if (this.#state === 'asking' || this.#state === 'polling') this.#askAgain = true
    else if (this.#state !== 'over') this.#ask()
  }

  unwant(): void {
    this.#wanted = false
    this.#askAgain = false
    // What is awaited is ended when it has come.
    if (this.#state !== 'asking') this.#leave()
  }

  /** Nothing more is asked, and nobody told. */
  over(): void {
    if (this.#state === 'over') return
    this.#state = 'over'
    this.#parts.pair.trying.delete(this.#tryNow)
    for (const timer of [this.#timer, this.#expiry, this.#end, this.#turn]) timer?.cancel()
    this.#parts.onOver(this)
  }

  /** What the service said with our transID. */
  heard(message: ServiceMessage | ServiceFault): void {
    if (this.#state === 'over') return
    if (message.kind === 'publish') return this.#published(message)
    if (message.kind === 'reply') return this.#replied(message.code)
    if (message.kind === 'terminate') this.#terminated()
  }

  #ask(): void {
    this.#state = 'asking'
    this.#askAgain = false
    this.#turn?.cancel()
    this.#parts.pair.trying.delete(this.#tryNow)
    this.#subscribe(this.#parts.settings.domainLeaseSeconds)
  }

  /** RFC 3343 §4.5 says no reason: the owner's word is what a poll is answered now. */
  #poll(): void {
    this.#state = 'polling'
    this.#subscribe(0)
  }

  #subscribe(seconds: number): void {
    const { say, settings, clock } = this.#parts
    this.#timer?.cancel()
    this.#timer = undefined
    const publisher = endpointOf(this.presentity).written
    say(subscribeText('subscribe', publisher, this.transId, seconds), (carried) => {
      if (this.#state !== 'asking' && this.#state !== 'polling') return
      if (carried !== 'ok') return this.#failed()
      // It was taken; the answer is data of its own.
      this.#timer?.cancel()
      this.#timer = clock.schedule(settings.domainResponseSeconds * 1000, () => this.#failed())
    })
  }

  #published({ presence, timeStamp }: Extract<ServiceMessage, { readonly kind: 'publish' }>): void {
    const entry = readPresence(presence)
    if (entry === undefined) return
    const isAnswer = this.#state === 'asking'
    if (this.#state === 'polling') {
      // It may be seen after all.
      this.#state = 'idle'
      return this.#wanted ? this.#ask() : this.over()
    }
    if (isAnswer) this.#granted()
    if (!this.#wanted) return this.#leave()
    const at = readTimestamp(timeStamp) ?? 0
    if (at >= this.#latest) {
      this.#latest = at
      this.#show(entry)
    }
    if (isAnswer && this.#askAgain) this.#ask()
  }

  #granted(): void {
    const { settings, clock } = this.#parts
    const seconds = settings.domainLeaseSeconds
    this.#state = 'held'
    this.#againSeconds = againSeconds.first
    this.#expiry?.cancel()
    this.#expiry = clock.schedule(seconds * 1000, () => this.#expired())
    // RFC 6665 §4.1.2.2: renewed before it ends, and not all at one moment.
    this.#askIn((seconds * (60 + randomBelow(25))) / 100)
  }

  #show(entry: PresenceEntry): void {
    if (isWaitingEntry(entry)) return this.#tell('pending')
    this.#tell('active')
    const { clock, remote } = this.#parts
    const now = clock.now()
    const changes = sourcesOf(entry, this, now).map(
      ({ tuple, source }) => ({ kind: 'changed', tuple, source }) as const,
    )
    this.#end?.cancel()
    const end = nextEndOf(entry, now)
    this.#end = end === undefined ? undefined : clock.schedule(end - now, () => this.#show(entry))
    if (remote.changed(this.watcher, this.presentity, changes, true) === 'unknown') this.unwant()
  }

  #replied(code: number): void {
    // One for an operation that is there already is none for us.
    if (this.#state !== 'asking' && this.#state !== 'polling') return
    if (code === 537) return this.#ended('rejected')
    if (code === 550) return this.#ended('noresource')
    this.#failed()
  }

  /** It ended there: its duration was shortened, or its owner thinks again. */
  #terminated(): void {
    if (this.#state !== 'held') return
    this.#forgetLease()
    if (!this.#wanted) return this.over()
    this.#poll()
  }

  /** Not answered, or not now: again later, or when the domain is heard of. */
  #failed(): void {
    if (!this.#wanted) return this.#leave()
    this.#state = this.#expiry === undefined ? 'idle' : 'held'
    const seconds = this.#againSeconds
    this.#againSeconds = Math.min(seconds * 2, againSeconds.most)
    this.#askIn((seconds * (75 + randomBelow(50))) / 100)
    this.#parts.pair.trying.add(this.#tryNow)
  }

  #askIn(seconds: number): void {
    this.#timer?.cancel()
    this.#timer = this.#parts.clock.schedule(seconds * 1000, this.#tryNow)
  }

  /** Nobody renewed it: nothing is known of the presentity any more. It is asked for again all the same. */
  #expired(): void {
    this.#forgetLease()
    if (this.#state === 'held') this.#state = 'idle'
    if (this.#wanted && this.#told === 'active')
      this.#parts.remote.changed(this.watcher, this.presentity, [], true)
  }

  #forgetLease(): void {
    this.#expiry?.cancel()
    this.#expiry = undefined
    this.#end?.cancel()
    this.#end = undefined
    this.#latest = Number.NEGATIVE_INFINITY
  }

  #tell(state: 'pending' | 'active'): void {
    if (this.#told === state) return
    this.#told = state
    this.#parts.remote[state](this.watcher, this.presentity)
  }

  /** Nobody looks any more: what there is there ends by our word, or else by its duration. */
  #leave(): void {
    if (this.#state === 'over') return
    const isThere = this.#expiry !== undefined || this.#state === 'asking'
    this.over()
    if (isThere) this.#parts.terminate()
  }

  #ended(reason: 'rejected' | 'noresource'): void {
    const wanted = this.#wanted
    this.#wanted = false
    this.over()
    if (wanted) this.#parts.remote.ended(this.watcher, this.presentity, reason)
  }
}
