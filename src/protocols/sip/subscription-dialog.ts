// One SIP watcher's subscription to a presentity: the presence package, RFC 3856.

import type { PresenceNotification, TerminationReason, WatcherAgent } from '#core'
import type { Address } from '#model'
import { pidfMediaType } from '#wire/pidf'
import { pidfOf } from './binding-presence.ts'
import type { SipContext } from './context.ts'
import type { Dialog } from './dialog.ts'
import type { Flow } from './flow.ts'
import { type EndReason, NotifierDialog } from './notifier-dialog.ts'

export const presencePackage = { name: 'presence', mediaType: pidfMediaType } as const

/** Its id, the dialog's key, is the core's SubscriptID. */
export class SubscriptionDialog extends NotifierDialog implements WatcherAgent {
  constructor(
    context: SipContext,
    watcher: Address,
    presentity: Address,
    dialog: Dialog,
    flow: Flow,
    eventId: string | undefined,
  ) {
    super(context, watcher, presentity, dialog, flow, eventId, presencePackage)
  }

  /** It was granted for so long, and is pending or active. What is to be told follows. */
  granted(state: 'pending' | 'active', seconds: number): void {
    this.lasts(state, seconds)
    // RFC 6665 §4.2.1.2: "MUST immediately send a NOTIFY"; where it is active the core brings the state for it.
    if (state === 'pending') this.say(undefined)
  }

  notify(notification: PresenceNotification): void {
    this.say(() => pidfOf(notification))
  }

  terminated(_subscriptionId: string, reason: TerminationReason): void {
    this.end(reason)
  }

  /** @param notification the state, where it ends by the watcher's own wish, or was a fetch */
  end(reason: EndReason, notification?: PresenceNotification): void {
    this.finish(reason, notification === undefined ? undefined : () => pidfOf(notification))
  }

  protected lost(): void {
    this.context.service.presence.unsubscribe(this.presentity, this.id, this.watcher, () => undefined)
  }
}
