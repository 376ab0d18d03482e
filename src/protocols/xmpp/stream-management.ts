// Stream management of one session (XEP-0198): both counts, when each side is asked, and how it may be resumed. It outlives its streams.
import { accepted, type Lease, type Leases } from '#core'
import type { Sink } from './codec/splice.ts'
import { acknowledgementText, requestText, resumedText } from './codec/stream-management.ts'
import { Handled } from './handled.ts'
import { Repeats } from './repeats.ts'
import type { XmppSettings } from './settings.ts'
import { type SentStanza, Unacknowledged } from './unacknowledged.ts'

/** LIMIT: seconds that a request of the client waits for outcomes (XEP-0198 §4: not withheld "for any condition other than a timeout"). */
const answerSecondsMax = 1
/** After so many handled stanzas we tell the count unasked. */
const tellEvery = 100

/** How patient it is. */
export type ManagementSettings = Pick<
  XmppSettings,
  'acknowledgeStanzas' | 'acknowledgeSeconds' | 'unacknowledgedStanzasMax' | 'unacknowledgedOctetsMax'
>

export class StreamManagement {
  readonly handled: Handled
  readonly unacknowledged: Unacknowledged
  /** What a client sends again. */
  readonly repeats = new Repeats()
  /** Undefined where the session ends with its stream. */
  readonly resumable: { readonly id: string; readonly seconds: number } | undefined
  readonly #settings: ManagementSettings
  readonly #leases: Leases
  #sink: Sink | undefined
  /** We have asked and not been answered. */
  #isAsking = false
  #asking: Lease | undefined
  /** Values of `received` at which the client asked, not yet answered. */
  readonly #askedAt: number[] = []
  #answering: Lease | undefined
  #told = 0
  #onSettled: (() => void) | undefined

  constructor(parts: {
    readonly settings: ManagementSettings
    readonly leases: Leases
    readonly resumable: { readonly id: string; readonly seconds: number } | undefined
    /** Where it goes on with the counts of a stream that was given up. */
    readonly start?: { readonly sent: number; readonly received: number } | undefined
  }) {
    this.#settings = parts.settings
    this.#leases = parts.leases
    this.resumable = parts.resumable
    this.unacknowledged = new Unacknowledged(parts.start?.sent)
    this.handled = new Handled(() => this.#grown(), parts.start?.received)
  }

  /** A stream carries it from now on. */
  attach(sink: Sink): void {
    this.#sink = sink
    this.#told = this.handled.count
    this.#isAsking = false
    this.#ask()
  }

  /** Its stream is gone. What was asked on it is not answered on another. */
  detach(): void {
    this.#sink = undefined
    this.#asking?.cancel()
    this.#answering?.cancel()
    this.#askedAt.length = 0
  }

  // What we send.

  /** False when it is more than may wait for a client that does not acknowledge. */
  keep(stanza: SentStanza): boolean {
    const { unacknowledged } = this
    unacknowledged.push(stanza)
    // LIMIT: stanzas and octets that a client may leave unacknowledged.
    return (
      unacknowledged.length <= this.#settings.unacknowledgedStanzasMax &&
      unacknowledged.octets <= this.#settings.unacknowledgedOctetsMax
    )
  }

  /** Asks the client for its count: at once when many stanzas are out, else soon. Called behind each stanza. */
  sent(): void {
    if (this.#isAsking) return
    if (this.unacknowledged.length >= this.#settings.acknowledgeStanzas) this.#ask()
    else if (this.#asking?.active !== true)
      this.#asking = this.#leases.grant(this.#settings.acknowledgeSeconds, () => this.#ask())
  }

  #ask(): void {
    this.#asking?.cancel()
    if (this.#sink === undefined || this.unacknowledged.length === 0 || this.#isAsking) return
    this.#isAsking = true
    this.#sink.writeUtf8(requestText)
  }

  /** The client tells its count; false when it is more than we sent (XEP-0198 §6). */
  acknowledged(h: number): boolean {
    if (!this.unacknowledged.isPossible(h)) return false
    this.#isAsking = false
    for (const { answer } of this.unacknowledged.acknowledge(h)) answer?.(accepted)
    if (this.unacknowledged.length > 0) this.sent()
    else this.#asking?.cancel()
    return true
  }

  // What we receive.

  /** The client asks for our count: it hears it when what it sent before is handled, or a little later. */
  requested(): void {
    if (this.handled.isSettled) return this.#tell()
    const { received } = this.handled
    if (this.#askedAt.at(-1) !== received) this.#askedAt.push(received)
    if (this.#answering?.active !== true)
      this.#answering = this.#leases.grant(answerSecondsMax, () => this.#tell())
  }

  /** The client is back: it is told what is durable; what is not yet comes again, and passes (decision 0134). */
  resumedText(): string {
    this.repeats.expect(this.handled)
    return resumedText(this.resumable?.id ?? '', this.handled.count)
  }

  /** XEP-0198 §4: "right before they gracefully close the stream", lest what was taken is sent again. */
  sayGoodbye(): void {
    if (this.handled.count !== this.#told) this.#tell()
  }

  /** A stanza was taken. */
  took(): void {
    if ((this.handled.count - this.#told) >>> 0 >= tellEvery) this.#tell()
  }

  /** Calls when everything received is handled: at once, or later. Only the last caller is told. */
  whenSettled(act: () => void): void {
    if (this.handled.isSettled) act()
    else this.#onSettled = act
  }

  #grown(): void {
    if (this.handled.isSettled) {
      const onSettled = this.#onSettled
      this.#onSettled = undefined
      onSettled?.()
    }
    let isDue = (this.handled.count - this.#told) >>> 0 >= tellEvery
    while (this.#askedAt.length > 0 && this.handled.hasReached(this.#askedAt[0] as number)) {
      this.#askedAt.shift()
      isDue = true
    }
    if (isDue) this.#tell()
    if (this.#askedAt.length === 0) this.#answering?.cancel()
  }

  #tell(): void {
    this.#told = this.handled.count
    this.#sink?.writeUtf8(acknowledgementText(this.#told))
  }
}
