// An owner's phone that watches who watches: the winfo template package for presence, RFC 3857.

import { createHash } from 'node:crypto'
import type { Bytes } from '#base'
import type { Account, WatcherInfo, WatcherInfoAgent } from '#core'
import { type Address, sipUri } from '#model'
import { type WatcherElement, watcherInfoMediaType, writeWatcherInfo } from './codec/watcher-info.ts'
import type { SipContext } from './context.ts'
import type { Dialog } from './dialog.ts'
import type { Flow } from './flow.ts'
import { VersionedDialog } from './versioned-dialog.ts'

export const watcherInfoPackage = { name: 'presence.winfo', mediaType: watcherInfoMediaType } as const

export class WatcherInfoDialog extends VersionedDialog<WatcherInfo> implements WatcherInfoAgent {
  readonly #account: Account

  constructor(
    context: SipContext,
    account: Account,
    watcher: Address,
    dialog: Dialog,
    flow: Flow,
    eventId: string | undefined,
  ) {
    super(context, account.address, watcher, dialog, flow, eventId, watcherInfoPackage)
    this.#account = account
  }

  protected begin(): void {
    this.context.service.presence.watchWatchers(this.#account, this)
  }

  watchersChanged(_owner: Address, changes: readonly WatcherInfo[]): void {
    this.changed(changes)
  }

  protected release(): void {
    this.context.service.presence.unwatchWatchers(this.#account, this)
  }

  protected document(version: number, changes: readonly WatcherInfo[] | undefined): Bytes {
    const { presence, clock } = this.context.service
    const watchers = changes ?? presence.watchers(this.#account)
    return writeWatcherInfo({
      version,
      state: changes === undefined ? 'full' : 'partial',
      resource: sipUri(this.presentity),
      watchers: watchers.map((watcher) => watcherElement(watcher, clock.now())),
    })
  }
}

/** RFC 3858 §3. The id of a subscription is other people's text, and must be a token. */
function watcherElement({ id, watcher, status, event, lease }: WatcherInfo, now: number): WatcherElement {
  const common = {
    id: createHash('sha256').update(id).digest('base64url').slice(0, 16),
    uri: sipUri(watcher),
    status,
    event,
  }
  if (lease === undefined) return common
  const durationSubscribed = Math.max(0, Math.floor((now - lease.since) / 1000))
  return status === 'terminated'
    ? { ...common, durationSubscribed }
    : { ...common, expiration: lease.secondsLeft, durationSubscribed }
}
