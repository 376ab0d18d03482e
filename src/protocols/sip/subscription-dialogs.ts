// The subscriptions that SIP watchers hold here, by their dialogs.

import { dialogKey } from './dialog.ts'
import type { SubscriptionDialog } from './subscription-dialog.ts'

/** LIMIT: subscription dialogs at a time, over all watchers (the core has limits for each presentity and watcher). */
export const subscriptionDialogsMax = 200_000

export class SubscriptionDialogs {
  readonly #byKey = new Map<string, SubscriptionDialog>()

  get size(): number {
    return this.#byKey.size
  }

  /** False when there are too many. */
  add(subscription: SubscriptionDialog): boolean {
    if (this.#byKey.size >= subscriptionDialogsMax) return false
    this.#byKey.set(subscription.id, subscription)
    return true
  }

  remove(subscription: SubscriptionDialog): void {
    this.#byKey.delete(subscription.id)
  }

  find(callId: string, localTag: string, remoteTag: string): SubscriptionDialog | undefined {
    return this.#byKey.get(dialogKey(callId, localTag, remoteTag))
  }

  all(): readonly SubscriptionDialog[] {
    return [...this.#byKey.values()]
  }
}
