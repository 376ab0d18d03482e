// Octets of a stream that wait to become a unit. Units in one chunk are found in place; one that trickles in is gathered once,
// in a buffer that doubles.

import { type Bytes, noBytes } from '#base'

export class Gatherer {
  /** What is held lies in it from `start` to `end`: a chunk on loan, or a buffer of ours. */
  bytes: Bytes = noBytes
  start = 0
  end = 0
  /** True while `bytes` is a buffer of ours, not a chunk on loan. */
  #isOwn = false

  /** Octets held. */
  get length(): number {
    return this.end - this.start
  }

  push(chunk: Bytes): void {
    if (this.length > 0) return this.#gather(chunk)
    this.bytes = chunk
    this.#isOwn = false
    this.start = 0
    this.end = chunk.length
  }

  /** What is left of a chunk on loan is copied now, while the loan lasts. */
  keep(): void {
    if (!this.#isOwn) this.#gather(noBytes)
  }

  /** An idle connection holds no buffer, neither ours nor the one it was read into. */
  release(): void {
    this.bytes = noBytes
    this.start = 0
    this.end = 0
  }

  #gather(chunk: Bytes): void {
    const held = this.length
    if (!this.#isOwn || this.end + chunk.length > this.bytes.length) {
      const grown = new Uint8Array(Math.max(512, (held + chunk.length) * 2))
      grown.set(this.bytes.subarray(this.start, this.end))
      this.bytes = grown
      this.#isOwn = true
      this.start = 0
      this.end = held
    }
    this.bytes.set(chunk, this.end)
    this.end += chunk.length
  }
}
