// A first-in, first-out queue that refuses to grow past its limit.

/** LIMIT: holds at most `limit` items; `push` answers false when it is full. Both ends cost O(1). */
export class BoundedQueue<T> {
  readonly limit: number
  #items: (T | undefined)[] = []
  #head = 0

  constructor(limit: number) {
    this.limit = limit
  }

  get length(): number {
    return this.#items.length - this.#head
  }

  /** Adds at the end; false when the queue is full and the item was not taken. */
  push(item: T): boolean {
    if (this.length >= this.limit) return false
    this.#items.push(item)
    return true
  }

  /** Takes the oldest item, or undefined when there is none. */
  shift(): T | undefined {
    if (this.#head === this.#items.length) return undefined
    const item = this.#items[this.#head]
    this.#items[this.#head++] = undefined
    if (this.#head === this.#items.length) {
      this.#items = []
      this.#head = 0
    } else if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return item
  }
}
