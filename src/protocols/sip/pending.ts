// How many things of one person are under way. What waits for others must not fill what all share.

export class Pending {
  readonly #counts = new Map<string, number>()

  /** @param key whose it is */
  count(key: string): number {
    return this.#counts.get(key) ?? 0
  }

  enter(key: string): void {
    this.#counts.set(key, this.count(key) + 1)
  }

  leave(key: string): void {
    const count = this.count(key) - 1
    if (count > 0) this.#counts.set(key, count)
    else this.#counts.delete(key)
  }
}
