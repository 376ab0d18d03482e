// What waits for a person who comes back: undelivered entries of the history, offered in order, before what arrives meanwhile. An entry that
// an agent holds for its device (XEP-0198 §4) is that agent's until the device has acknowledged it or is lost.
import { BoundedQueue } from '#base'
import { delivered, type Envelope, type Head, type Outcome, type Refused, type Report } from '#model'
import type { DeliveryContext, InboxAgent } from '../agents.ts'
import type { Account, WaitingMessage } from '../people/account.ts'
import type { HistoryItem, Store, StoredUnit } from '../store.ts'
import type { LateOutcomes } from './late-outcomes.ts'
import type { MessageMetrics } from './message-metrics.ts'
import type { Offer, Verdict } from './offer.ts'

/** LIMIT: messages that wait while stored ones are handed over to a person who came back. */
export const flushWaitingMax = 10_000

const flushBatch = 100

export interface HandOverParts {
  readonly store: Store
  readonly revive: (unit: StoredUnit) => Envelope
  readonly metrics: MessageMetrics
  readonly offer: Offer
  readonly late: LateOutcomes
  /** Delivers what arrived during a hand-over. */
  readonly deliver: (account: Account, waiting: WaitingMessage) => void
  readonly report: (report: Report, about: Head) => void
  readonly fault: (cause: unknown, what: string) => void
}

export class HandOver {
  readonly #parts: HandOverParts

  constructor(parts: HandOverParts) {
    this.#parts = parts
  }

  begin(account: Account): void {
    if (account.undelivered === 0) return
    if (account.flushing !== undefined) {
      account.flushAgain = true
      return
    }
    account.flushing = new BoundedQueue(flushWaitingMax)
    this.#flush(account)
      .catch((cause: unknown) => this.#parts.fault(cause, 'stored messages could not be handed over'))
      .finally(() => this.#end(account))
  }

  /**
   * What became of an entry that was held: its device has it, its person says no, or it waits again, for whoever is there.
   * @param id of the entry
   */
  settle(account: Account, id: string, head: Head, verdict: Verdict): void {
    // The store could not keep it, or its owner is gone.
    if (!account.held.has(id)) return
    if (verdict.kind === 'refused') this.#reportRefusal(head, verdict.reason)
    if (verdict.kind === 'accepted' || verdict.kind === 'refused') return this.#mark(account, id)
    account.held.delete(id)
    if (account.inbox.agents.some((agent) => agent.capabilities.messages)) this.begin(account)
  }

  async #flush(account: Account): Promise<void> {
    let after = 0
    do {
      // Who became ready meanwhile is offered all from the beginning, before what comes later in order.
      if (account.flushAgain) after = 0
      account.flushAgain = false
      after = await this.#flushBatch(account, after)
    } while (account.flushAgain || after > 0)
  }

  /** Hands over one batch; answers where the next one begins, 0 when there is none. */
  async #flushBatch(account: Account, after: number): Promise<number> {
    account.acknowledged.clear()
    const items = await this.#parts.store.undelivered(account.address, after, flushBatch)
    const taken: string[] = []
    for (const item of items) {
      if (account.held.has(item.id) || account.acknowledged.has(item.id)) continue
      if (account.unmarked.has(item.id) || (await this.#offerStored(account, item))) taken.push(item.id)
      if (account.flushAgain) break
    }
    if (taken.length > 0) await this.#markDelivered(account, taken)
    return items.length < flushBatch ? 0 : (items.at(-1) as HistoryItem).sequence
  }

  /** True when nothing more is to be done for it: an agent took it, or a device refused it for its person. */
  #offerStored(account: Account, item: HistoryItem): Promise<boolean> {
    const chosen = account.inbox.choose({ ...item.head, toAgent: '' })
    if (chosen === 'gone') return Promise.resolve(false)
    const small = account.tooLarge.get(item.id)
    const agents = small === undefined ? chosen : chosen.filter((agent) => !small.has(keyOf(agent)))
    if (agents.length === 0) return Promise.resolve(false)
    let envelope: Envelope
    try {
      envelope = this.#parts.revive(item)
    } catch (cause) {
      // It stays where it is, and those behind it are handed over.
      this.#parts.fault(cause, 'a stored message could not be revived')
      return Promise.resolve(false)
    }
    const context: DeliveryContext = {
      copy: 'received',
      archiveId: item.archived ? item.id : '',
      storedAt: item.at,
    }
    return new Promise((resolve) => {
      let isHeld = false
      this.#parts.offer([...agents], envelope, context, (verdict) => {
        if (isHeld) return this.#heldEnded(account, item, envelope, verdict)
        if (verdict.kind === 'held') {
          isHeld = true
          account.held.add(item.id)
          this.#parts.metrics.handedOver.add()
          return resolve(false)
        }
        if (verdict.kind === 'accepted') this.#parts.metrics.handedOver.add()
        if (verdict.kind === 'declined') noteTooLarge(account, item.id, verdict.tooLargeFor)
        if (verdict.kind === 'declined' || this.#isTelling(account, item, envelope, verdict))
          return resolve(false)
        if (verdict.kind === 'refused') this.#reportRefusal(item.head, verdict.reason)
        resolve(true)
      })
    })
  }

  #heldEnded(account: Account, item: HistoryItem, envelope: Envelope, verdict: Verdict): void {
    if (!account.held.has(item.id) || !this.#isTelling(account, item, envelope, verdict))
      this.settle(account, item.id, item.head, verdict)
  }

  /** True where its sender's protocol tells him: the entry is held until it has. */
  #isTelling(account: Account, { id, at }: HistoryItem, envelope: Envelope, verdict: Verdict): boolean {
    if (verdict.kind === 'declined' || verdict.kind === 'held') return false
    const outcome: Outcome = verdict.kind === 'refused' ? verdict.reason : delivered
    const wasHeld = account.held.has(id)
    account.held.add(id)
    if (this.#parts.late.tell(envelope, outcome, at, () => this.#mark(account, id))) return true
    if (!wasHeld) account.held.delete(id)
    return false
  }

  #reportRefusal(head: Head, reason: Refused): void {
    this.#parts.report({ about: head.id, event: 'failed', condition: reason.condition }, head)
  }

  async #markDelivered(account: Account, ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      account.unmarked.add(id)
      account.tooLarge.delete(id)
    }
    await new Promise<void>((resolve, reject) => {
      this.#parts.store.markDelivered(account.address, ids, (fault) =>
        fault === undefined ? resolve() : reject(fault),
      )
    })
    for (const id of ids) account.unmarked.delete(id)
    account.undelivered = Math.max(0, account.undelivered - ids.length)
  }

  /** Entries whose devices acknowledged them in this tick, by account: one write for all. */
  readonly #acknowledged = new Map<Account, string[]>()

  #mark(account: Account, id: string): void {
    const ids = this.#acknowledged.get(account)
    if (ids !== undefined) {
      ids.push(id)
      return
    }
    if (this.#acknowledged.size === 0) queueMicrotask(() => this.#markAcknowledged())
    this.#acknowledged.set(account, [id])
  }

  #markAcknowledged(): void {
    for (const [account, ids] of this.#acknowledged) this.#markHeld(account, ids)
    this.#acknowledged.clear()
  }

  /** They stay `held` until that is durable, so that no hand-over offers them meanwhile. */
  #markHeld(account: Account, ids: readonly string[]): void {
    this.#parts.store.markDelivered(account.address, ids, (fault) => {
      for (const id of ids) {
        account.held.delete(id)
        account.tooLarge.delete(id)
        if (fault !== undefined) account.unmarked.add(id)
        // A hand-over under way may have read it before.
        else if (account.flushing !== undefined) account.acknowledged.add(id)
      }
      if (fault !== undefined) return this.#parts.fault(fault, 'delivered messages could not be marked')
      account.undelivered = Math.max(0, account.undelivered - ids.length)
    })
  }

  #end(account: Account): void {
    const waiting = account.flushing
    account.flushing = undefined
    account.flushAgain = false
    account.acknowledged.clear()
    for (let next = waiting?.shift(); next !== undefined; next = waiting?.shift()) {
      // One of them may have begun a hand-over anew: the rest waits for that.
      const again = account.flushing as BoundedQueue<WaitingMessage> | undefined
      if (again?.push(next) !== true) this.#parts.deliver(account, next)
    }
  }
}

/**
 * A message that is too large for a device stays for another one, and this one is not offered it at each login. Memory alone: after a
 * restart it is offered once more.
 */
function noteTooLarge(account: Account, id: string, agents: readonly InboxAgent[]): void {
  if (agents.length === 0) return
  const known = account.tooLarge.get(id) ?? new Set<string>()
  for (const agent of agents) known.add(keyOf(agent))
  account.tooLarge.set(id, known)
}

/** A device with what it takes: one that takes more now is another. */
function keyOf({ protocol, id, octetsMax }: InboxAgent): string {
  return `${protocol} ${octetsMax ?? ''} ${id}`
}
