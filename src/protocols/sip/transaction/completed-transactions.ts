// Server transactions over UDP that have given their final answer and wait only for retransmissions of their request (Completed,
// RFC 3261 §17.2.2): 32 seconds of all that was answered, most of what a busy server remembers. Hot: each is a few numbers in a ring
// and its octets in a slab, so that the collector has nothing to move or to mark (as objects they were a third of all CPU time). All
// wait equally long, so that the oldest is always the next to go.

import type { Clock, Timer } from '#base'
import type { Flow } from '../flow.ts'
import type { KeyHash } from './key-table.ts'

/** LIMIT: octets of keys and responses that are kept; past it the oldest go. */
const octetsMax = 64 * 1024 * 1024
const slabOctets = 256 * 1024
/** Milliseconds between looks at what is over: Timer J may fire as late as this. */
const lookEvery = 100

interface Slab {
  readonly octets: Buffer
  live: number
}

/** Which transactions have one hash: chains of slots, by the number of the slot plus one. */
class Chains {
  readonly #buckets: Int32Array
  readonly #next: Int32Array
  readonly #hashes: Int32Array

  constructor(slots: number) {
    this.#buckets = new Int32Array(slots * 2)
    this.#next = new Int32Array(slots)
    this.#hashes = new Int32Array(slots)
  }

  add(slot: number, hash: number): void {
    const bucket = hash & (this.#buckets.length - 1)
    this.#hashes[slot] = hash
    this.#next[slot] = this.#buckets[bucket]!
    this.#buckets[bucket] = slot + 1
  }

  remove(slot: number): void {
    const bucket = this.#hashes[slot]! & (this.#buckets.length - 1)
    let at = this.#buckets[bucket]!
    if (at === slot + 1) {
      this.#buckets[bucket] = this.#next[slot]!
      return
    }
    // It is the oldest, and so the last of its chain.
    while (at !== 0 && this.#next[at - 1] !== slot + 1) at = this.#next[at - 1]!
    if (at !== 0) this.#next[at - 1] = this.#next[slot]!
  }

  /** The first slot of that hash, or the next one after `before`; -1 when there is none. */
  find(hash: number, before = -1): number {
    let at = before < 0 ? this.#buckets[hash & (this.#buckets.length - 1)]! : this.#next[before]!
    while (at !== 0 && this.#hashes[at - 1] !== hash) at = this.#next[at - 1]!
    return at - 1
  }

  hashAt(slot: number): number {
    return this.#hashes[slot]!
  }
}

export class CompletedTransactions {
  readonly #clock: Clock
  readonly #lifetime: number
  readonly #hash: KeyHash
  #capacity = 256
  #oldest = 0
  #count = 0
  #octets = 0
  #due = new Float64Array(this.#capacity)
  /** Where in its slab each begins, and the lengths of its two keys and its response, which stand there in this order. */
  #places = new Int32Array(this.#capacity * 4)
  #slabs: (Slab | undefined)[] = new Array(this.#capacity).fill(undefined)
  #flows: (Flow | undefined)[] = new Array(this.#capacity).fill(undefined)
  #keys = new Chains(this.#capacity)
  #merges = new Chains(this.#capacity)
  #slab: Slab = { octets: Buffer.allocUnsafeSlow(slabOctets), live: 0 }
  #slabAt = 0
  #timer: Timer | undefined

  /** @param lifetime milliseconds of Timer J */
  constructor(clock: Clock, lifetime: number, hash: KeyHash) {
    this.#clock = clock
    this.#hash = hash
    this.#lifetime = lifetime
  }

  get size(): number {
    return this.#count
  }

  /** @param mergeKey '' for what cannot come by two ways (RFC 3261 §8.2.2.2 is for requests without a To tag) */
  add(key: string, mergeKey: string, flow: Flow, response: Uint8Array): void {
    const length = key.length + mergeKey.length + response.length
    while (this.#count > 0 && this.#octets + length > octetsMax) this.dropOldest()
    if (this.#count === this.#capacity) this.#grow()
    const slot = (this.#oldest + this.#count++) & (this.#capacity - 1)
    const at = this.#room(length)
    const { octets } = this.#slab
    octets.write(key, at, 'latin1')
    if (mergeKey !== '') octets.write(mergeKey, at + key.length, 'latin1')
    octets.set(response, at + key.length + mergeKey.length)
    this.#octets += length
    this.#slabs[slot] = this.#slab
    this.#flows[slot] = flow
    this.#due[slot] = this.#clock.monotonic() + this.#lifetime
    this.#places[slot * 4] = at
    this.#places[slot * 4 + 1] = key.length
    this.#places[slot * 4 + 2] = mergeKey.length
    this.#places[slot * 4 + 3] = response.length
    this.#keys.add(slot, this.#hash.of(key))
    if (mergeKey !== '') this.#merges.add(slot, this.#hash.of(mergeKey))
    if (this.#timer === undefined) this.#wait()
  }

  /** The request came again: its response is sent again. False when there is no such transaction. */
  repeated(key: string): boolean {
    if (this.#count === 0) return false
    const hash = this.#hash.of(key)
    for (let slot = this.#keys.find(hash); slot >= 0; slot = this.#keys.find(hash, slot)) {
      const place = slot * 4
      const at = this.#places[place]!
      if (!this.#isAt(slot, at, this.#places[place + 1]!, key)) continue
      const start = at + this.#places[place + 1]! + this.#places[place + 2]!
      const response = this.#slabs[slot]!.octets.subarray(start, start + this.#places[place + 3]!)
      this.#flows[slot]!.send(Buffer.from(response))
      return true
    }
    return false
  }

  /** True when a request of this From tag, Call-ID, CSeq and method was answered (RFC 3261 §8.2.2.2). */
  hasMerge(mergeKey: string): boolean {
    if (this.#count === 0) return false
    const hash = this.#hash.of(mergeKey)
    for (let slot = this.#merges.find(hash); slot >= 0; slot = this.#merges.find(hash, slot)) {
      const place = slot * 4
      const at = this.#places[place]! + this.#places[place + 1]!
      if (this.#isAt(slot, at, this.#places[place + 2]!, mergeKey)) return true
    }
    return false
  }

  dropOldest(): void {
    const slot = this.#oldest
    const slab = this.#slabs[slot]!
    const place = slot * 4
    this.#octets -= this.#places[place + 1]! + this.#places[place + 2]! + this.#places[place + 3]!
    this.#keys.remove(slot)
    if (this.#places[place + 2] !== 0) this.#merges.remove(slot)
    this.#slabs[slot] = undefined
    this.#flows[slot] = undefined
    this.#oldest = (slot + 1) & (this.#capacity - 1)
    this.#count--
    if (--slab.live === 0 && slab === this.#slab) this.#slabAt = 0
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    while (this.#count > 0) this.dropOldest()
  }

  #isAt(slot: number, at: number, length: number, text: string): boolean {
    return length === text.length && this.#slabs[slot]!.octets.toString('latin1', at, at + length) === text
  }

  /** Where `length` octets may be written in the newest slab. */
  #room(length: number): number {
    if (this.#slabAt + length > this.#slab.octets.length) {
      this.#slab = { octets: Buffer.allocUnsafeSlow(Math.max(slabOctets, length)), live: 0 }
      this.#slabAt = 0
    }
    this.#slab.live++
    const at = this.#slabAt
    this.#slabAt += length
    return at
  }

  /** Twice as many slots, those in use moved to the front in their order. */
  #grow(): void {
    const before = this.#capacity
    const [due, places, slabs, flows] = [this.#due, this.#places, this.#slabs, this.#flows]
    const [keys, merges] = [this.#keys, this.#merges]
    this.#capacity = before * 2
    this.#due = new Float64Array(this.#capacity)
    this.#places = new Int32Array(this.#capacity * 4)
    this.#slabs = new Array(this.#capacity).fill(undefined)
    this.#flows = new Array(this.#capacity).fill(undefined)
    this.#keys = new Chains(this.#capacity)
    this.#merges = new Chains(this.#capacity)
    for (let i = 0; i < this.#count; i++) {
      const from = (this.#oldest + i) & (before - 1)
      this.#due[i] = due[from]!
      this.#places.set(places.subarray(from * 4, from * 4 + 4), i * 4)
      this.#slabs[i] = slabs[from]
      this.#flows[i] = flows[from]
      this.#keys.add(i, keys.hashAt(from))
      if (this.#places[i * 4 + 2] !== 0) this.#merges.add(i, merges.hashAt(from))
    }
    this.#oldest = 0
  }

  #wait(): void {
    const left = this.#due[this.#oldest]! - this.#clock.monotonic()
    this.#timer = this.#clock.schedule(Math.max(left, lookEvery), () => {
      this.#timer = undefined
      const now = this.#clock.monotonic()
      while (this.#count > 0 && this.#due[this.#oldest]! <= now) this.dropOldest()
      if (this.#count > 0) this.#wait()
    })
  }
}
