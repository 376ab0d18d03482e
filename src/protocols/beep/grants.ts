// Which channels may hold a message that is larger than a window while it comes. The octets of all of them together are
// bounded: who comes later waits, with the window closed, until one of the earlier messages is complete. None waits for one that waits.

import type { BeepChannel } from './channel.ts'

export class Grants {
  readonly #holders = new Set<BeepChannel>()
  readonly #waiting = new Set<BeepChannel>()
  readonly #max: number

  /** LIMIT: messages of `messageOctets` that fit into `octets`; one at least. */
  constructor(octets: number, messageOctets: number) {
    this.#max = Math.max(1, Math.floor(octets / messageOctets))
  }

  take(channel: BeepChannel): boolean {
    if (this.#holders.has(channel)) return true
    if (this.#holders.size >= this.#max) {
      this.#waiting.add(channel)
      return false
    }
    this.#waiting.delete(channel)
    this.#holders.add(channel)
    return true
  }

  giveBack(channel: BeepChannel): void {
    this.#waiting.delete(channel)
    if (!this.#holders.delete(channel)) return
    const [next] = this.#waiting
    if (next === undefined) return
    this.#waiting.delete(next)
    next.openWindow()
  }

  clear(): void {
    this.#holders.clear()
    this.#waiting.clear()
  }
}
