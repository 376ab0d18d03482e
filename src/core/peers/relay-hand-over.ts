// Hands over what waited for another domain: in order, some at a time, until it is all gone or the domain can't be reached.
import { type Condition, type Envelope, type Head, type Outcome, type Report, refused } from '#model'
import { Lanes } from '../messages/lanes.ts'
import type { LateOutcomes } from '../messages/late-outcomes.ts'
import { departureProtocol } from '../messages/report-envelope.ts'
import type { QueuedUnit, Store, StoredUnit } from '../store.ts'
import type { Translations } from '../translations.ts'
import type { PeerQueue } from './peer-queue.ts'
import type { PeerShares } from './peer-shares.ts'
import type { PeerLink, Peers } from './peers.ts'
import type { RelayMetrics } from './relay-metrics.ts'

/** LIMIT: units read from the store at a time, and pairs of people whose units are under way to one domain together. */
const batchMax = 100
const windowMax = 16
/** LIMIT: their octets; one that is larger goes alone. */
const windowOctetsMax = 1_048_576

/** What is offered together; once it is stopped nothing more is. */
interface Round {
  stoppedBy: Condition | undefined
  /** Under way. */
  octets: number
  /** Called when some are no longer. */
  readonly waiting: (() => void)[]
}

export interface HandOverParts {
  readonly store: Store
  readonly peers: Peers
  readonly shares: PeerShares
  readonly revive: (unit: StoredUnit) => Envelope
  readonly metrics: RelayMetrics
  /** True of a unit whose message is under way (decision 0143). */
  readonly isUnderWay: (domain: string, sequence: number) => boolean
  readonly translations: Translations
  /** Tells a sender; `told` gets the outcome of that report, or nothing where none is due. */
  readonly report: (report: Report, about: Head, told: (outcome?: Outcome) => void) => void
  /** Tells a sender in the words of his protocol, where that has any. */
  readonly late: LateOutcomes
  readonly fault: (cause: unknown, what: string) => void
}

/** The domain can't be reached now and has not taken it: it may be offered again. */
export function isUnreachable(condition: Condition): condition is 'connection-failed' | 'remote-timeout' {
  return condition === 'connection-failed' || condition === 'remote-timeout'
}

/** Offers to a link; a link that throws has refused. `onOutcome` is called once. */
export function offerToLink(
  link: PeerLink,
  envelope: Envelope,
  { translations, fault }: Pick<HandOverParts, 'translations' | 'fault'>,
  onOutcome: (outcome: Outcome) => void,
): void {
  let answered = false
  const once = (outcome: Outcome): void => {
    if (answered) return
    answered = true
    onOutcome(outcome)
  }
  translations.count(envelope, link.protocol)
  try {
    link.send(envelope, once)
  } catch (cause) {
    fault(cause, 'a link could not be offered a message')
    once(refused('internal-fault'))
  }
}

export class HandOver {
  readonly #parts: HandOverParts

  constructor(parts: HandOverParts) {
    this.#parts = parts
  }

  /** Offers all that waits; answers why it stopped, undefined at the end of the queue. Rejects when the store does. */
  async flush(queue: PeerQueue): Promise<Condition | undefined> {
    for (let after = 0; !queue.halted; ) {
      const units = await this.#parts.store.queued(queue.domain, after, batchMax)
      // Under a steady load something would always come before the last is gone.
      if (units.length < batchMax) queue.isEnding = true
      if (units.length === 0) return undefined
      const waiting = units.filter(({ sequence }) => !this.#parts.isUnderWay(queue.domain, sequence))
      const stoppedBy = await this.#offerAll(queue, waiting)
      if (stoppedBy !== undefined) return stoppedBy
      after = (units.at(-1) as QueuedUnit).sequence
    }
    return undefined
  }

  /** Gives up what began to wait at `before` or earlier, and tells the senders; answers how many. */
  async giveUp(queue: PeerQueue, before: number, condition: Condition): Promise<number> {
    let count = 0
    for (let after = 0; ; ) {
      const units = await this.#parts.store.queued(queue.domain, after, batchMax)
      const old = units.filter(({ at }) => at <= before)
      for (const unit of old)
        if (
          !this.#parts.isUnderWay(queue.domain, unit.sequence) &&
          (await this.#fail(queue, unit, condition))
        )
          count++
      if (old.length < batchMax) return count
      after = (units.at(-1) as QueuedUnit).sequence
    }
  }

  /** Pair by pair in order, pairs side by side; resolves when all that was offered is settled. */
  async #offerAll(queue: PeerQueue, units: readonly QueuedUnit[]): Promise<Condition | undefined> {
    const pairs = [...Map.groupBy(units, ({ head }) => Lanes.key(head)).values()]
    const round: Round = { stoppedBy: undefined, octets: 0, waiting: [] }
    const carry = async (): Promise<void> => {
      for (let pair = pairs.shift(); pair !== undefined; pair = pairs.shift()) {
        await this.#offerPair(queue, pair, round)
      }
    }
    await Promise.all(Array.from({ length: Math.min(windowMax, pairs.length) }, carry))
    return round.stoppedBy
  }

  /** One at a time, so that an order is an order; by a link that keeps it one behind the other, without waiting for the outcomes. */
  async #offerPair(queue: PeerQueue, pair: readonly QueuedUnit[], round: Round): Promise<void> {
    const underWay: Promise<void>[] = []
    let before: PeerLink | undefined
    for (const unit of pair) {
      if (round.stoppedBy !== undefined || queue.halted) break
      if (queue.done.has(unit.sequence)) {
        underWay.push(this.#dequeue(queue, unit))
        continue
      }
      const envelope = queue.stuck.has(unit.sequence) ? undefined : this.#revived(queue, unit)
      if (envelope === undefined) continue
      const link = await this.#linkFor(queue, envelope)
      if (before !== undefined && link !== before) await Promise.all(underWay.splice(0))
      await this.#turn(queue, unit)
      while (round.octets > 0 && round.octets + unit.raw.length > windowOctetsMax)
        await new Promise<void>((resolve) => round.waiting.push(resolve))
      // While it was waited for, those before may have come back.
      if (round.stoppedBy !== undefined || queue.halted) break
      before = typeof link === 'string' ? undefined : link
      round.octets += unit.raw.length
      const offered = this.#offer(queue, unit, envelope, link, round)
        .catch((cause: unknown) => {
          this.#parts.fault(cause, 'what waits for another domain could not be handed over')
          stop(queue, round, 'internal-fault')
        })
        .finally(() => {
          round.octets -= unit.raw.length
          for (const resolve of round.waiting.splice(0)) resolve()
        })
      underWay.push(offered)
      if (before?.keepsOrder !== true) await Promise.all(underWay.splice(0))
    }
    await Promise.all(underWay)
  }

  /** It is counted when its turn comes, so that the next does not come with it. */
  #turn({ domain, turns }: PeerQueue, { raw }: QueuedUnit): Promise<void> {
    return new Promise((resolve) =>
      turns.next(() => {
        this.#parts.shares.sent(domain, raw.length)
        resolve()
      }),
    )
  }

  /** Resolves when it is done with, or comes back: then nothing more is offered in this round. */
  #offer(
    queue: PeerQueue,
    unit: QueuedUnit,
    envelope: Envelope,
    link: PeerLink | Condition,
    round: Round,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      // In the tick of the answer, so that nothing overtakes what comes back.
      const answer = (outcome: Outcome): void => {
        if (outcome.kind === 'refused' && isUnreachable(outcome.condition)) {
          stop(queue, round, outcome.condition)
          return resolve()
        }
        this.#settle(queue, unit, envelope, outcome).then(resolve, reject)
      }
      if (typeof link === 'string') {
        // By policy it never will; for any other reason it may, later.
        if (link === 'permission-denied') return answer(refused(link))
        stop(queue, round, link)
        return resolve()
      }
      offerToLink(link, envelope, this.#parts, answer)
    })
  }

  async #settle(queue: PeerQueue, unit: QueuedUnit, envelope: Envelope, outcome: Outcome): Promise<void> {
    if (outcome.kind === 'refused') {
      this.#parts.metrics.failed.with(outcome.condition).add()
      await this.#fail(queue, unit, outcome.condition)
      return
    }
    queue.failures = 0
    this.#parts.metrics.relayed.add()
    await this.#tellLate(unit, envelope, outcome)
    await this.#dequeue(queue, unit)
  }

  #revived(queue: PeerQueue, unit: QueuedUnit): Envelope | undefined {
    try {
      return this.#parts.revive(unit)
    } catch (cause) {
      // It stays where it is, and those behind it are handed over.
      this.#parts.fault(cause, 'a message that waits for another domain could not be revived')
      queue.stuck.add(unit.sequence)
      return undefined
    }
  }

  /** The way to the other domain, or why there is none now. */
  #linkFor(queue: PeerQueue, envelope: Envelope): Promise<PeerLink | Condition> {
    const { peers } = this.#parts
    const policy = peers.policyFor(queue.domain, envelope.head.from.domain)
    if (!policy.allowed || !policy.messages) return Promise.resolve('permission-denied')
    return new Promise((resolve) =>
      peers.find(queue.domain, 'messages', departureProtocol(envelope), resolve),
    )
  }

  /** The sender is told before the unit is taken out, so that a crash between loses neither. False: it could not be told now, or was done with. */
  async #fail(queue: PeerQueue, unit: QueuedUnit, condition: Condition): Promise<boolean> {
    const wasDone = queue.done.has(unit.sequence)
    const envelope = wasDone || queue.stuck.has(unit.sequence) ? undefined : this.#revived(queue, unit)
    const isTold = envelope !== undefined && (await this.#tellLate(unit, envelope, refused(condition)))
    if (!wasDone && !isTold) {
      const report: Report = { about: unit.head.id, event: 'failed', condition }
      const told = await new Promise<Outcome | undefined>((resolve) =>
        this.#parts.report(report, unit.head, resolve),
      )
      if (told?.kind === 'refused' && isFault(told.condition)) return false
    }
    await this.#dequeue(queue, unit)
    return !wasDone
  }

  /** False where its sender's protocol has no word for it. */
  #tellLate({ at }: QueuedUnit, envelope: Envelope, outcome: Outcome): Promise<boolean> {
    return new Promise((resolve) => {
      if (!this.#parts.late.tell(envelope, outcome, at, () => resolve(true))) resolve(false)
    })
  }

  /** Those of one turn leave the store together. */
  #dequeue(queue: PeerQueue, unit: QueuedUnit): Promise<void> {
    queue.done.add(unit.sequence)
    return new Promise((resolve) => {
      queue.leaving.push({ unit, resolve })
      if (queue.leaving.length === 1) queueMicrotask(() => this.#takeOut(queue))
    })
  }

  #takeOut(queue: PeerQueue): void {
    const leaving = queue.leaving.splice(0)
    const sequences = leaving.map(({ unit }) => unit.sequence)
    this.#parts.store.dequeue(queue.domain, sequences, (fault) => {
      if (fault !== undefined)
        this.#parts.fault(fault, 'messages that were handed on could not be taken out of their queue')
      for (const { unit, resolve } of leaving) {
        if (fault === undefined) queue.taken(unit.sequence, unit.head.from.key, unit.raw.length)
        resolve()
      }
    })
  }
}

/** Nothing more is offered: nobody waits for his turn. */
function stop(queue: PeerQueue, round: Round, by: Condition): void {
  round.stoppedBy ??= by
  queue.turns.release()
}

/** Ours or the disk's: later it may go. */
function isFault(condition: Condition): boolean {
  return condition === 'internal-fault' || condition === 'temporarily-unavailable'
}
