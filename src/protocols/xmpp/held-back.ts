// What a client that nobody looks at can do without for now (XEP-0352 §3.2): of presence and chat states the newest of each kind and sender.
import type { Bytes } from '#base'

/** LIMIT: stanzas held back for a client; past it all are sent. */
export const heldBackMax = 1000
/** LIMIT: their octets. */
export const heldBackOctetsMax = 512 * 1024

export class HeldBack {
  readonly #stanzas = new Map<string, Bytes>()
  #octets = 0

  /** @param key whatever has the same is replaced. Answers false when there is no room. */
  put(key: string, bytes: Bytes): boolean {
    const older = this.#stanzas.get(key)
    const octets = this.#octets - (older?.length ?? 0) + bytes.length
    if (octets > heldBackOctetsMax || (older === undefined && this.#stanzas.size >= heldBackMax)) return false
    // The order is that of the newest.
    this.#stanzas.delete(key)
    this.#stanzas.set(key, bytes)
    this.#octets = octets
    return true
  }

  takeAll(): readonly Bytes[] {
    const all = [...this.#stanzas.values()]
    this.#stanzas.clear()
    this.#octets = 0
    return all
  }
}
