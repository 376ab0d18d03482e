// A connection is a lease renewed by any octet; we ping at half of it (RFC 6120 §4.6.3, §4.6.4). One timer, no work an octet.
import type { Lease, Service } from '#core'

export class Idleness {
  readonly #service: Service
  readonly #seconds: number
  readonly #lastReceived: () => number
  readonly #ping: () => void
  readonly #gone: () => void
  #lease: Lease
  /** What `lastReceived` was when we pinged: one silence is pinged once, each anew. */
  #pingedAfter = Number.NaN

  /**
   * @param seconds how long the far end may say nothing
   * @param lastReceived monotonic milliseconds of its last octet
   */
  constructor(parts: {
    readonly service: Service
    readonly seconds: number
    readonly lastReceived: () => number
    readonly ping: () => void
    readonly gone: () => void
  }) {
    this.#service = parts.service
    this.#seconds = parts.seconds
    this.#lastReceived = parts.lastReceived
    this.#ping = parts.ping
    this.#gone = parts.gone
    this.#lease = this.#lookIn(this.#seconds / 2)
  }

  stop(): void {
    this.#lease.cancel()
  }

  #lookIn(seconds: number): Lease {
    return this.#service.leases.grant(seconds, () => this.#look())
  }

  #look(): void {
    const idle = (this.#service.clock.monotonic() - this.#lastReceived()) / 1000
    if (idle >= this.#seconds) return this.#gone()
    if (idle < this.#seconds / 2) {
      this.#lease = this.#lookIn(this.#seconds / 2 - idle)
      return
    }
    const last = this.#lastReceived()
    if (this.#pingedAfter !== last) this.#ping()
    this.#pingedAfter = last
    this.#lease = this.#lookIn(this.#seconds - idle)
  }
}
