// How many connections from each source have not proven anything yet.
import { sourceOf } from '#net'

export class Strangers {
  readonly #counts = new Map<string, number>()

  /** LIMIT: one more from there is one of few; undefined when it is too many. Else what takes it out of the count, once. */
  admit(address: string, perSourceMax: number): (() => void) | undefined {
    const source = sourceOf(address)
    const others = this.#counts.get(source) ?? 0
    if (others >= perSourceMax) return undefined
    this.#counts.set(source, others + 1)
    let isCounted = true
    return () => {
      if (!isCounted) return
      isCounted = false
      const left = (this.#counts.get(source) ?? 1) - 1
      if (left === 0) this.#counts.delete(source)
      else this.#counts.set(source, left)
    }
  }
}
