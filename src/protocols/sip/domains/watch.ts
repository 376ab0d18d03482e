// Somebody here who watches somebody of another domain: one subscription there, for as long as it is wanted (RFC 3856, RFC 8048 §5). What is learnt
// goes to RemotePresence.

import type { Address } from '#model'
import { documentIn, endOf, sourcesOf } from '../binding-domains.ts'
import type { Subscriber, SubscriberUser, SubscriptionEnd, SubscriptionWish } from '../client/subscriber.ts'
import type { UserAgent } from '../client/user-agent.ts'
import { bodyOf, type SipRequest } from '../codec/message.ts'

export class Watch implements SubscriberUser {
  readonly watcher: Address
  readonly presentity: Address
  readonly #agent: UserAgent
  readonly #subscriber: Subscriber
  readonly #onOver: (watch: Watch) => void
  /** What RemotePresence was told of its state. */
  #told: 'nothing' | 'pending' | 'active' = 'nothing'
  #over = false

  constructor(
    agent: UserAgent,
    wish: Pick<SubscriptionWish, 'uri' | 'accept' | 'places'>,
    watcher: Address,
    presentity: Address,
    onOver: (watch: Watch) => void,
  ) {
    this.watcher = watcher
    this.presentity = presentity
    this.#agent = agent
    this.#onOver = onOver
    this.#subscriber = agent.subscribe(
      {
        ...wish,
        from: watcher,
        event: 'presence',
        seconds: agent.environment.settings.domainLeaseSeconds,
      },
      this,
    )
  }

  /** The whole state anew. */
  refresh(): void {
    this.#subscriber.refresh()
  }

  /** The same, in the turn of its domain. */
  refreshInTurn(): void {
    this.#subscriber.refreshInTurn()
  }

  /** Nobody looks any more. */
  end(): void {
    this.#finish()
    this.#subscriber.end()
  }

  /** Nothing more is asked, and nobody told: the server stops. */
  abandon(): void {
    this.#finish()
    this.#subscriber.abandon()
  }

  onState(state: 'pending' | 'active'): void {
    if (this.#over || this.#told === state) return
    this.#told = state
    this.#remote[state](this.watcher, this.presentity)
  }

  onNotify(request: SipRequest, state: string, isLast: boolean): number {
    if (this.#over) return 481
    const document = documentIn(request, this.#agent.environment.service.clock.now())
    if (document === 'not-understood') return 415
    if (document === 'malformed') return 400
    // RFC 3856 §6.6.2: what a pending watcher is shown may be untrue, and says nothing; and the last state is over with the subscription.
    if (document === undefined || state === 'pending' || isLast) return 200
    const changes = sourcesOf(document, bodyOf(request), this.watcher, this.presentity).map(
      ({ tuple, source }) => ({ kind: 'changed', tuple, source }) as const,
    )
    if (this.#remote.changed(this.watcher, this.presentity, changes, true) === 'known') return 200
    // RFC 6665 §4.1.3: 481 ends it there.
    this.#finish()
    return 481
  }

  /**
   * RFC 3261 §21.4.4: 403 may be the word of a server that does not believe ours just now, as when a certificate has expired. What its owner has granted only the
   * notifier's own "rejected" withdraws (RFC 6665 §4.1.3, RFC 8048 §5.3).
   */
  outlives(status: number): boolean {
    const { directory } = this.#agent.environment.service
    const contact = directory.resident(this.watcher)?.contacts.get(this.presentity.key)
    return status === 403 && contact?.authorization.to === true
  }

  onLapsed(): void {
    if (this.#over || this.#told !== 'active') return
    this.#remote.changed(this.watcher, this.presentity, [], true)
  }

  onEnded(reason: SubscriptionEnd, _status: number): void {
    if (this.#over) return
    this.#finish()
    if (reason !== 'asked-once') this.#remote.ended(this.watcher, this.presentity, endOf[reason])
  }

  get #remote() {
    return this.#agent.environment.service.remotePresence
  }

  #finish(): void {
    if (this.#over) return
    this.#over = true
    this.#onOver(this)
  }
}
