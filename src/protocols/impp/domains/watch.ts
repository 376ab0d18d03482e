// Somebody here who watches somebody of another domain: one leased subscription there, renewed before it ends for as long as it is
// wanted (IMPP §14, D51 to D53). A state machine over the pair's requests; what is learnt goes to RemotePresence.

import { randomBelow, type Timer } from '#base'
import type { TerminationReason, Turn } from '#core'
import type { Address, Condition } from '#model'
import { documentIn, endOfSubscription, presenceRequest, refusalIn, sourcesOf } from '../binding-domains.ts'
import { decimal, type ImppRequest, type ImppResponse } from '../codec/index.ts'
import type { Carried } from './outstanding.ts'
import type { DomainPair } from './pair.ts'

/**
 * `idle`: no subscription there that we know of; `asking`: a SUBSCRIBE is under way; `held`: there is one; `ending`: an
 * UNSUBSCRIBE is under way; `over`: nothing more will be asked.
 */
type State = 'idle' | 'asking' | 'held' | 'ending' | 'over'

/** Seconds until a SUBSCRIBE that failed is sent again: the first time, and at most. */
const againSeconds = { first: 5, most: 300 }

/** What a lease is taken for where the other domain names none that makes sense. */
const leaseSecondsDefault = 3600

export class Watch {
  readonly watcher: Address
  readonly presentity: Address
  readonly #pair: DomainPair
  readonly #onOver: (watch: Watch) => void
  #state: State = 'idle'
  #wanted = true
  /** It was asked for again while a request was under way. */
  #askAgain = false
  /** Monotonic milliseconds at which the lease ends; 0 when there is none. */
  #leaseDue = 0
  #renewal: Timer | undefined
  #expiry: Timer | undefined
  #againSeconds = againSeconds.first
  /** Of the latest state that was told here. */
  #sequence = 0
  #turn: Turn | undefined
  /** In the turn of its domain: all who watch there may want to at one moment (decision 0132). */
  readonly #tryNow = (): void => {
    this.#turn?.cancel()
    this.#turn = this.#pair.environment.service.asks.next(this.#pair.theirs, () => {
      if (this.#wanted && (this.#state === 'held' || this.#state === 'idle')) this.#ask()
    })
  }
  /** What RemotePresence was told of its state. */
  #told: 'nothing' | 'pending' | 'active' = 'nothing'

  constructor(pair: DomainPair, watcher: Address, presentity: Address, onOver: (watch: Watch) => void) {
    this.#pair = pair
    this.watcher = watcher
    this.presentity = presentity
    this.#onOver = onOver
  }

  /** It is wanted, and the whole state anew. */
  want(): void {
    this.#wanted = true
    if (this.#state === 'asking' || this.#state === 'ending') this.#askAgain = true
    else this.#ask()
  }

  unwant(): void {
    this.#wanted = false
    this.#askAgain = false
    if (this.#state === 'held') this.#end()
    else if (this.#state === 'idle') this.#over()
    // What is under way is ended when it has been answered.
  }

  /** Nothing more is asked, and nobody told: the server stops. */
  abandon(): void {
    this.#wanted = false
    this.#over()
  }

  /** CHANGE-NOTIFY (IMPP §18.6); what its response says. */
  changed(request: ImppRequest): Condition | undefined {
    if (!this.#wanted) return 'subscription-unknown'
    const document = documentIn(request, this.#now)
    if (document === 'not-understood') return 'content-not-understood'
    if (document === 'malformed' || document === undefined) return 'malformed'
    if (!this.#isLater(request)) return undefined
    this.#tell('active')
    return this.#show(document) === 'unknown' ? 'subscription-unknown' : undefined
  }

  /** TERMINATE-SUBSCRIPTION (IMPP §18.7). */
  terminated(reason: TerminationReason): void {
    this.#forgetLease()
    if (!this.#wanted) return
    // RFC 6665 §4.1.3: who is sent away for reasons of that server may ask again at once.
    if (reason === 'deactivated' || reason === 'timeout') {
      if (this.#state === 'held') this.#state = 'idle'
      return this.#renewIn(1 + randomBelow(4))
    }
    this.#ended(reason)
  }

  get #now(): number {
    return this.#pair.environment.service.clock.now()
  }

  #ask(): void {
    this.#renewal?.cancel()
    this.#turn?.cancel()
    this.#pair.trying.delete(this.#tryNow)
    this.#state = 'asking'
    this.#askAgain = false
    const { settings, metrics } = this.#pair.environment
    const { watcher, presentity } = this
    const wish = settings.domainLeaseSeconds
    const { key, octets, lane } = presenceRequest('SUBSCRIBE', watcher, presentity, wish)
    metrics.sent.add()
    const taken = this.#pair.outstanding.request(key, octets, lane, (carried) => this.#answered(carried))
    if (!taken) this.#answered('unreachable')
  }

  #answered(carried: Carried): void {
    if (this.#state !== 'asking') return
    this.#state = this.#leaseDue > 0 ? 'held' : 'idle'
    if (typeof carried === 'object' && carried.ok) this.#granted(carried)
    else if (typeof carried === 'object') this.#refused(carried)
    else this.#tryAgain()
    this.#settle()
  }

  #granted(response: ImppResponse): void {
    const stated = decimal(response.headers.get('lease-time') ?? '') ?? 0
    const seconds = stated > 0 ? stated : leaseSecondsDefault
    this.#state = 'held'
    this.#againSeconds = againSeconds.first
    this.#hold(seconds)
    if (!this.#wanted) return
    const isPending = response.headers.get('subscription-state') === 'pending'
    this.#tell(isPending ? 'pending' : 'active')
    if (isPending) return
    const document = documentIn(response, this.#now)
    if (document === undefined || typeof document === 'string' || !this.#isLater(response)) return
    if (this.#show(document) === 'unknown') this.#wanted = false
  }

  #refused(response: ImppResponse): void {
    const end = endOfSubscription(refusalIn(response))
    if (end === 'try-again') return this.#tryAgain()
    this.#forgetLease()
    if (this.#wanted) this.#ended(end)
  }

  /** After a SUBSCRIBE was answered: what was wished meanwhile. */
  #settle(): void {
    if (this.#state === 'over') return
    if (!this.#wanted) {
      if (this.#state === 'held') this.#end()
      else this.#over()
    } else if (this.#askAgain) this.#ask()
  }

  /** RFC 6665 §4.1.2.2: renewed before it ends, and not all at one moment. */
  #hold(seconds: number): void {
    this.#leaseDue = this.#pair.environment.service.clock.monotonic() + seconds * 1000
    this.#expiry?.cancel()
    this.#expiry = this.#pair.environment.service.clock.schedule(seconds * 1000, () => this.#expired())
    this.#renewIn((seconds * (60 + randomBelow(25))) / 100)
  }

  #tryAgain(): void {
    const seconds = this.#againSeconds
    this.#againSeconds = Math.min(seconds * 2, againSeconds.most)
    this.#renewIn((seconds * (75 + randomBelow(50))) / 100)
    this.#pair.trying.add(this.#tryNow)
  }

  #renewIn(seconds: number): void {
    this.#renewal?.cancel()
    this.#renewal = this.#pair.environment.service.clock.schedule(seconds * 1000, this.#tryNow)
  }

  /** Nobody renewed it: nothing is known of the presentity any more. It is asked for again all the same. */
  #expired(): void {
    this.#forgetLease()
    if (this.#state === 'held') this.#state = 'idle'
    if (!this.#wanted || this.#told !== 'active') return
    this.#pair.environment.service.remotePresence.changed(this.watcher, this.presentity, [], true)
  }

  #tell(state: 'pending' | 'active'): void {
    if (this.#told === state) return
    this.#told = state
    this.#pair.environment.service.remotePresence[state](this.watcher, this.presentity)
  }

  #forgetLease(): void {
    this.#leaseDue = 0
    this.#sequence = 0
    this.#expiry?.cancel()
    this.#expiry = undefined
  }

  /** False for a state that was overtaken by a later one on another connection. */
  #isLater({ headers }: ImppRequest | ImppResponse): boolean {
    const written = headers.get('sequence') ?? ''
    if (!/^[0-9]{1,15}$/.test(written)) return true
    const sequence = Number(written)
    if (sequence < this.#sequence) return false
    this.#sequence = sequence
    return true
  }

  #show(document: Exclude<ReturnType<typeof documentIn>, string | undefined>): 'known' | 'unknown' {
    const { watcher, presentity } = this
    const changes = sourcesOf(document, watcher, presentity).map(
      ({ tuple, source }) => ({ kind: 'changed', tuple, source }) as const,
    )
    return this.#pair.environment.service.remotePresence.changed(watcher, presentity, changes, true)
  }

  #end(): void {
    this.#state = 'ending'
    this.#renewal?.cancel()
    this.#forgetLease()
    const { watcher, presentity } = this
    const { key, octets, lane } = presenceRequest('UNSUBSCRIBE', watcher, presentity)
    this.#pair.environment.metrics.sent.add()
    const taken = this.#pair.outstanding.request(key, octets, lane, () => this.#hasEnded())
    if (!taken) this.#hasEnded()
  }

  /** Whatever was answered: the lease ends it, if nothing else did. */
  #hasEnded(): void {
    if (this.#state !== 'ending') return
    this.#state = 'idle'
    if (this.#wanted) this.#ask()
    else this.#over()
  }

  #ended(reason: TerminationReason): void {
    this.#wanted = false
    this.#over()
    this.#pair.environment.service.remotePresence.ended(this.watcher, this.presentity, reason)
  }

  #over(): void {
    if (this.#state === 'over') return
    this.#state = 'over'
    this.#renewal?.cancel()
    this.#turn?.cancel()
    this.#expiry?.cancel()
    this.#pair.trying.delete(this.#tryNow)
    this.#onOver(this)
  }
}
