// Waiting for what must come over a connection, with a bound, for the clients of these tests.

/** LIMIT: milliseconds of the real world to wait for what must come. */
const patience = 10_000

export class Waiting {
  #looks: (() => void)[] = []
  #isOver = false

  /** Something came: whoever waits looks again. */
  stir(): void {
    for (const look of this.#looks.splice(0)) look()
  }

  /** Nothing more will come. */
  over(): void {
    this.#isOver = true
    this.stir()
  }

  /** Resolves with what `look` finds. Rejects when the connection ends first, or nothing comes. */
  for<T>(what: string, look: () => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`nothing came for: ${what}`)), patience)
      const step = (): void => {
        const found = look()
        if (found === undefined && !this.#isOver) return void this.#looks.push(step)
        clearTimeout(late)
        if (found === undefined) reject(new Error(`the connection ended; awaited: ${what}`))
        else resolve(found)
      }
      step()
    })
  }
}
