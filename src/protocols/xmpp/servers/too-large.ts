// A server that tells no limit (XEP-0478) and ends the stream over a stanza that is too large for it: the relay would offer that one again, and the
// next stream end over it, and so on, with all that waits behind it.
import type { Head } from '#model'
import type { SentStanza } from '../unacknowledged.ts'
import { isSame } from './lapsed.ts'

/** RFC 6120 §13.12: a limit "MUST NOT be smaller than 10000 bytes": nothing that is smaller is to blame. */
const blamableOctets = 10_000

/** How often a stanza may have ended a stream before it is refused to its sender. */
const triesMax = 2

/** LIMIT: stanzas of one pair of domains that are remembered; past it the first is forgotten. */
const suspectsMax = 100

/** What servers say when a stanza is too large, as far as they say anything. */
const ofSize = /^(policy-violation|resource-constraint)\b/

/** The stanza over which the other side has ended the stream, if it was one of those: the largest that it had not taken. */
export function suspectIn(error: string, given: readonly SentStanza[]): Head | undefined {
  if (!ofSize.test(error)) return undefined
  let largest: SentStanza | undefined
  for (const sent of given) if (sent.bytes.length > (largest?.bytes.length ?? 0)) largest = sent
  return largest !== undefined && largest.bytes.length >= blamableOctets ? largest.head : undefined
}

export class Suspects {
  #suspects: { readonly head: Head; tries: number }[] = []

  get isEmpty(): boolean {
    return this.#suspects.length === 0
  }

  blame(head: Head): void {
    const known = this.#suspects.find((one) => isSame(one.head, head))
    if (known !== undefined) known.tries++
    else this.#suspects.push({ head, tries: 1 })
    if (this.#suspects.length > suspectsMax) this.#suspects.shift()
  }

  /** True, once, for one that has ended streams often enough. */
  isConvicted(head: Head): boolean {
    const at = this.#suspects.findIndex((one) => one.tries >= triesMax && isSame(one.head, head))
    if (at < 0) return false
    this.#suspects.splice(at, 1)
    return true
  }

  /** The other side has it: it was not to blame. */
  acquit(head: Head): void {
    this.#suspects = this.#suspects.filter((one) => !isSame(one.head, head))
  }
}
