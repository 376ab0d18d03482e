// A subscription whose documents have versions: all of it at first, then only what changed, not too often (RFC 3857 §4, RFC 3680 §4).

import type { Bytes, Timer } from '#base'
import type { Lease } from '#core'
import type { Address } from '#model'
import type { SipContext } from './context.ts'
import type { Dialog } from './dialog.ts'
import type { Flow } from './flow.ts'
import { type EndReason, type EventPackage, NotifierDialog } from './notifier-dialog.ts'

/** RFC 3857 §4.10, RFC 3680 §4.10: "RECOMMENDED that the server not generate notifications [...] faster than once every 5 seconds". */
const pauseMilliseconds = 5000

/** LIMIT: changes that wait to be told; past it the whole list is told instead. */
const changesMax = 1000

export abstract class VersionedDialog<Change extends { readonly id: string }> extends NotifierDialog {
  #lease: Lease | undefined
  #version = 0
  /** Changes that no NOTIFY has told yet, the newest of each id. */
  readonly #changes = new Map<string, Change>()
  #isFullDue = true
  /** Clock.monotonic() of the last document. */
  #toldAt = Number.NEGATIVE_INFINITY
  #pause: Timer | undefined
  #isQueued = false

  constructor(
    context: SipContext,
    owner: Address,
    watcher: Address,
    dialog: Dialog,
    flow: Flow,
    eventId: string | undefined,
    eventPackage: EventPackage,
  ) {
    super(context, watcher, owner, dialog, flow, eventId, eventPackage)
  }

  /** From now on `changed` is called; called again when it is renewed. */
  protected abstract begin(): void

  protected abstract release(): void

  /** @param changes undefined: all that there is */
  protected abstract document(version: number, changes: readonly Change[] | undefined): Bytes

  /** Begun or renewed: all of it is told at once. */
  granted(seconds: number): void {
    this.lasts('active', seconds)
    if (this.#lease?.active === true) this.#lease.renew(seconds)
    else this.#lease = this.context.service.leases.grant(seconds, () => this.end('timeout'))
    this.begin()
    this.#isFullDue = true
    this.say(() => this.#document())
  }

  protected changed(changes: readonly Change[]): void {
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
    // One word of an owner may change several things in one tick.
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
    this.release()
  }

  #document(): Bytes {
    const changes = this.#isFullDue ? undefined : [...this.#changes.values()]
    this.#isFullDue = false
    this.#changes.clear()
    this.#toldAt = this.context.service.clock.monotonic()
    return this.document(this.#version++, changes)
  }
}
