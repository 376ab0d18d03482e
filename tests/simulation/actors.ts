// Devices of a simulation: of several kinds, each written down with what it accepted.
import { text } from '#base'
import { type DeliveryAnswer, type DeliveryContext, held, type InboxAgent } from '#core'
import type { Address, Envelope } from '#model'
import { Device, declined, Watcher } from '../../src/core/testing/devices.ts'
import type { Chance } from './random.ts'

/**
 * `prompt` accepts in the tick; `slow` accepts later, in order; `phone` answers later, in any order, and may decline; `picky`
 * declines half of what it is offered; `holder` holds what it is offered and acknowledges it later (XEP-0198).
 */
export type Kind = 'prompt' | 'slow' | 'phone' | 'picky' | 'holder'

export interface Accepted {
  readonly said: string
  readonly from: string
  readonly late: boolean
}

export class Actor extends Device {
  readonly kind: Kind
  readonly watcher: Watcher
  readonly #offers: (Accepted & { taken: boolean })[] = []
  readonly #chance: Chance
  /** Answers still owed. */
  readonly #owed = new Set<() => void>()
  #gone = false

  constructor(owner: Address, id: string, kind: Kind, chance: Chance) {
    super(owner.key, id)
    this.kind = kind
    this.#chance = chance
    this.keepsOrder = kind !== 'phone'
    this.watcher = new Watcher(owner.key)
    this.onDeliver = (envelope, context, answer) => this.#offered(envelope, context, answer)
  }

  /** What it took, in the order in which it was offered. */
  get accepted(): Accepted[] {
    return this.#offers.filter(({ taken }) => taken)
  }

  #offered(envelope: Envelope, context: DeliveryContext, answer: Parameters<InboxAgent['deliver']>[2]): void {
    const offer = {
      said: text(envelope.raw),
      from: envelope.head.from.key,
      late: context.storedAt !== undefined,
      taken: false,
    }
    this.#offers.push(offer)
    const countable = context.copy === 'received' && envelope.head.kind === 'message'
    const give = (answered: DeliveryAnswer): void => {
      offer.taken = countable && answered.kind === 'accepted'
      answer(answered)
    }
    if (this.#gone) return give(declined('connection-failed'))
    const refuses =
      this.kind === 'picky' ? this.#chance.percent(50) : this.kind === 'phone' && this.#chance.percent(30)
    const answered: DeliveryAnswer = refuses ? declined() : { kind: 'accepted' }
    if (this.kind === 'prompt' || this.kind === 'picky') return give(answered)
    if (this.kind === 'holder') answer(held)
    this.#later(() => give(this.#gone ? declined('connection-failed') : answered))
  }

  #later(give: () => void): void {
    const once = (): void => {
      if (this.#owed.delete(once)) give()
    }
    this.#owed.add(once)
    let turns = this.kind === 'slow' ? 3 : this.#chance.below(6)
    const wait = (): void => {
      if (turns-- > 0) setImmediate(wait)
      else once()
    }
    wait()
  }

  /** Its connection is gone: what it owes it declines, oldest first. */
  leave(): void {
    this.#gone = true
    for (const once of [...this.#owed]) once()
  }
}
