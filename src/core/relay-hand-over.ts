// Hands over what waited for another domain: in order, some at a time, until it is all gone or the domain can't be reached.
import { type Condition, type Envelope, type Head, type Outcome, type Report, refused } from '#model'
import { Lanes } from './lanes.ts'
import type { PeerQueue } from './peer-queue.ts'
import type { PeerLink, Peers } from './peers.ts'
import type { RelayMetrics } from './relay-metrics.ts'
import { departureProtocol } from './report-envelope.ts'
import type { QueuedUnit, Store, StoredUnit } from './store.ts'
import type { Translations } from './translations.ts'

/** LIMIT: units read from the store at a time, and pairs of people whose units are under way to one domain together. */
const batchMax = 100
const windowMax = 16

export interface HandOverParts {
  readonly store: Store
  readonly peers: Peers
  readonly revive: (unit: StoredUnit) => Envelope
  readonly metrics: RelayMetrics
  readonly translations: Translations
  /** Tells a sender; `told` gets the outcome of that report, or nothing where none is due. */
  readonly report: (report: Report, about: Head, told: (outcome?: Outcome) => void) => void
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
      if (units.length === 0) return undefined
      const stoppedBy = await this.#offerAll(queue, units)
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
      for (const unit of old) if (await this.#fail(queue, unit, condition)) count++
      if (old.length < batchMax) return count
      after = (units.at(-1) as QueuedUnit).sequence
    }
  }

  /** One unit of a pair at a time, so that an order is an order; pairs side by side. */
  async #offerAll(queue: PeerQueue, units: readonly QueuedUnit[]): Promise<Condition | undefined> {
    const pairs = [...Map.groupBy(units, ({ head }) => Lanes.key(head)).values()]
    let stoppedBy: Condition | undefined
    const carry = async (): Promise<void> => {
      for (let pair = pairs.shift(); pair !== undefined; pair = pairs.shift()) {
        for (const unit of pair) {
          if (stoppedBy !== undefined || queue.halted) return
          const unreachable = await this.#offer(queue, unit)
          if (unreachable !== undefined) stoppedBy = unreachable
        }
      }
    }
    await Promise.all(Array.from({ length: Math.min(windowMax, pairs.length) }, carry))
    return stoppedBy
  }

  /** Answers why the domain can't be reached; undefined when the next may follow. */
  async #offer(queue: PeerQueue, unit: QueuedUnit): Promise<Condition | undefined> {
    if (queue.done.has(unit.sequence)) {
      await this.#dequeue(queue, unit)
      return undefined
    }
    const envelope = queue.stuck.has(unit.sequence) ? undefined : this.#revived(queue, unit)
    if (envelope === undefined) return undefined
    const outcome = await this.#sent(queue, envelope)
    if (typeof outcome === 'string') return outcome
    if (outcome.kind === 'refused') {
      if (isUnreachable(outcome.condition)) return outcome.condition
      this.#parts.metrics.failed.with(outcome.condition).add()
      await this.#fail(queue, unit, outcome.condition)
      return undefined
    }
    queue.failures = 0
    this.#parts.metrics.relayed.add()
    await this.#dequeue(queue, unit)
    return undefined
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

  /** The other domain's word, or why there is no way to it now. */
  #sent(queue: PeerQueue, envelope: Envelope): Promise<Outcome | Condition> {
    const { peers } = this.#parts
    const policy = peers.policyFor(queue.domain, envelope.head.from.domain)
    if (!policy.allowed || !policy.messages) return Promise.resolve(refused('permission-denied'))
    return new Promise((resolve) => {
      peers.find(queue.domain, 'messages', departureProtocol(envelope), (link) => {
        // By policy it never will; for any other reason it may, later.
        if (link === 'permission-denied') resolve(refused(link))
        else if (typeof link === 'string') resolve(link)
        else offerToLink(link, envelope, this.#parts, resolve)
      })
    })
  }

  /** The sender is told before the unit is taken out, so that a crash between loses neither. False: it could not be told now, or was done with. */
  async #fail(queue: PeerQueue, unit: QueuedUnit, condition: Condition): Promise<boolean> {
    const wasDone = queue.done.has(unit.sequence)
    if (!wasDone) {
      const report: Report = { about: unit.head.id, event: 'failed', condition }
      const told = await new Promise<Outcome | undefined>((resolve) =>
        this.#parts.report(report, unit.head, resolve),
      )
      if (told?.kind === 'refused' && isFault(told.condition)) return false
    }
    await this.#dequeue(queue, unit)
    return !wasDone
  }

  #dequeue(queue: PeerQueue, { sequence, head }: QueuedUnit): Promise<void> {
    queue.done.add(sequence)
    return new Promise((resolve) => {
      this.#parts.store.dequeue(queue.domain, [sequence], (fault) => {
        if (fault === undefined) queue.taken(sequence, head.from.key)
        else this.#parts.fault(fault, 'a message that was handed on could not be taken out of its queue')
        resolve()
      })
    })
  }
}

/** Ours or the disk's: later it may go. */
function isFault(condition: Condition): boolean {
  return condition === 'internal-fault' || condition === 'temporarily-unavailable'
}
