// How many of the client's stanzas are handled (XEP-0198 §4): those whose outcome is known, which for a message is when it is durable, and
// all before them. The count is modulo 2^32.

interface Waiting {
  open: number
  /** Stanzas behind it, before the next that waits. */
  behind: number
}

export class Handled {
  #count: number
  #received: number
  /** Stanzas whose outcome is outstanding, in the order they came. */
  readonly #waiting: Waiting[] = []
  #current: Waiting | undefined
  /** Called when the count has grown outside of `end`. */
  readonly #onGrown: () => void

  constructor(onGrown: () => void, start = 0) {
    this.#count = start
    this.#received = start
    this.#onGrown = onGrown
  }

  /** The `h` that we may tell. */
  get count(): number {
    return this.#count
  }

  /** All that came, handled or not. */
  get received(): number {
    return this.#received
  }

  get isSettled(): boolean {
    return this.#count === this.#received
  }

  /** True when `target`, a value that `received` had, is reached. */
  hasReached(target: number): boolean {
    return (this.#received - target) >>> 0 >= (this.#received - this.#count) >>> 0
  }

  /** A stanza begins to be handled. */
  begin(): void {
    this.#current = undefined
  }

  /** Its outcome comes later: call what is returned, once, when it is known. It may come before `end`. */
  defer(): () => void {
    this.#current ??= { open: 1, behind: 0 }
    const own = this.#current
    own.open++
    let isKnown = false
    return () => {
      if (isKnown) return
      isKnown = true
      if (--own.open === 0) this.#drain()
    }
  }

  /** The stanza has been given to whom it concerns. */
  end(): void {
    const own = this.#current
    this.#current = undefined
    this.#received = (this.#received + 1) >>> 0
    if (own !== undefined && --own.open > 0) {
      this.#waiting.push(own)
      return
    }
    const last = this.#waiting.at(-1)
    if (last === undefined) this.#count = (this.#count + 1) >>> 0
    else last.behind++
  }

  #drain(): void {
    let grown = 0
    while (this.#waiting[0]?.open === 0) grown += 1 + (this.#waiting.shift() as Waiting).behind
    if (grown === 0) return
    this.#count = (this.#count + grown) >>> 0
    this.#onGrown()
  }
}
