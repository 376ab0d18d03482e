// The times of one piece of data for one recipient (dataTiming, RFC 3342 §2): what is reported when nothing was heard of it in time.

import type { Clock, Timer } from '#base'
import type { Address } from '#model'
import type { Data, DataTiming } from './codec/index.ts'
import type { HeldData, KeptTimes } from './services/kept-times.ts'

export interface TrackingParts {
  readonly clock: Clock
  /** What is left of its times. */
  readonly timing: DataTiming
  /** Milliseconds that were used in a former life. */
  readonly usedBefore?: number
  /** A transient (350) or permanent (550) word of the report service. */
  readonly tell: (code: 350 | 550) => void
  readonly onOver: () => void
}

export class Tracking {
  readonly #parts: TrackingParts
  readonly #timers: Timer[] = []
  /** Milliseconds of the clock that never steps back. */
  readonly #since: number
  #over = false
  #isLate = false

  constructor(parts: TrackingParts) {
    this.#parts = parts
    this.#since = parts.clock.monotonic()
    const { clock, timing, tell } = parts
    const { noLaterThan, reportAfter } = timing
    if (noLaterThan > 0) this.#timers.push(clock.schedule(noLaterThan, () => this.failed()))
    // "if the value of noLaterThan is non-zero, then it provides the operational upper-bounds for reportAfter" (§2.2).
    if (reportAfter > 0 && (noLaterThan === 0 || reportAfter < noLaterThan))
      this.#timers.push(clock.schedule(reportAfter, () => tell(350)))
  }

  get isOver(): boolean {
    return this.#over
  }

  /** Milliseconds that were used here; `late` past noLaterThan. */
  get waited(): number | 'late' {
    const { clock, timing, usedBefore = 0 } = this.#parts
    const used = clock.monotonic() - this.#since
    const isLate = this.#isLate || (timing.noLaterThan > 0 && used >= timing.noLaterThan)
    return isLate ? 'late' : usedBefore + used
  }

  /** It will not be delivered, or not in time (§2.1.2). */
  failed(): void {
    const { timing, tell } = this.#parts
    if (this.#over) return
    this.#isLate = true
    this.end()
    if (timing.reportErrors && timing.noLaterThan > 0) tell(550)
  }

  /** False where it was over before. */
  end(): boolean {
    if (this.#over) return false
    this.#over = true
    for (const timer of this.#timers) timer.cancel()
    this.#parts.onOver()
    return true
  }
}

/** LIMIT: data that is held and whose times are watched; past it the oldest is watched no more. */
const holdingsMax = 10_000

/** What is held for somebody who is away, while its times run, also over a restart. */
export class Holdings {
  readonly #held = new Map<string, Tracking>()
  /** Those whose time is over, though something of them may still wait for another domain. */
  readonly #late = new Set<string>()
  readonly #kept: KeptTimes
  #isStopping = false

  constructor(kept: KeptTimes) {
    this.#kept = kept
  }

  /** `onKept` is called once, when they survive us. */
  add(about: HeldData, tracking: Tracking, onKept?: () => void): void {
    this.#put(keyOf(about), tracking)
    this.#kept.keep(keyOf(about), about, onKept)
  }

  delivered(data: Data): void {
    this.#held.get(keyOfData(data))?.end()
  }

  failed(data: Data): void {
    this.#held.get(keyOfData(data))?.failed()
  }

  /** Its times are over. */
  over(about: Pick<HeldData, 'originator' | 'recipient' | 'transId'>): void {
    const key = keyOf(about)
    if (this.#held.get(key)?.waited === 'late') {
      if (this.#late.size >= holdingsMax) this.#late.clear()
      this.#late.add(key)
    }
    if (this.#held.delete(key) && !this.#isStopping) this.#kept.forget(key)
  }

  /** Other data begins by which its author means the same transID. */
  begin(about: Pick<HeldData, 'originator' | 'recipient' | 'transId'>): void {
    this.#late.delete(keyOf(about))
  }

  /** Milliseconds that it has been held; 0 where it was not. */
  waited(data: Data): number | 'late' {
    const key = keyOfData(data)
    return this.#late.has(key) ? 'late' : (this.#held.get(key)?.waited ?? 0)
  }

  /** Those of a former life; `resume` makes them run. */
  async restore(resume: (held: HeldData) => Tracking): Promise<void> {
    for (const held of await this.#kept.read()) this.#put(keyOf(held), resume(held))
  }

  stop(): void {
    this.#isStopping = true
    for (const tracking of [...this.#held.values()]) tracking.end()
    this.#held.clear()
  }

  #put(key: string, tracking: Tracking): void {
    if (this.#held.size >= holdingsMax) {
      for (const oldest of this.#held.values()) {
        oldest.end()
        break
      }
    }
    this.#held.set(key, tracking)
  }
}

/** LIMIT: messages that are kept, whose sender asked what becomes of them. */
const askedMax = 10_000

export interface About {
  readonly from: Address
  readonly to: Address
  readonly id: string
}

/** By which transID the sender of a message that is kept asked to hear of it (statusRequest). It does not outlive this process. */
export class AskedStatus {
  readonly #transIds = new Map<string, number>()

  remember(about: About, transId: number): void {
    if (this.#transIds.size >= askedMax) {
      for (const oldest of this.#transIds.keys()) {
        this.#transIds.delete(oldest)
        break
      }
    }
    this.#transIds.set(aboutKey(about), transId)
  }

  transIdOf(about: About): number | undefined {
    return this.#transIds.get(aboutKey(about))
  }
}

function aboutKey({ from, to, id }: About): string {
  return `${from.key}\n${to.key}\n${id}`
}

function keyOf({
  originator,
  recipient,
  transId,
}: Pick<HeldData, 'originator' | 'recipient' | 'transId'>): string {
  return `${originator.written}\n${recipient.written}\n${transId}`
}

function keyOfData({ originator, recipients, options }: Data): string {
  const timing = options.find(({ name }) => name === 'dataTiming')
  return `${originator.identity.written}\n${recipients[0]?.identity.written}\n${timing?.transId ?? 0}`
}
