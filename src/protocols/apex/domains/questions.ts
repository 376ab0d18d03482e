// What we ask of another domain about a message of another protocol, by statusRequest (RFC 3340 §5.1): its relay's `ok` says nothing of what
// becomes of it. The report is the outcome; one that comes later is a late word on the message.

import { randomBelow, type Timer } from '#base'
import { type Address, type Head, type Outcome, relayed } from '#model'
import type { Relay } from '../relay.ts'
import { type Carried, outcomeOfCarried } from './sending.ts'

/** LIMIT: messages on which a late word may still come; past it the oldest are forgotten. */
const askedMax = 10_000

export interface Question {
  /** The option as it is written. */
  readonly option: string
  /** The relay's own word. */
  carried(carried: Carried): void
  /** It is not sent. */
  withdraw(): void
}

interface Asked {
  readonly head: Head
  /** Undefined once it is known. */
  tell: ((outcome: Outcome) => void) | undefined
  timer: Timer | undefined
}

export class Questions {
  readonly #relay: Relay
  readonly #asked = new Map<number, Asked>()
  /** Whether the domain answers at all: some relays do not (§11 lets them). */
  #isSilent = false

  constructor(relay: Relay) {
    this.#relay = relay
  }

  /** `tell` is called once. */
  ask(head: Head, tell: (outcome: Outcome) => void): Question {
    const transId = this.#freshTransId()
    const asked: Asked = { head, tell, timer: undefined }
    this.#asked.set(transId, asked)
    return {
      option: `<option internal='statusRequest' transID='${transId}' />`,
      carried: (carried) => this.#carried(transId, asked, carried),
      withdraw: () => this.#asked.delete(transId),
    }
  }

  /** False where nobody asked. */
  answered(by: Address, transId: number, outcome: Outcome): boolean {
    const asked = this.#asked.get(transId)
    if (asked?.head.from.key !== by.key) return false
    this.#isSilent = false
    // Stored there: what becomes of it may be told yet.
    if (outcome.kind !== 'stored') this.#asked.delete(transId)
    if (asked.tell !== undefined) this.#tell(asked, outcome)
    else if (outcome.kind === 'refused') {
      const { head } = asked
      const report = { about: head.id, event: 'failed', condition: outcome.condition } as const
      this.#relay.service.messages.report(report, head)
    }
    return true
  }

  #carried(transId: number, asked: Asked, carried: Carried): void {
    const outcome = outcomeOfCarried(carried)
    if (outcome.kind === 'refused') {
      this.#asked.delete(transId)
      return this.#tell(asked, outcome)
    }
    if (asked.tell === undefined) return
    if (this.#isSilent) return this.#tell(asked, relayed)
    const { service, settings } = this.#relay
    asked.timer = service.clock.schedule(settings.domainReportSeconds * 1000, () => {
      this.#isSilent = true
      this.#tell(asked, relayed)
    })
  }

  #tell(asked: Asked, outcome: Outcome): void {
    const { tell } = asked
    asked.timer?.cancel()
    asked.tell = undefined
    tell?.(outcome)
  }

  #freshTransId(): number {
    if (this.#asked.size >= askedMax)
      for (const [transId, { tell }] of this.#asked) {
        // What somebody waits for is answered by its time.
        if (tell !== undefined) continue
        this.#asked.delete(transId)
        break
      }
    for (;;) {
      const transId = 1 + randomBelow(2_147_483_647)
      if (!this.#asked.has(transId)) return transId
    }
  }
}
