// One SIP watcher's subscription to a presentity: the presence package, RFC 3856.

import type { Timer } from '#base'
import type { PresenceNotification, TerminationReason, WatcherAgent } from '#core'
import type { Address } from '#model'
import { olderPidfMediaType, pidfMediaType } from '#wire/pidf'
import { pidfOf } from './binding-presence.ts'
import type { SipContext } from './context.ts'
import type { Dialog } from './dialog.ts'
import type { Flow } from './flow.ts'
import { type EndReason, NotifierDialog } from './notifier-dialog.ts'

export const presencePackage = { name: 'presence', mediaType: pidfMediaType } as const
/** For who reads only what PIDF was called before RFC 3863 (UMPP §4.2). */
export const olderPresencePackage = { name: 'presence', mediaType: olderPidfMediaType } as const

/** Its id, the dialog's key, is the core's SubscriptID. */
export class SubscriptionDialog extends NotifierDialog implements WatcherAgent {
  /** Clock.monotonic() of the state that was told last. */
  #toldAt = Number.NEGATIVE_INFINITY
  /** What is told when the pause is over: the newest of what changed in it. */
  #waiting: PresenceNotification | undefined
  #pause: Timer | undefined
  readonly #form: 'pidf' | 'older'

  constructor(
    context: SipContext,
    watcher: Address,
    presentity: Address,
    dialog: Dialog,
    flow: Flow,
    eventId: string | undefined,
    form: typeof presencePackage | typeof olderPresencePackage = presencePackage,
  ) {
    super(context, watcher, presentity, dialog, flow, eventId, form)
    this.#form = form.mediaType === olderPidfMediaType ? 'older' : 'pidf'
  }

  /** It was granted for so long, and is pending or active. What is to be told follows. */
  granted(state: 'pending' | 'active', seconds: number): void {
    this.lasts(state, seconds)
    // RFC 6665 §4.2.1.2: "MUST immediately send a NOTIFY"; where it is active the core brings the state for it.
    if (state === 'pending') this.say(undefined)
  }

  /**
   * RFC 3856 §6.10: "SHOULD NOT generate notifications for a single presentity at a rate of more than once every five seconds". What is
   * told as a whole answers a SUBSCRIBE or a word of the owner, and does not wait.
   */
  notify(notification: PresenceNotification): void {
    const { clock } = this.context.service
    const now = clock.monotonic()
    const wait = this.#toldAt + this.context.settings.notifySecondsMin * 1000 - now
    if (wait > 0 && !notification.full) {
      this.#waiting = notification
      this.#pause ??= clock.schedule(wait, () => this.#pauseOver())
      return
    }
    this.#resume()
    this.#toldAt = now
    this.say(() => pidfOf(notification, this.#form))
  }

  #pauseOver(): void {
    const notification = this.#waiting
    this.#resume()
    if (notification === undefined) return
    this.#toldAt = this.context.service.clock.monotonic()
    this.say(() => pidfOf(notification, this.#form))
  }

  #resume(): void {
    this.#pause?.cancel()
    this.#pause = undefined
    this.#waiting = undefined
  }

  terminated(_subscriptionId: string, reason: TerminationReason): void {
    this.end(reason)
  }

  /** @param notification the state, where it ends by the watcher's own wish, or was a fetch */
  end(reason: EndReason, notification?: PresenceNotification): void {
    this.#resume()
    this.finish(reason, notification === undefined ? undefined : () => pidfOf(notification, this.#form))
  }

  protected lost(): void {
    this.#resume()
    this.context.service.presence.unsubscribe(this.presentity, this.id, this.watcher, () => undefined)
  }
}
