// What becomes of messages that waited on the disk, told in the words of their own protocol: it knows from the message what its sender asked for,
// also after a restart. A message leaves the disk once that is told (decision 0144).
import type { Envelope, Outcome, ProtocolName } from '#model'

/** False where the sender is to hear nothing by this; else `told` is called once, when what he is to hear can't be lost. */
export type LateListener = (
  envelope: Envelope,
  outcome: Outcome,
  /** Milliseconds since the epoch when it began to wait. */
  since: number,
  told: () => void,
) => boolean

export class LateOutcomes {
  readonly #listeners = new Map<ProtocolName, LateListener>()
  readonly #fault: (cause: unknown, what: string) => void

  constructor(fault: (cause: unknown, what: string) => void) {
    this.#fault = fault
  }

  listen(protocol: ProtocolName, listener: LateListener): void {
    this.#listeners.set(protocol, listener)
  }

  tell(envelope: Envelope, outcome: Outcome, since: number, told: () => void): boolean {
    const listener = this.#listeners.get(envelope.head.protocol)
    if (listener === undefined || envelope.head.kind !== 'message') return false
    try {
      return listener(envelope, outcome, since, told)
    } catch (cause) {
      this.#fault(cause, 'what became of a message could not be told')
      return false
    }
  }
}
