// What a client was sent and has not acknowledged (XEP-0198 §4): each stanza's octets once, and what becomes of it.
import { type Bytes, concat, utf8 } from '#base'
import type { DeliveryAnswer } from '#core'
import type { Head } from '#model'
import { escapeValue } from '#wire/xml'
import { delayNamespace } from './codec/namespaces.ts'

export interface SentStanza {
  readonly bytes: Bytes
  /** Milliseconds since the epoch. */
  readonly at: number
  /** Of a message that the core offered: the second word about it. */
  readonly answer: ((answer: DeliveryAnswer) => void) | undefined
  /** Called when it is given up, where somebody else must hear of that. */
  readonly onLost: (() => void) | undefined
  /** True for a message that bears no stamp of ours. */
  readonly isStampable: boolean
  /** Of a message that is offered again if it is given back. */
  readonly head?: Head | undefined
}

/** Shifts without moving the rest each time. */
const compactAt = 256

export class Unacknowledged {
  #queue: SentStanza[] = []
  #first = 0
  #sent: number
  octets = 0

  constructor(start = 0) {
    this.#sent = start
  }

  get length(): number {
    return this.#queue.length - this.#first
  }

  /** All that was sent since stream management was enabled, modulo 2^32. */
  get sent(): number {
    return this.#sent
  }

  push(stanza: SentStanza): void {
    this.#queue.push(stanza)
    this.#sent = (this.#sent + 1) >>> 0
    this.octets += stanza.bytes.length
  }

  /** True when `h` is between what was acknowledged and what was sent. */
  isPossible(h: number): boolean {
    return (this.#sent - h) >>> 0 <= this.length
  }

  /** Forgets what is acknowledged by an `h` that is possible; answers what that was. */
  acknowledge(h: number): readonly SentStanza[] {
    const left = (this.#sent - h) >>> 0
    const acknowledged = this.#queue.slice(this.#first, this.#queue.length - left)
    this.#first += acknowledged.length
    for (const { bytes } of acknowledged) this.octets -= bytes.length
    if (this.#first >= compactAt || this.#first === this.#queue.length) {
      this.#queue.splice(0, this.#first)
      this.#first = 0
    } else this.#queue.fill(undefined as unknown as SentStanza, 0, this.#first)
    return acknowledged
  }

  /** All that is left, oldest first. */
  all(): readonly SentStanza[] {
    return this.#queue.slice(this.#first)
  }

  /** The same, which is forgotten. */
  takeAll(): readonly SentStanza[] {
    const all = this.all()
    this.#queue = []
    this.#first = 0
    this.octets = 0
    return all
  }
}

/** XEP-0203 §4, XEP-0198 §4: a message that is sent late says when it came. */
export function stamped(stanza: SentStanza, domain: string): Bytes {
  const { bytes } = stanza
  const stamp = new Date(stanza.at).toISOString()
  const delay = `<delay xmlns='${delayNamespace}' from='${escapeValue(domain)}' stamp='${stamp}'/>`
  const slash = bytes.length - 2
  if (bytes[slash] === 0x2f) {
    let nameEnd = 1
    while (nameEnd < slash && (bytes[nameEnd] as number) > 0x20) nameEnd++
    return concat([bytes.subarray(0, slash), utf8(`>${delay}</`), bytes.subarray(1, nameEnd), utf8('>')])
  }
  const endTag = bytes.lastIndexOf(0x3c)
  return concat([bytes.subarray(0, endTag), utf8(delay), bytes.subarray(endTag)])
}
