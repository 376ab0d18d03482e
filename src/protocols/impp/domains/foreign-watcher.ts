// Somebody of another domain who watches somebody here, by a leased subscription (IMPP §14, §18.1, §18.6, §18.7). At most one
// CHANGE-NOTIFY of it is under way; what changes meanwhile is told when that one is answered, and only as it then is.

import { noBytes, randomBelow, type Timer } from '#base'
import type { PresenceNotification, TerminationReason } from '#core'
import type { Address } from '#model'
import type { ForeignSubscription } from '#protocols/exchange'
import { domainConnectionId, notificationBody, protocolName } from '../binding.ts'
import { freshRequestId, laneOf, terminationFields } from '../binding-domains.ts'
import { type Body, type Fields, type PresenceType, requestBytes, urlOf } from '../codec/index.ts'
import { conditionOf } from '../errors.ts'
import type { Carried } from './outstanding.ts'
import type { DomainPair } from './pair.ts'

/** Seconds until a change that could not be told is told again: the first time, and at most. */
const againSeconds = { first: 15, most: 300 }

export class ForeignWatcher implements ForeignSubscription {
  readonly protocol = protocolName
  readonly watcher: Address
  readonly presentity: Address
  /** The same for every SUBSCRIBE of the two, so that each renews the one subscription. */
  readonly id: string
  /** Nothing but who it is. */
  readonly state = noBytes
  /** The form of its notifications; each SUBSCRIBE may change it. */
  type: PresenceType = 'pidf'
  readonly #pair: DomainPair
  readonly #onOver: (watcher: ForeignWatcher, unknownThere: boolean) => void
  #answer: ((body: Body, sequence: string) => void) | undefined
  #underWay = false
  #latest: PresenceNotification | undefined
  #again: Timer | undefined
  #againSeconds = againSeconds.first
  #sequence = 0
  #over = false
  readonly #tryNow = (): void => {
    if (!this.#underWay) this.#tell()
  }

  /** @param onOver it is over; `unknownThere`: the other domain said that it knows no such subscription */
  constructor(
    pair: DomainPair,
    watcher: Address,
    presentity: Address,
    onOver: (watcher: ForeignWatcher, unknownThere: boolean) => void,
  ) {
    this.#pair = pair
    this.watcher = watcher
    this.presentity = presentity
    this.id = subscriptionId(watcher, presentity)
    this.#onOver = onOver
  }

  get ours(): string {
    return this.#pair.ours
  }

  /** The next notification answers a SUBSCRIBE instead of being a CHANGE-NOTIFY. */
  answerWith(answer: (body: Body, sequence: string) => void): void {
    this.#answer = answer
  }

  notify(notification: PresenceNotification): void {
    if (this.#over) return
    const answer = this.#answer
    if (answer !== undefined) {
      this.#answer = undefined
      return answer(notificationBody(notification, this.type), this.nextSequence())
    }
    this.#latest = notification
    if (!this.#underWay) this.#tell()
  }

  terminated(_subscriptionId: string, reason: TerminationReason): void {
    if (this.#over) return
    this.end(false)
    // The subscriber knows its lease (docs/specs/impp-1.0.md §7.1): its end needs no word.
    if (reason !== 'timeout')
      this.#request('TERMINATE-SUBSCRIPTION', terminationFields(reason), undefined, () => {})
  }

  /** Nothing more will be told. */
  end(unknownThere: boolean): void {
    if (this.#over) return
    this.#over = true
    this.#latest = undefined
    this.#stopTrying()
    this.#onOver(this, unknownThere)
  }

  /**
   * Of two states of the presentity the one with the larger number is the later: they may come by different connections. By
   * the clock, so that it grows over a restart.
   */
  nextSequence(): string {
    this.#sequence = Math.max(this.#sequence + 1, this.#pair.environment.service.clock.now())
    return String(this.#sequence)
  }

  #tell(): void {
    const notification = this.#latest
    this.#latest = undefined
    if (notification === undefined || this.#over) return
    this.#stopTrying()
    const body = notificationBody(notification, this.type)
    this.#underWay = this.#request('CHANGE-NOTIFY', [['Sequence', this.nextSequence()]], body, (carried) =>
      this.#told(carried, notification),
    )
    if (!this.#underWay) this.#tellAgain(notification)
  }

  #told(carried: Carried, notification: PresenceNotification): void {
    this.#underWay = false
    if (this.#over) return
    if (carried === 'timeout' || carried === 'unreachable') return this.#tellAgain(notification)
    this.#againSeconds = againSeconds.first
    // IMPP §12: a document that the other domain cannot take is not told; it may FETCH in another form.
    if (carried !== 'too-large' && !carried.ok) {
      const condition = conditionOf(carried.headers.get('reason'))
      if (condition === 'subscription-unknown' || condition === 'target-unknown') return this.end(true)
    }
    this.#tell()
  }

  /** Nobody knows whether it was heard. It is told again, as it then is, until its lease ends. */
  #tellAgain(notification: PresenceNotification): void {
    this.#latest ??= notification
    const seconds = this.#againSeconds
    this.#againSeconds = Math.min(seconds * 2, againSeconds.most)
    const milliseconds = seconds * (750 + randomBelow(500))
    this.#stopTrying()
    this.#again = this.#pair.environment.service.clock.schedule(milliseconds, this.#tryNow)
    this.#pair.trying.add(this.#tryNow)
  }

  #stopTrying(): void {
    this.#again?.cancel()
    this.#again = undefined
    this.#pair.trying.delete(this.#tryNow)
  }

  #request(
    method: string,
    fields: Fields,
    body: Body | undefined,
    settle: (carried: Carried) => void,
  ): boolean {
    const from = urlOf(this.presentity)
    const id = freshRequestId()
    const octets = requestBytes(
      method,
      id,
      [
        ['From', from],
        ['Connection-ID', domainConnectionId],
        ['Target', urlOf(this.watcher)],
        ['Origin', from],
        ...fields,
      ],
      body,
    )
    const key = { id, from, connectionId: domainConnectionId }
    this.#pair.environment.metrics.sent.add()
    return this.#pair.outstanding.request(key, [octets], laneOf(this.presentity, this.watcher), settle)
  }
}

export function subscriptionId(watcher: Address, presentity: Address): string {
  return `impp ${watcher.key} ${presentity.key}`
}
