// What waits for other domains, in memory.
import type { QueuedDomain, QueuedUnit, StoredUnit } from '#core'

export class PeerQueues {
  /** Ascending by sequence; a domain for which nothing waits is not there. */
  readonly #queues = new Map<string, QueuedUnit[]>()
  #sequence = 0

  /** Answers its sequence. */
  enqueue(domain: string, { head, raw }: StoredUnit, at: number): number {
    const unit: QueuedUnit = { head, raw, at, sequence: ++this.#sequence }
    const queue = this.#queues.get(domain)
    if (queue === undefined) this.#queues.set(domain, [unit])
    else queue.push(unit)
    return unit.sequence
  }

  queued(domain: string, afterSequence: number, limit: number): QueuedUnit[] {
    const queue = this.#queues.get(domain) ?? []
    return queue.filter(({ sequence }) => sequence > afterSequence).slice(0, limit)
  }

  dequeue(domain: string, sequences: readonly number[]): void {
    const gone = new Set(sequences)
    const left = (this.#queues.get(domain) ?? []).filter(({ sequence }) => !gone.has(sequence))
    if (left.length === 0) this.#queues.delete(domain)
    else this.#queues.set(domain, left)
  }

  /** What was queued last, the newest first, for whatever domain: so many units. */
  recent(limit: number): QueuedUnit[] {
    const all = [...this.#queues.values()].flat()
    return all.sort((a, b) => b.sequence - a.sequence).slice(0, limit)
  }

  domains(): QueuedDomain[] {
    return [...this.#queues].map(([domain, queue]) => ({
      domain,
      count: queue.length,
      oldest: queue.reduce((oldest, { at }) => Math.min(oldest, at), Number.POSITIVE_INFINITY),
      octets: queue.reduce((sum, { raw }) => sum + raw.length, 0),
    }))
  }
}
