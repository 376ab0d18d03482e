// Custody of a message whose sender's protocol acknowledges it in order, and so can't wait long for its outcome (decision 0143): once it is taken the
// message survives us wherever it is under way, and what becomes of it is told when that is known. Of a message that is quick nothing is written.
import type { Envelope, Outcome } from '#model'

/** What is on the disk of a message that is under way. */
export interface CustodyRow {
  /** Of the recipient's history where that is ours. */
  readonly entryId: string
  /** Of the queue of another domain. */
  readonly sequence: number
  /** The message is done with. */
  readonly remove: () => void
}

/** Who keeps it: calls `writing` and then `written`, or nothing where it can't be kept. */
export type Keeper = (custody: Custody, envelope: Envelope) => void

export class Custody {
  /** The id that agents were told of the entry which the message will be; empty where nobody was told one yet. */
  archiveId = ''
  #keep: (() => void) | undefined
  #onKept: (() => void) | undefined
  #row: CustodyRow | undefined
  readonly #afterWriting: (() => void)[] = []
  #isWriting = false
  /** Its outcome follows: nothing is to be kept beside that. */
  #isDecided = false
  /** The row is what the message has become. */
  #isAdopted = false
  #isOver = false
  #isTold = false

  /** For the binding: asks for it. `onKept` is called once it is taken; never where the outcome comes first, or it can't be kept. */
  take(onKept: () => void): void {
    this.#onKept = onKept
    this.#ask()
  }

  /** For the binding: whoever wanted to know the outcome has been told, durably. Until then the message stays on the disk. */
  told(): void {
    this.#isTold = true
    this.#settle()
  }

  /** The message is under way: whoever asks now has it kept by `keep`. */
  begin(envelope: Envelope, keep: Keeper): void {
    if (this.#isDecided) return
    const kept = envelope.keep()
    this.#keep = () => keep(this, kept)
    if (this.#onKept !== undefined) this.#ask()
  }

  /** The binding's callback, for the core: the outcome does not overtake a row that is being written. */
  telling(onOutcome: (outcome: Outcome) => void): (outcome: Outcome) => void {
    const tell = (outcome: Outcome): void => {
      if (this.waits(() => tell(outcome))) return
      this.decide()
      onOutcome(outcome)
      this.#isOver = true
      this.#settle()
    }
    return tell
  }

  /** True where what becomes of it is known, and is being made durable. */
  get isDecided(): boolean {
    return this.#isDecided
  }

  decide(): void {
    this.#isDecided = true
    this.#keep = undefined
  }

  /** True where a row is being written: then `run` is called when that has ended. */
  waits(run: () => void): boolean {
    if (this.#isWriting) this.#afterWriting.push(run)
    return this.#isWriting
  }

  get row(): CustodyRow | undefined {
    return this.#row
  }

  writing(): void {
    this.#isWriting = true
    this.#keep = undefined
  }

  /** @param row undefined where it could not be written: the outcome is waited for */
  written(row: CustodyRow | undefined): void {
    this.#isWriting = false
    this.#row = row
    if (row !== undefined) this.#onKept?.()
    for (const run of this.#afterWriting.splice(0)) run()
  }

  /** The row is what the message has become, an entry that waits for its device or a unit that waits for its domain: it stays. */
  adopt(): void {
    this.#isAdopted = true
  }

  #ask(): void {
    if (!this.#isDecided && !this.#isWriting && this.#row === undefined) this.#keep?.()
  }

  #settle(): void {
    if (!this.#isOver || !this.#isTold || this.#isAdopted) return
    this.#isAdopted = true
    this.#row?.remove()
  }
}
