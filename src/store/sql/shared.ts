// Equal values that are made from text, once: who asks again gets the same object. For what is never changed and lives long.

export class Shared<Value> {
  readonly #max: number
  readonly #make: (text: string) => Value
  readonly #byText = new Map<string, Value>()

  /** @param max of the values held; past it all are let go, and those in use are merely no longer shared with later ones */
  constructor(max: number, make: (text: string) => Value) {
    this.#max = max
    this.#make = make
  }

  of(text: string): Value {
    const known = this.#byText.get(text)
    if (known !== undefined) return known
    if (this.#byText.size >= this.#max) this.#byText.clear()
    const made = this.#make(text)
    this.#byText.set(text, made)
    return made
  }
}
