// The subscriptions that SIP watchers hold here, by their dialogs.

import { dialogKey } from './dialog.ts'
import type { NotifierDialog } from './notifier-dialog.ts'

/** LIMIT: subscription dialogs at a time, over all watchers (the core has limits for each presentity and watcher). */
export const subscriptionDialogsMax = 200_000

export class SubscriptionDialogs {
  readonly #byKey = new Map<string, NotifierDialog>()

  get size(): number {
    return this.#byKey.size
  }

  /** False when there are too many. */
  add(subscription: NotifierDialog): boolean {
    if (this.#byKey.size >= subscriptionDialogsMax) return false
    this.#byKey.set(subscription.id, subscription)
    return true
  }

  remove(subscription: NotifierDialog): void {
    this.#byKey.delete(subscription.id)
  }

  find(callId: string, localTag: string, remoteTag: string): NotifierDialog | undefined {
    return this.#byKey.get(dialogKey(callId, localTag, remoteTag))
  }

  all(): readonly NotifierDialog[] {
    return [...this.#byKey.values()]
  }
}
