// What a stream writes to a server that may read slowly: up to what a connection should hold, the rest when there is room again, in order.
import type { Bytes } from '#base'
import type { StreamOctets } from './octets.ts'

interface Waiting {
  readonly bytes: Bytes
  readonly onWritten: (() => void) | undefined
}

export class Outflow {
  readonly #octets: StreamOctets
  /** The connection holds enough: until it has drained nothing more is given to it. */
  #isFull = false
  /** What is put now stands behind what waits. */
  #isDraining = false
  readonly #waiting: Waiting[] = []
  #waitingOctets = 0
  /** Of what the full connection holds. */
  readonly #held: (() => void)[] = []

  constructor(octets: StreamOctets) {
    this.#octets = octets
  }

  /** Whether what is put now waits for the other side to read. */
  get isFull(): boolean {
    return this.#isFull
  }

  /** Of what waits for it. */
  get octets(): number {
    return this.#waitingOctets
  }

  get length(): number {
    return this.#waiting.length + this.#held.length
  }

  /** In the order of the calls. `onWritten`: it is on its way, and no more is held than the connection should. */
  put(bytes: Bytes, onWritten?: () => void): void {
    if (!this.#isFull && !this.#isDraining) return this.#write({ bytes, onWritten })
    this.#waiting.push({ bytes, onWritten })
    this.#waitingOctets += bytes.length
  }

  /** The connection has written all that it held. */
  drained(): void {
    this.#isFull = false
    this.#isDraining = true
    for (const onWritten of this.#held.splice(0)) onWritten()
    let count = 0
    while (count < this.#waiting.length && !this.#isFull) {
      const next = this.#waiting[count++] as Waiting
      this.#waitingOctets -= next.bytes.length
      this.#write(next)
    }
    this.#waiting.splice(0, count)
    this.#isDraining = false
  }

  #write({ bytes, onWritten }: Waiting): void {
    this.#isFull = !this.#octets.write(bytes)
    if (onWritten === undefined) return
    if (this.#isFull) this.#held.push(onWritten)
    else onWritten()
  }
}
