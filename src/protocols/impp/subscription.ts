// One leased subscription of a logged-in connection (IMPP §14, §18.1, §18.6, §18.7). At most one CHANGE-NOTIFY of it is
// under way; what changes meanwhile is told when that one is acknowledged, and only as it then is.

import type { PresenceNotification, TerminationReason, WatcherAgent } from '#core'
import type { Address } from '#model'
import { changeNotify, notificationBody, protocolName, sizeOf, terminateSubscription } from './binding.ts'
import type { Body, Exchange, PresenceType, Settled } from './codec/index.ts'
import { conditionOf } from './errors.ts'

export interface SubscriptionParts {
  /** Unique among the presentity's subscriptions. */
  readonly id: string
  /** The watcher, by its primary address. */
  readonly watcher: Address
  /** The address that the watcher logged in with. */
  readonly address: Address
  /** The presentity as the watcher named it. */
  readonly presentity: Address
  readonly exchange: Exchange
  readonly unitOctetsMax: number
  readonly freshId: () => string
  /** The subscription is over, and the session may forget it. */
  readonly onOver: () => void
}

export class ImppSubscription implements WatcherAgent {
  readonly protocol = protocolName
  readonly watcher: Address
  /** The form of its notifications; each SUBSCRIBE may change it. */
  type: PresenceType = 'pidf'
  readonly #parts: SubscriptionParts
  /** Where the presence goes that the SUBSCRIBE in progress is answered with. */
  #answer: ((body: Body) => void) | undefined
  #underWay = false
  #latest: PresenceNotification | undefined
  #over = false

  constructor(parts: SubscriptionParts) {
    this.#parts = parts
    this.watcher = parts.watcher
  }

  get id(): string {
    return this.#parts.id
  }

  get presentity(): Address {
    return this.#parts.presentity
  }

  /** The next notification answers a SUBSCRIBE instead of being a CHANGE-NOTIFY. */
  answerWith(answer: (body: Body) => void): void {
    this.#answer = answer
  }

  notify(notification: PresenceNotification): void {
    if (this.#over) return
    const answer = this.#answer
    if (answer !== undefined) {
      this.#answer = undefined
      return answer(notificationBody(notification, this.type))
    }
    this.#latest = notification
    if (!this.#underWay) this.#tell()
  }

  terminated(_subscriptionId: string, reason: TerminationReason): void {
    if (this.#over) return
    this.end()
    // The watcher knows its lease (docs/specs/impp-1.0.md §7.1): its end needs no word.
    if (reason === 'timeout') return
    const parts = this.#parts
    const { key, octets } = terminateSubscription(parts.address, parts.presentity, parts.freshId())
    parts.exchange.request(key, octets, () => {})
  }

  /** Nothing more will be told. */
  end(): void {
    if (this.#over) return
    this.#over = true
    this.#latest = undefined
    this.#parts.onOver()
  }

  #tell(): void {
    const notification = this.#latest
    this.#latest = undefined
    if (notification === undefined || this.#over) return
    const parts = this.#parts
    const body = notificationBody(notification, this.type)
    const { key, octets } = changeNotify(parts.address, parts.presentity, body, parts.freshId())
    // IMPP §12: a document that the client cannot take is not sent; it may FETCH with another form.
    if (sizeOf(octets) > parts.unitOctetsMax) return
    this.#underWay = parts.exchange.request(key, octets, (settled) =>
      this.#acknowledged(settled, notification),
    )
    if (!this.#underWay) this.#latest = notification
  }

  /** The client was too slow for a notification and has caught up: it is told the latest. */
  catchUp(): void {
    if (!this.#underWay) this.#tell()
  }

  #acknowledged(settled: Settled, notification: PresenceNotification): void {
    this.#underWay = false
    if (settled === 'closed') return
    if (settled === 'timeout') {
      // Nobody knows whether it was heard; it is told again when the client answers anything.
      this.#latest ??= notification
      return
    }
    // docs/specs/impp-1.0.md §7.6: the client knows of no such subscription.
    if (!settled.ok && conditionOf(settled.headers.get('reason')) === 'subscription-unknown')
      return this.end()
    this.#tell()
  }
}
