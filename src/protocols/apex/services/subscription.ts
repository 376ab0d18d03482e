// A subscribe operation in progress (RFC 3343 §4.2): its originator is told by `publish`, at the end by `terminate`. It does not end
// with an attachment: what changed meanwhile is told, as it then is, when the originator is attached again.

import type { PresenceNotification, TerminationReason, WatcherAgent } from '#core'
import type { Address } from '#model'
import { type EndpointName, publishText, terminateText, timestampText } from '../codec/index.ts'
import type { Relay } from '../relay.ts'
import type { Operation } from './operation.ts'

export interface SubscriptionParts {
  readonly relay: Relay
  readonly originator: EndpointName
  readonly watcher: Address
  readonly presentity: Address
  /** The subject as the originator wrote it. */
  readonly publisher: string
  readonly domain: string
  readonly transId: number
  readonly onOver: (subscription: Operation) => void
}

/** What an operation says of itself. */
export abstract class SubscribeOperation {
  readonly protocol = 'apex'
  readonly kind = 'subscribe'
  protected readonly parts: SubscriptionParts

  constructor(parts: SubscriptionParts) {
    this.parts = parts
  }

  /** Unique among the presentity's subscriptions. */
  get id(): string {
    const { originator, transId } = this.parts
    return `apex ${originator.written} ${transId}`
  }

  get watcher(): Address {
    return this.parts.watcher
  }

  get originator(): EndpointName {
    return this.parts.originator
  }

  get transId(): number {
    return this.parts.transId
  }

  get subject(): string {
    return this.parts.presentity.key
  }
}

/** Of one of our own people. */
export class Subscription extends SubscribeOperation implements WatcherAgent, Operation {
  /** What could not be told. */
  #latest: string | undefined
  #over = false

  notify(notification: PresenceNotification): void {
    this.tell(this.parts.relay.presence.entries.shown(notification))
  }

  /** @param presence the element's text */
  tell(presence: string): void {
    if (this.#over) return
    const { relay, publisher, transId } = this.parts
    const now = timestampText(relay.service.clock.now())
    this.#latest = this.#post(publishText(publisher, transId, now, presence)) ? undefined : presence
  }

  terminated(_id: string, _reason: TerminationReason): void {
    if (this.#over) return
    this.#post(terminateText(this.transId))
    this.#end()
  }

  end(): void {
    if (this.#over) return
    this.#end()
    const { relay, presentity, watcher } = this.parts
    relay.service.presence.unsubscribe(presentity, this.id, watcher, () => {})
  }

  /** It did not come about. */
  refused(): void {
    this.#end()
  }

  catchUp(): void {
    if (this.#latest !== undefined) this.tell(this.#latest)
  }

  #end(): void {
    this.#over = true
    this.parts.onOver(this)
  }

  #post(inline: string): boolean {
    const { relay, originator, domain } = this.parts
    return relay.post({ service: 'presence', domain, to: originator, inline })
  }
}
