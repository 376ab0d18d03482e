// What streams between a domain of ours and one other left open when they were given up (XEP-0198 §5, decision 0088), for all pairs of the two, wherever
// each leads: the server there is asked of each such stream how much of it it took, and until then sends nothing that it may have.
import type { Clock, Timer } from '#base'
import type { Head } from '#model'
import { isSame, type Lapsed, TakenBefore } from './lapsed.ts'

/** LIMIT: streams of two domains that are to be asked about; of older ones it stays unknown. */
const lapsedMax = 8
/** LIMIT: tries to ask, where there is another stream to go by. */
const asksMax = 3
/** Seconds in which the relay offers again what it was given back, once the domain can be reached. */
const takenSeconds = 600

export class Aftermath {
  readonly #clock: Clock
  readonly #lapsed: Lapsed[] = []
  readonly #taken = new TakenBefore()
  /** Pairs with something that waits. */
  readonly #waiting = new Set<() => void>()
  #asked: Lapsed | undefined
  #inVain = 0
  #want: () => void = () => {}
  #forgetting: Timer | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Something is to be asked before anything is sent. */
  get isOpen(): boolean {
    return this.#lapsed.length > 0
  }

  /** It asks nothing and remembers nothing. */
  get isEmpty(): boolean {
    return !this.isOpen && this.#taken.isEmpty
  }

  /** One of them is being asked about: whoever else has something to send waits for the answer. */
  get isAsked(): boolean {
    return this.#asked !== undefined
  }

  /** The stream to ask about now: then the answer is told by `learn`, or that there was none by `unanswered`. */
  ask(): Lapsed | undefined {
    if (this.#asked !== undefined) return undefined
    this.#asked = this.#lapsed[0]
    return this.#asked
  }

  /** @param want has a stream opened, by which it can be asked about */
  add(lapsed: Lapsed, want: () => void): void {
    if (this.#lapsed.includes(lapsed)) return
    this.#want = want
    if (this.#lapsed.length >= lapsedMax) this.#lapsed.shift()
    this.#lapsed.push(lapsed)
    this.#inVain = 0
  }

  /** Has them asked about though nothing waits to be sent. */
  want(): void {
    this.#want()
  }

  /** The other side has said how many it took of that stream; undefined: it does not know. */
  learn(lapsed: Lapsed, h: number | undefined): void {
    this.unanswered(lapsed)
    const at = this.#lapsed.indexOf(lapsed)
    if (at >= 0) this.#lapsed.splice(at, 1)
    if (h === undefined) return
    this.#taken.learn(lapsed, h)
    this.#forgetting?.cancel()
    this.#forgetting = this.#clock.schedule(takenSeconds * 1000, () => this.#taken.forget())
  }

  unanswered(lapsed: Lapsed): void {
    if (this.#asked === lapsed) this.#asked = undefined
  }

  /** It could not be asked; true when that was tried often enough for one who has another way. */
  askedInVain(): boolean {
    return ++this.#inVain >= asksMax
  }

  /** What was taken stays unknown. */
  giveUp(): void {
    this.#lapsed.length = 0
  }

  /** Whether the other side has it already; asked once of each that is offered again, in order. */
  hasTaken(head: Head | undefined): boolean {
    return head !== undefined && !this.#taken.isEmpty && this.#taken.has(head)
  }

  /** Whether it may have it: a stream that carried it is still to be asked about. */
  mayHave(head: Head): boolean {
    return this.#lapsed.some(({ left }) => left.some((one) => one !== undefined && isSame(one, head)))
  }

  /** `go` is called once when something has changed: it was asked, or could not be. */
  await(go: () => void): void {
    this.#waiting.add(go)
  }

  /** Whoever waits looks again. */
  wake(): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const go of waiting) go()
  }

  stop(): void {
    this.#forgetting?.cancel()
  }
}
