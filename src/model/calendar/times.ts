// The times of a day, or of an hour or minute, at which a recurrence rule repeats: each combination of the hours, minutes and seconds that it
// names. There may be 86,400 of them, so that they are counted, not listed. Pure.

export class RuleTimes {
  readonly #hours: readonly number[]
  readonly #minutes: readonly number[]
  readonly #seconds: readonly number[]

  /** Ascending lists without doubles. */
  constructor(hours: readonly number[], minutes: readonly number[], seconds: readonly number[]) {
    this.#hours = hours
    this.#minutes = minutes
    this.#seconds = seconds
  }

  get length(): number {
    return this.#hours.length * this.#minutes.length * this.#seconds.length
  }

  /** The one at a place in their order, in seconds. */
  at(index: number): number {
    const second = this.#seconds[index % this.#seconds.length] as number
    const rest = Math.floor(index / this.#seconds.length)
    const minute = this.#minutes[rest % this.#minutes.length] as number
    return (this.#hours[Math.floor(rest / this.#minutes.length)] as number) * 3600 + minute * 60 + second
  }

  /** The last that is not after `bound`; undefined where all are. */
  upTo(bound: number): number | undefined {
    for (let h = this.#hours.length - 1; h >= 0; h--) {
      const hour = (this.#hours[h] as number) * 3600
      if (hour > bound) continue
      for (let m = this.#minutes.length - 1; m >= 0; m--) {
        const minute = hour + (this.#minutes[m] as number) * 60
        if (minute > bound) continue
        for (let s = this.#seconds.length - 1; s >= 0; s--) {
          const time = minute + (this.#seconds[s] as number)
          if (time <= bound) return time
        }
      }
    }
    return undefined
  }
}
