// Takes custody of messages for other domains: as units of their queues, which no hand-over offers while their messages are under way. After a
// crash they are what waits.
import type { Clock } from '#base'
import type { Envelope } from '#model'
import type { Custody, CustodyRow } from '../messages/custody.ts'
import type { Store } from '../store.ts'
import { isQueueable, type RelayPolicy, type Tally } from './peer-queue.ts'
import type { Peers } from './peers.ts'

export interface RelayCustodyParts {
  readonly store: Store
  readonly clock: Clock
  readonly peers: Peers
  readonly tally: Tally
  readonly policy: RelayPolicy
  /** The hand-over of that domain which may have read a unit before it went. */
  readonly busyWith: (domain: string) => Promise<void> | undefined
  readonly fault: (cause: unknown, what: string) => void
}

export class RelayCustody {
  readonly #parts: RelayCustodyParts
  /** Of each domain, the units whose messages are under way. */
  readonly #underWay = new Map<string, Set<number>>()

  constructor(parts: RelayCustodyParts) {
    this.#parts = parts
  }

  /** True where no hand-over may touch the unit. */
  has(domain: string, sequence: number): boolean {
    return this.#underWay.get(domain)?.has(sequence) === true
  }

  /** Nothing where it may not wait for its domain, or there is no room. */
  keep(custody: Custody, envelope: Envelope): void {
    const { head, raw } = envelope
    const { store, clock, peers, tally, policy } = this.#parts
    const { domain } = head.to
    const { allowed, messages } = peers.policyFor(domain, head.from.domain)
    if (!isQueueable(envelope) || !allowed || !messages) return
    if (!tally.hasRoom(head.from.key, raw.length, policy)) return
    custody.writing()
    tally.add(head.from.key, 1, raw.length)
    store.enqueue(domain, { head, raw }, clock.now(), (fault, sequence) => {
      if (fault === undefined && sequence !== undefined) {
        this.#add(domain, sequence)
        const remove = (): void => this.#remove(domain, sequence, head.from.key, raw.length)
        return custody.written({ entryId: '', sequence, remove })
      }
      tally.add(head.from.key, -1, -raw.length)
      custody.written(undefined)
    })
  }

  /** Its domain can't be reached: the unit is one that waits, and is counted as such. */
  release({ head, raw }: Envelope, { sequence }: CustodyRow): void {
    this.#parts.tally.add(head.from.key, -1, -raw.length)
    this.#delete(head.to.domain, sequence)
  }

  #remove(domain: string, sequence: number, sender: string, octets: number): void {
    const { store, tally, busyWith, fault } = this.#parts
    tally.add(sender, -1, -octets)
    store.dequeue(domain, [sequence], (cause) => {
      // It stays on the disk, and is not offered in this life.
      if (cause !== undefined)
        return fault(cause, 'a message that was handed on could not be taken out of its queue')
      const busy = busyWith(domain)
      if (busy === undefined) this.#delete(domain, sequence)
      else void busy.then(() => this.#delete(domain, sequence))
    })
  }

  #add(domain: string, sequence: number): void {
    const known = this.#underWay.get(domain)
    if (known === undefined) this.#underWay.set(domain, new Set([sequence]))
    else known.add(sequence)
  }

  #delete(domain: string, sequence: number): void {
    const known = this.#underWay.get(domain)
    known?.delete(sequence)
    if (known?.size === 0) this.#underWay.delete(domain)
  }
}
