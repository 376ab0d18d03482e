// A subscribe operation of somebody of another domain (RFC 3343 §4.2). At most one publish of it is under way; what changes meanwhile is told when
// that one was taken, and only as it then is; what could not be told is told again until the operation is over.

import { type Bytes, randomBelow, type Timer } from '#base'
import type { PresenceNotification, TerminationReason } from '#core'
import type { Address, Outcome } from '#model'
import type { ForeignSubscription, OnOver } from '#protocols/exchange'
import { publishText, terminateText, timestampText } from '../codec/index.ts'
import type { Operation } from '../services/operation.ts'
import { SubscribeOperation, type SubscriptionParts } from '../services/subscription.ts'
import { stateOf } from './foreign-state.ts'

/** Seconds until a change that could not be told is told again: the first time, and at most. */
const againSeconds = { first: 5, most: 300 }

export class ForeignWatcher extends SubscribeOperation implements ForeignSubscription, Operation {
  readonly #onOver: OnOver
  #latest: string | undefined
  #isUnderWay = false
  /** Writes that a kill could still take. */
  #unkept = 0
  #again: Timer | undefined
  #againSeconds = againSeconds.first
  #forget: () => void = () => {}
  #over = false

  /** @param onOver beside that of the parts: nothing is told any more */
  constructor(parts: SubscriptionParts, onOver: OnOver) {
    super(parts)
    this.#onOver = onOver
  }

  get presentity(): Address {
    return this.parts.presentity
  }

  get state(): Bytes {
    return stateOf(this.parts)
  }

  /** A publish says that it is granted: none leaves before that would survive us, or nobody would tell it anything until it is renewed. */
  keptBy(kept: Promise<void>): void {
    this.#unkept++
    void kept.then(() => {
      this.#unkept--
      if (!this.#isUnderWay && this.#again === undefined) this.#send()
    })
  }

  notify(notification: PresenceNotification): void {
    this.tell(this.parts.relay.presence.entries.shown(notification))
  }

  /** @param presence the element's text */
  tell(presence: string): void {
    if (this.#over) return
    this.#latest = presence
    // What waits to be tried again is tried in its time.
    if (!this.#isUnderWay && this.#again === undefined) this.#send()
  }

  terminated(_id: string, _reason: TerminationReason): void {
    if (this.#over) return
    this.#post(terminateText(this.transId), () => {})
    this.#end(false)
  }

  end(): void {
    if (!this.#over) this.#end(true)
  }

  /** It did not come about. */
  refused(): void {
    this.#end(false)
  }

  catchUp(): void {
    // Its originator is attached elsewhere.
  }

  #send(): void {
    const presence = this.#latest
    if (presence === undefined || this.#over || this.#unkept > 0) return
    this.#stopTrying()
    this.#latest = undefined
    this.#isUnderWay = true
    const { relay, publisher, transId } = this.parts
    const now = timestampText(relay.service.clock.now())
    this.#post(publishText(publisher, transId, now, presence), (outcome) => this.#sent(presence, outcome))
  }

  #sent(presence: string, outcome: Outcome): void {
    this.#isUnderWay = false
    if (this.#over) return
    const isAway =
      outcome.kind === 'refused' &&
      (outcome.condition === 'connection-failed' || outcome.condition === 'remote-timeout')
    if (!isAway) {
      this.#againSeconds = againSeconds.first
      return this.#send()
    }
    this.#latest ??= presence
    this.#stopTrying()
    const { relay, domain, originator } = this.parts
    const again = (): void => {
      if (!this.#isUnderWay) this.#send()
    }
    const milliseconds = this.#againSeconds * (750 + randomBelow(500))
    this.#againSeconds = Math.min(this.#againSeconds * 2, againSeconds.most)
    this.#again = relay.service.clock.schedule(milliseconds, again)
    this.#forget = relay.mesh?.whenHeardOf(domain, originator.domain, again) ?? (() => {})
  }

  #stopTrying(): void {
    this.#again?.cancel()
    this.#again = undefined
    this.#forget()
    this.#forget = () => {}
  }

  /** `isDropped`: the presence service has not heard of it. */
  #end(isDropped: boolean): void {
    this.#over = true
    this.#stopTrying()
    this.#onOver(this, isDropped)
    this.parts.onOver(this)
  }

  #post(inline: string, onOutcome: (outcome: Outcome) => void): void {
    const { relay, originator, domain } = this.parts
    relay.post({ service: 'presence', domain, to: originator, inline }, onOutcome)
  }
}
