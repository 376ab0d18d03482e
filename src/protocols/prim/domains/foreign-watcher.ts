// Somebody of another domain who watches somebody here, by a leased subscription (docs/specs/prim.md §8.4). At most one NOTIFY of it is under way; what
// changes meanwhile is told when that one is answered, and only as it then is.
import { type Bytes, randomBelow, type Timer, utf8 } from '#base'
import type { PresenceNotification, TerminationReason } from '#core'
import type { Address } from '#model'
import type { ForeignSubscription } from '#protocols/exchange'
import type { Settled } from '#wire/exchange'
import { absentBody, notificationBody, protocolName } from '../binding.ts'
import { type Body, dateText, idOf, isSuccess, type PrimResponse, requestBytes } from '../codec/index.ts'
import type { DomainPair } from './pair.ts'

/** Seconds until what could not be told is told again: the first time, and at most. */
const againSeconds = { first: 15, most: 300 }

export class ForeignWatcher implements ForeignSubscription {
  readonly protocol = protocolName
  readonly watcher: Address
  readonly presentity: Address
  readonly subscriptionId: string
  readonly id: string
  /** Its Subscription-ID. */
  readonly state: Bytes
  readonly #pair: DomainPair
  readonly #onOver: (over: ForeignWatcher, dropped: boolean) => void
  #due = 0
  #underWay = false
  /** SUBSCRIBE is not answered yet: who has not heard that it was granted knows no subscription. */
  #isUnanswered = false
  #latest: PresenceNotification | undefined
  #again: Timer | undefined
  #againSeconds = againSeconds.first
  #isOver = false
  readonly #tryNow = (): void => {
    if (!this.#underWay) this.#tell()
  }

  constructor(
    pair: DomainPair,
    watcher: Address,
    presentity: Address,
    subscriptionId: string,
    onOver: (over: ForeignWatcher, dropped: boolean) => void,
  ) {
    this.#pair = pair
    this.watcher = watcher
    this.presentity = presentity
    this.subscriptionId = subscriptionId
    this.id = idOfSubscription(watcher, presentity, subscriptionId)
    this.state = utf8(subscriptionId)
    this.#onOver = onOver
  }

  granted(seconds: number): void {
    this.#due = this.#clock.monotonic() + seconds * 1000
  }

  /** SUBSCRIBE is about to be answered. */
  answering(): void {
    this.#isUnanswered = true
  }

  /** It has been. */
  answered(): void {
    this.#isUnanswered = false
    if (!this.#underWay) this.#tell()
  }

  notify(notification: PresenceNotification): void {
    this.#latest = notification
    if (!this.#underWay) this.#tell()
  }

  terminated(_subscriptionId: string, reason: TerminationReason): void {
    if (this.#isOver) return
    this.end(false)
    // Who subscribed knows the Duration: its end needs no word.
    if (reason === 'timeout') return
    const octets = this.#notify(0, absentBody(this.presentity))
    this.#pair.request({ octets, settle: () => {} })
  }

  /** Nothing more will be told. `dropped`: it was the other domain that did not want it. */
  end(dropped: boolean): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#stopTrying()
    this.#onOver(this, dropped)
  }

  get #clock() {
    return this.#pair.environment.service.clock
  }

  #tell(): void {
    if (this.#isUnanswered) return
    const notification = this.#latest
    this.#latest = undefined
    if (notification === undefined || this.#isOver) return
    this.#stopTrying()
    const left = Math.max(1, Math.ceil((this.#due - this.#clock.monotonic()) / 1000))
    const octets = this.#notify(left, notificationBody(notification))
    this.#underWay = true
    const taken = this.#pair.request({ octets, settle: (settled) => this.#told(settled, notification) })
    if (!taken) this.#told('closed', notification)
  }

  #told(settled: Settled<PrimResponse>, notification: PresenceNotification): void {
    this.#underWay = false
    if (this.#isOver) return
    if (typeof settled === 'object' && isSuccess(settled.status)) {
      this.#againSeconds = againSeconds.first
      return this.#tell()
    }
    // What it can't read it can't read the next time: it hears of the next change.
    if (typeof settled === 'object' && settled.status === 400) return this.#tell()
    // The subscription is not known there (§8.4).
    if (typeof settled === 'object' && settled.status === 403) return this.end(true)
    this.#tellAgain(notification)
  }

  /** Nobody knows whether it was heard: it is told again, as it then is, until its Duration is over. */
  #tellAgain(notification: PresenceNotification): void {
    this.#latest ??= notification
    const seconds = this.#againSeconds
    this.#againSeconds = Math.min(seconds * 2, againSeconds.most)
    this.#stopTrying()
    this.#again = this.#clock.schedule(seconds * (750 + randomBelow(500)), this.#tryNow)
    this.#pair.trying.add(this.#tryNow)
  }

  #stopTrying(): void {
    this.#again?.cancel()
    this.#again = undefined
    this.#pair.trying.delete(this.#tryNow)
  }

  #notify(seconds: number, body: Body): (id: string) => readonly Uint8Array[] {
    const { presentity, watcher, subscriptionId } = this
    const date = dateText(this.#clock.now())
    return (id) => [
      requestBytes(
        'NOTIFY',
        'PRIM',
        id,
        [
          ['From', idOf(presentity, 'pres')],
          ['To', idOf(watcher, 'pres')],
          ['Subscription-ID', subscriptionId],
          ['Duration', String(seconds)],
          ['Date', date],
        ],
        body,
      ),
    ]
  }
}

export function idOfSubscription(watcher: Address, presentity: Address, subscriptionId: string): string {
  return `prim ${watcher.key} ${presentity.key} ${subscriptionId}`
}
