// What is under way, by key. Hot, and not a Map: a Map that things come to and leave at once makes itself anew every few hundred of them,
// each old table keeps what was in it and points to the next one, and once the collector has moved one such table to the old space, all
// that was ever in its successors stays until the whole heap is swept. Here nothing that has left points to anything.

import { randomBelow } from '#base'

/** Hashes of keys that strangers choose, by numbers that they do not know, so that nobody can make many keys of one hash. */
export class KeyHash {
  readonly #seed = randomBelow(0x7fffffff)
  readonly #factor = randomBelow(0x7fffffff) | 1
  #text = ''
  #hash = 0

  of(text: string): number {
    if (text === this.#text) return this.#hash
    let hash = this.#seed
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), this.#factor)
    // The low bits choose the bucket, and a product's low bits know nothing of high ones.
    this.#hash = hash ^ (hash >>> 15)
    this.#text = text
    return this.#hash
  }
}

interface Entry<T> {
  readonly key: string
  readonly hash: number
  value: T | undefined
  /** The next one in its bucket. */
  next: Entry<T> | undefined
  /** The ones that came before and after it. */
  older: Entry<T> | undefined
  newer: Entry<T> | undefined
}

export class KeyTable<T> {
  readonly #hash: KeyHash
  #buckets: (Entry<T> | undefined)[] = new Array(64).fill(undefined)
  #size = 0
  #oldest: Entry<T> | undefined
  #newest: Entry<T> | undefined

  constructor(hash: KeyHash) {
    this.#hash = hash
  }

  get size(): number {
    return this.#size
  }

  get(key: string): T | undefined {
    const hash = this.#hash.of(key)
    let entry = this.#buckets[hash & (this.#buckets.length - 1)]
    while (entry !== undefined && (entry.hash !== hash || entry.key !== key)) entry = entry.next
    return entry?.value
  }

  /** Adds what is not there yet. */
  add(key: string, value: T): void {
    if (this.#size === this.#buckets.length) this.#grow()
    const hash = this.#hash.of(key)
    const bucket = hash & (this.#buckets.length - 1)
    const older = this.#newest
    const entry: Entry<T> = { key, hash, value, next: this.#buckets[bucket], older, newer: undefined }
    this.#buckets[bucket] = entry
    if (older === undefined) this.#oldest = entry
    else older.newer = entry
    this.#newest = entry
    this.#size++
  }

  /** Takes `value` out; nothing happens where the key is another's. */
  remove(key: string, value: T): void {
    const hash = this.#hash.of(key)
    const bucket = hash & (this.#buckets.length - 1)
    let before: Entry<T> | undefined
    let entry = this.#buckets[bucket]
    while (entry !== undefined && (entry.hash !== hash || entry.key !== key)) {
      before = entry
      entry = entry.next
    }
    if (entry === undefined || entry.value !== value) return
    if (before === undefined) this.#buckets[bucket] = entry.next
    else before.next = entry.next
    this.#unlink(entry)
    this.#size--
  }

  /** Those that are there now, oldest first; they may be taken out meanwhile. */
  all(max = this.#size): T[] {
    const values: T[] = []
    for (let entry = this.#oldest; entry !== undefined && values.length < max; entry = entry.newer)
      values.push(entry.value as T)
    return values
  }

  #unlink(entry: Entry<T>): void {
    const { older, newer } = entry
    if (older === undefined) this.#oldest = newer
    else older.newer = newer
    if (newer === undefined) this.#newest = older
    else newer.older = older
    entry.value = undefined
    entry.next = undefined
    entry.older = undefined
    entry.newer = undefined
  }

  #grow(): void {
    this.#buckets = new Array(this.#buckets.length * 2).fill(undefined)
    for (let entry = this.#oldest; entry !== undefined; entry = entry.newer) {
      const bucket = entry.hash & (this.#buckets.length - 1)
      entry.next = this.#buckets[bucket]
      this.#buckets[bucket] = entry
    }
  }
}
