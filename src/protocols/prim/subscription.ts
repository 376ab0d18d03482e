// One leased subscription of a watcher of ours, told by every connection that it has subscribed from (docs/specs/prim.md §6.3). By each
// of them at most one NOTIFY is under way; what changes meanwhile is told when that one is acknowledged, and only as it then is.

import type { Clock } from '#base'
import type { PresenceNotification, TerminationReason, WatcherAgent } from '#core'
import type { Address } from '#model'
import type { Settled } from '#wire/exchange'
import { notificationBody, protocolName } from './binding.ts'
import type { ClientSession } from './client-session.ts'
import {
  type Body,
  dateText,
  type Fields,
  idOf,
  isSuccess,
  type PrimResponse,
  requestBytes,
} from './codec/index.ts'

export interface WatchParts {
  /** Unique among the presentity's subscriptions. */
  readonly id: string
  readonly watcher: Address
  /** The presentity as the watcher named it. */
  readonly presentity: Address
  /** Undefined in the older style, whose presence comes in responses. */
  readonly subscriptionId: string | undefined
  readonly clock: Clock
  readonly onOver: () => void
}

/** NOTIFYs in a row that fail before a connection is told no more. */
const failuresMax = 3

class Leg {
  readonly session: ClientSession
  readonly #watch: PrimWatch
  #underWay = false
  #latest: PresenceNotification | undefined
  #failures = 0

  constructor(watch: PrimWatch, session: ClientSession) {
    this.#watch = watch
    this.session = session
  }

  tell(notification: PresenceNotification | undefined = this.#latest): void {
    this.#latest = notification
    if (this.#underWay || notification === undefined) return
    this.#latest = undefined
    const body = notificationBody(notification)
    // docs/specs/prim.md §5.4: what the client cannot take is not sent.
    if (body.bytes.length > this.session.bodyOctetsMax) return
    const id = this.session.freshId()
    const octets = requestBytes('NOTIFY', 'PRIM-PR', id, this.#watch.notifyFields(this.session), body)
    this.#underWay = this.session.exchange.request({ id }, [octets], (settled) =>
      this.#settled(settled, notification),
    )
    if (!this.#underWay) this.#latest = notification
  }

  cancel(): void {
    const fields = this.#watch.fieldsFor(this.session)
    this.session.say(requestBytes('CANCELSUBSCRIPTION', 'PRIM-PR', '-', fields))
  }

  #settled(settled: Settled<PrimResponse>, notification: PresenceNotification): void {
    this.#underWay = false
    if (settled === 'closed') return
    if (settled !== 'timeout' && isSuccess(settled.status)) {
      this.#failures = 0
      return this.tell()
    }
    const isUnknown = settled !== 'timeout' && settled.status === 403
    if (isUnknown || ++this.#failures >= failuresMax) return this.#watch.leave(this.session)
    // Nobody knows whether it was heard; it is told again when the client answers anything.
    this.#latest ??= notification
  }
}

export class PrimWatch implements WatcherAgent {
  readonly protocol = protocolName
  readonly #parts: WatchParts
  readonly #legs = new Map<ClientSession, Leg>()
  /** The connection that subscribed just now: what follows is for it alone. */
  #asking: { readonly leg: Leg; readonly answer: ((body: Body) => void) | undefined } | undefined
  /** Monotonic milliseconds. */
  #due = 0
  #over = false

  constructor(parts: WatchParts) {
    this.#parts = parts
  }

  get id(): string {
    return this.#parts.id
  }

  get watcher(): Address {
    return this.#parts.watcher
  }

  get presentity(): Address {
    return this.#parts.presentity
  }

  get isOver(): boolean {
    return this.#over
  }

  /** It was granted for so long. */
  granted(seconds: number): void {
    this.#due = this.#parts.clock.monotonic() + seconds * 1000
  }

  secondsLeft(): number {
    return Math.max(0, Math.ceil((this.#due - this.#parts.clock.monotonic()) / 1000))
  }

  /** A connection is told from now on. The whole that follows at once is for it alone: by `answer` where it is given, else by NOTIFY. */
  join(session: ClientSession, answer: ((body: Body) => void) | undefined): void {
    const leg = this.#legs.get(session) ?? new Leg(this, session)
    this.#legs.set(session, leg)
    this.#asking = { leg, answer }
  }

  /** Nothing follows at once: what comes later is for all. */
  forget(): void {
    this.#asking = undefined
  }

  /** The connection is gone, or wants no more; what it watched goes on until its end (docs/specs/prim.md §4.4). */
  leave(session: ClientSession): void {
    this.#legs.delete(session)
    session.login?.watches.delete(this)
  }

  notify(notification: PresenceNotification): void {
    const asking = notification.full ? this.#asking : undefined
    if (asking === undefined) {
      for (const leg of this.#legs.values()) leg.tell(notification)
      return
    }
    this.#asking = undefined
    if (asking.answer === undefined) asking.leg.tell(notification)
    else asking.answer(notificationBody(notification))
  }

  terminated(_subscriptionId: string, reason: TerminationReason): void {
    // The watcher knows its Duration: the end of that needs no word.
    if (reason !== 'timeout') for (const leg of this.#legs.values()) leg.cancel()
    this.end()
  }

  /** Nothing more will be told. */
  end(): void {
    if (this.#over) return
    this.#over = true
    for (const session of [...this.#legs.keys()]) this.leave(session)
    this.#parts.onOver()
  }

  /** The client was too slow for a notification and has caught up: it is told the latest. */
  catchUp(session: ClientSession): void {
    this.#legs.get(session)?.tell()
  }

  fieldsFor({ login }: ClientSession): [string, string | undefined][] {
    const { presentity, watcher, subscriptionId } = this.#parts
    return [
      ['From', idOf(presentity, 'pres')],
      ['To', idOf(login?.names.pres ?? watcher, 'pres')],
      ['Subscription-ID', subscriptionId],
    ]
  }

  notifyFields(session: ClientSession): Fields {
    const fields = this.fieldsFor(session)
    if (this.#parts.subscriptionId === undefined) return fields
    return [...fields, ['Duration', String(this.secondsLeft())], ['Date', dateText(this.#parts.clock.now())]]
  }
}
