// An owner's phone that watches who watches: the winfo template package for presence, RFC 3857.

import { createHash } from 'node:crypto'
import type { Bytes, Timer } from '#base'
import type { Account, Lease, WatcherInfo, WatcherInfoAgent } from '#core'
import { type Address, sipUri } from '#model'
import { type WatcherElement, watcherInfoMediaType, writeWatcherInfo } from './codec/watcher-info.ts'
import type { SipContext } from './context.ts'
import type { Dialog } from './dialog.ts'
import type { Flow } from './flow.ts'
import { type EndReason, NotifierDialog } from './notifier-dialog.ts'

export const watcherInfoPackage = { name: 'presence.winfo', mediaType: watcherInfoMediaType } as const

/** RFC 3857 §4.10: "RECOMMENDED that the server not generate [...] notifications [...] faster than once every 5 seconds". */
const pauseMilliseconds = 5000

/** LIMIT: changes that wait to be told; past it the whole list is told instead. */
const changesMax = 1000

export class WatcherInfoDialog extends NotifierDialog implements WatcherInfoAgent {
  readonly #account: Account
  #lease: Lease | undefined
  #version = 0
  /** Changes that no NOTIFY has told yet, the newest of each watcher. */
  readonly #changes = new Map<string, WatcherInfo>()
  #isFullDue = true
  /** Clock.monotonic() of the last document. */
  #toldAt = Number.NEGATIVE_INFINITY
  #pause: Timer | undefined
  #isQueued = false

  constructor(
    context: SipContext,
    account: Account,
    watcher: Address,
    dialog: Dialog,
    flow: Flow,
    eventId: string | undefined,
  ) {
    super(context, watcher, account.address, dialog, flow, eventId, watcherInfoPackage)
    this.#account = account
  }

  /** Begun or renewed: all of it is told at once (RFC 3857 §4.3). */
  granted(seconds: number): void {
    const { service } = this.context
    this.lasts('active', seconds)
    if (this.#lease?.active === true) this.#lease.renew(seconds)
    else this.#lease = service.leases.grant(seconds, () => this.end('timeout'))
    service.presence.watchWatchers(this.#account, this)
    this.#isFullDue = true
    this.say(() => this.#document())
  }

  watchersChanged(_owner: Address, changes: readonly WatcherInfo[]): void {
    for (const change of changes) this.#changes.set(change.id, change)
    if (this.#changes.size > changesMax) {
      this.#changes.clear()
      this.#isFullDue = true
    }
    if (this.#pause !== undefined || this.#isQueued) return
    const { clock } = this.context.service
    const wait = this.#toldAt + pauseMilliseconds - clock.monotonic()
    if (wait > 0) {
      this.#pause = clock.schedule(wait, () => this.#tell())
      return
    }
    // One word of an owner may change several watchers in one tick.
    this.#isQueued = true
    queueMicrotask(() => this.#tell())
  }

  #tell(): void {
    this.#isQueued = false
    this.#pause = undefined
    if (this.#changes.size > 0 || this.#isFullDue) this.say(() => this.#document())
  }

  protected override skipped(): void {
    this.#isFullDue = true
  }

  /** Ended, or asked only once. @param asked the watcher's own wish: then the last NOTIFY has all of it */
  end(reason: EndReason, asked = false): void {
    this.#release()
    this.#isFullDue = true
    this.finish(reason, asked ? () => this.#document() : undefined)
  }

  protected lost(): void {
    this.#release()
  }

  #release(): void {
    this.#lease?.cancel()
    this.#pause?.cancel()
    this.context.service.presence.unwatchWatchers(this.#account, this)
  }

  #document(): Bytes {
    const { presence, clock } = this.context.service
    const isFull = this.#isFullDue
    const watchers = isFull ? presence.watchers(this.#account) : [...this.#changes.values()]
    this.#isFullDue = false
    this.#changes.clear()
    this.#toldAt = clock.monotonic()
    return writeWatcherInfo({
      version: this.#version++,
      state: isFull ? 'full' : 'partial',
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
