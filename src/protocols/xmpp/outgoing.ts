// What goes to a client, a stanza at a time. Without stream management and while the client is active a stanza goes straight to the stream's
// output, in the pieces in which it is written; else it is gathered, its octets are kept once, and it may wait.
import type { Bytes } from '#base'
import type { DeliveryAnswer } from '#core'
import { ByteSink, type Sink } from './codec/splice.ts'
import { HeldBack } from './held-back.ts'
import type { StreamManagement } from './stream-management.ts'
import { stamped } from './unacknowledged.ts'

/** What a session writes to. */
export interface ClientStream extends Sink {
  /** True where each write must be a whole element (RFC 7395 §3.3). */
  readonly isFramed: boolean
  /** False once nothing that is written can arrive. */
  readonly isOpen: boolean
}

/** What becomes of a stanza. */
export interface Fate {
  /** The second word about a message that the core offered; only where `isManaged`. */
  readonly answer?: (answer: DeliveryAnswer) => void
  /** Called when it is given up unacknowledged. */
  readonly onLost?: () => void
  /** True for a message that is told late where it comes late. */
  readonly isStampable?: boolean
  /** Presence or a mere hint: an inactive client can wait for it, and needs the newest with the same key only. */
  readonly replaces?: string
}

const important: Fate = {}

/** Milliseconds after which a message is late when it is sent again. */
const lateAfter = 5000

export class Outgoing {
  readonly #now: () => number
  readonly #domain: string
  /** Called when more waits to be acknowledged than may. */
  readonly #onOverflow: () => void
  #stream: ClientStream | undefined
  /** The same where stanzas go straight to it. */
  #straight: ClientStream | undefined
  #management: StreamManagement | undefined
  #gathered = new ByteSink()
  /** While the client is inactive, or away and awaited. */
  #heldBack: HeldBack | undefined
  #isAbandoned = false

  constructor(parts: {
    readonly stream: ClientStream
    readonly now: () => number
    readonly domain: string
    readonly onOverflow: () => void
  }) {
    this.#now = parts.now
    this.#domain = parts.domain
    this.#onOverflow = parts.onOverflow
    this.#stream = parts.stream
    this.#choose()
  }

  /** True when a stanza that is written now arrives, or is kept until it is known to be lost. */
  get takesStanzas(): boolean {
    return this.#stream === undefined ? !this.#isAbandoned : this.#stream.isOpen || this.isAwaited
  }

  /** True where a stanza has gone when it is written. */
  get isStraight(): boolean {
    return this.#straight !== undefined
  }

  /** True when the client acknowledges stanzas. */
  get isManaged(): boolean {
    return this.#management !== undefined
  }

  /** True when its client may come back on another stream. */
  get isAwaited(): boolean {
    return this.#management?.resumable !== undefined && !this.#isAbandoned
  }

  /** Where a stanza is written, whole; then `end`. */
  begin(): Sink {
    return this.#straight ?? this.#gathered
  }

  end(fate: Fate = important): void {
    if (this.#straight !== undefined) return
    const bytes = this.#gathered.bytes()
    this.#gathered = new ByteSink()
    if (this.#heldBack !== undefined) {
      if (fate.replaces !== undefined && this.#heldBack.put(fate.replaces, bytes)) return
      // What was held back came before.
      this.#sendHeldBack()
    }
    this.#send(bytes, fate)
  }

  #send(bytes: Bytes, fate: Fate): void {
    const management = this.#management
    if (this.#isAbandoned || management === undefined) {
      this.#stream?.write(bytes)
      return
    }
    const isKept = management.keep({
      bytes,
      at: this.#now(),
      answer: fate.answer,
      onLost: fate.onLost,
      isStampable: fate.isStampable === true,
    })
    if (!isKept) return this.#onOverflow()
    if (this.#stream === undefined) return
    this.#stream.write(bytes)
    management.sent()
  }

  /** From now on stanzas are counted and kept (XEP-0198 §3). */
  manage(management: StreamManagement): void {
    this.#management = management
    if (this.#stream !== undefined) management.attach(this.#stream)
    this.#choose()
  }

  /** XEP-0352 §4.2. */
  set isActive(active: boolean) {
    if (active === (this.#heldBack === undefined)) return
    if (active) {
      this.#sendHeldBack()
      this.#heldBack = undefined
    } else this.#heldBack = new HeldBack()
    this.#choose()
  }

  /** The stream is gone, and the client may come back: what is important waits for it. */
  detach(): void {
    this.#stream = undefined
    this.#management?.detach()
    this.isActive = false
    this.#choose()
  }

  /** The client is back (XEP-0198 §5): it gets again what it has not acknowledged, and is taken for active (XEP-0352 §5.2). */
  attach(stream: ClientStream): void {
    this.#stream = stream
    const now = this.#now()
    for (const stanza of this.#management?.unacknowledged.all() ?? []) {
      const isLate = stanza.isStampable && now - stanza.at >= lateAfter
      stream.write(isLate ? stamped(stanza, this.#domain) : stanza.bytes)
    }
    this.#management?.attach(stream)
    this.isActive = true
    this.#choose()
  }

  /** The session is over: what was not acknowledged is told to be lost. */
  abandon(): void {
    if (this.#isAbandoned) return
    this.#isAbandoned = true
    this.#stream = undefined
    this.#heldBack = undefined
    this.#straight = abyss
    this.#management?.detach()
    for (const { answer, onLost } of this.#management?.unacknowledged.takeAll() ?? []) {
      answer?.({ kind: 'declined', condition: 'connection-failed' })
      onLost?.()
    }
  }

  #sendHeldBack(): void {
    for (const bytes of this.#heldBack?.takeAll() ?? []) this.#send(bytes, important)
  }

  #choose(): void {
    const isStraight = this.#management === undefined && this.#heldBack === undefined
    this.#straight = isStraight && this.#stream?.isFramed === false ? this.#stream : undefined
  }
}

/** Where the rest of a stanza goes whose session ended while it was written. */
const abyss: ClientStream = {
  isFramed: false,
  isOpen: false,
  write: () => undefined,
  writeUtf8: () => undefined,
}
