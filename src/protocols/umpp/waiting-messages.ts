// The messages that wait until their session is set up.

import { type Condition, type Envelope, type Outcome, refused } from '#model'
import type { Gauge } from '#observe'

export interface WaitingMessage {
  readonly envelope: Envelope
  readonly onOutcome: (outcome: Outcome) => void
}

export class WaitingMessages {
  readonly #counted: Gauge
  #all: WaitingMessage[] = []

  /** @param counted those of all sessions */
  constructor(counted: Gauge) {
    this.#counted = counted
  }

  get length(): number {
    return this.#all.length
  }

  add({ envelope, onOutcome }: WaitingMessage): void {
    this.#counted.add()
    this.#all.push({ envelope: envelope.keep(), onOutcome })
  }

  /** In their order; none waits any more. */
  takeAll(): readonly WaitingMessage[] {
    const all = this.#all
    this.#all = []
    this.#counted.add(-all.length)
    return all
  }

  /** Their senders are told; `known` of a message takes the place of the refusal. */
  refuse(condition: Condition, known: (envelope: Envelope) => Outcome | undefined = () => undefined): void {
    for (const { envelope, onOutcome } of this.takeAll()) onOutcome(known(envelope) ?? refused(condition))
  }
}
