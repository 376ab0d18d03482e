// What a statusRequest hears of data that applications hold: the core keeps it before they have said that they took it, so that it survives us, and
// the outcome is their word.

import type { DeliveryAnswer } from '#core'
import { delivered, type Outcome, type Refused, stored } from '#model'
import type { DeliveryWatch } from '../envelope.ts'

export interface FinalWordParts {
  /** The core has done its part: it is delivered, kept, handed on, or refused. */
  readonly onKept: () => void
  /** An application takes long. */
  readonly onLate: () => void
  /** What became of it, once. */
  readonly onKnown: (outcome: Outcome) => void
  /** Whether devices of other protocols were offered it too: then one of them has it. */
  readonly hasOthers: () => boolean
}

export class FinalWord implements DeliveryWatch {
  readonly #parts: FinalWordParts
  #holders = 0
  #wasHeld = false
  #outcome: Outcome | undefined
  #isTaken = false
  #no: Refused | undefined
  #isKnown = false

  constructor(parts: FinalWordParts) {
    this.#parts = parts
  }

  held(): void {
    this.#holders++
    this.#wasHeld = true
  }

  late(): void {
    if (this.#outcome !== undefined) this.#parts.onLate()
  }

  word(answer: DeliveryAnswer): void {
    this.#holders--
    if (answer.kind === 'accepted') this.#isTaken = true
    else if (answer.kind === 'refused') this.#no ??= answer.outcome
    this.#decide()
  }

  /** The core's word. */
  outcome(outcome: Outcome): void {
    this.#outcome = outcome
    this.#parts.onKept()
    this.#decide()
  }

  #decide(): void {
    const outcome = this.#outcome
    if (this.#isKnown || outcome === undefined) return
    const isTheirs = this.#wasHeld && outcome.kind === 'delivered' && !this.#parts.hasOthers()
    if (!isTheirs) return this.#known(outcome)
    if (this.#isTaken) return this.#known(delivered)
    if (this.#holders > 0) return
    // Without a no it waits again, for whoever is there.
    this.#known(this.#no ?? stored)
  }

  #known(outcome: Outcome): void {
    this.#isKnown = true
    this.#parts.onKnown(outcome)
  }
}
