// One subscription of a client (RFC 3343 §4.2), renewed at three quarters of its duration. What was told already is not told again.

import type { Clock, Timer } from '#base'
import type { Address, PresenceDocument } from '#model'
import {
  documentOf,
  endpointOf,
  isWaitingEntry,
  presenceText,
  readPresence,
  type ServiceMessage,
  subscribeText,
  terminateText,
} from '../codec/index.ts'
import type { Conversation } from './conversation.ts'
import { ConnectionLost, Refused } from './failures.ts'

export interface WatchHandlers {
  presence(document: PresenceDocument): void
  /** They have not agreed yet. */
  pending(): void
  /** The server ended it, or does not renew it. */
  ended(reason: string): void
}

const secondsWanted = 3600

export class Watch {
  readonly #conversation: Conversation
  readonly #presentity: Address
  readonly #handlers: WatchHandlers
  readonly #clock: Clock
  #transId = 0
  #last = ''
  #renewal: Timer | undefined
  #over = false

  constructor(conversation: Conversation, presentity: Address, handlers: WatchHandlers, clock: Clock) {
    this.#conversation = conversation
    this.#presentity = presentity
    this.#handlers = handlers
    this.#clock = clock
  }

  /** Resolves when the service has said the entry. Rejects with Refused or ConnectionLost. */
  async begin(): Promise<void> {
    const before = this.#transId
    const transId = this.#conversation.freshTransId()
    const publisher = endpointOf(this.#presentity).written
    const ask = (): Promise<void> =>
      this.#conversation.tell(
        'presence',
        this.#presentity.domain,
        subscribeText('subscribe', publisher, transId, secondsWanted),
      )
    const first = await this.#conversation.answer(transId, ask)
    if (first === undefined) throw new ConnectionLost('the presence service does not answer')
    if (first.kind === 'reply') throw new Refused(first.code, first.text)
    // "the previous subscribe operation is silently terminated" (§4.2 step 4).
    this.#conversation.silence(before)
    this.#transId = transId
    this.#conversation.listen(transId, (said) => this.#said(said))
    this.#said(first)
    if (!this.#over) this.#renewal = this.#clock.schedule(secondsWanted * 750, () => void this.#renew())
  }

  /** Nothing more is told; the service is told so (§4.5). */
  async stop(): Promise<void> {
    if (this.#over) return
    this.#finish()
    await this.#conversation.tell('presence', this.#presentity.domain, terminateText(this.#transId))
  }

  #said(message: ServiceMessage): void {
    if (this.#over) return
    if (message.kind === 'terminate') return this.#end('the subscription was ended')
    if (message.kind !== 'publish') return
    const entry = readPresence(message.presence)
    if (entry === undefined) return
    // What is not seen yet, and what is seen and is nobody, differ in the time alone.
    const text = presenceText({ ...entry, lastUpdate: isWaitingEntry(entry) ? entry.lastUpdate : '' })
    if (text === this.#last) return
    this.#last = text
    if (isWaitingEntry(entry)) return this.#handlers.pending()
    this.#handlers.presence(documentOf(entry, this.#presentity, this.#clock.now()))
  }

  #end(reason: string): void {
    this.#finish()
    this.#handlers.ended(reason)
  }

  #finish(): void {
    this.#over = true
    this.#renewal?.cancel()
    this.#conversation.silence(this.#transId)
  }

  async #renew(): Promise<void> {
    try {
      await this.begin()
    } catch (error) {
      if (!this.#over) this.#end((error as Error).message)
    }
  }
}
