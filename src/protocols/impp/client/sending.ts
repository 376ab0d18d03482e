// By which of its connections a client sends (IMPP §12, D42; docs/specs/impp-1.0.md §8.5): what is long goes by a second one, so that
// what is short need not wait behind it. Two messages to one person never overtake each other.

import { randomId, utf8 } from '#base'
import { parseAddress } from '#model'
import { addressOfUrl } from '../codec/index.ts'
import type { Outgoing, SendResult } from './impp-session.ts'
import type { Run } from './own-lists.ts'
import type { SecondConnection } from './second-connection.ts'

/** From so many octets of what it says a message goes by a connection of its own. */
export const largeOctets = 65_536

/** What is under way to one person. */
interface Lane {
  /** The second connection, once something long was under way; until nothing is. */
  second: boolean
  /** Settled when all that went before by the first connection is answered. */
  before: Promise<unknown> | undefined
  readonly underWay: Set<Promise<unknown>>
}

export class Sending {
  readonly #first: Run
  readonly #second: SecondConnection | undefined
  readonly #lanes = new Map<string, Lane>()

  /** @param second undefined: all goes by the first */
  constructor(first: Run, second: SecondConnection | undefined) {
    this.#first = first
    this.#second = second
  }

  send(outgoing: Outgoing, signal: AbortSignal | undefined): Promise<SendResult> {
    // One act of sending, by whatever connections (docs/specs/impp-1.0.md §7.5).
    const transmission = randomId()
    const by = (run: Run): Promise<SendResult> =>
      run((session) => session.send(outgoing, transmission), signal)
    const second = this.#second
    if (second === undefined) return by(this.#first)
    const lane = this.#laneTo(outgoing.to)
    if (!lane.second && octetsOf(outgoing) >= largeOctets) {
      lane.second = true
      if (lane.underWay.size > 0) lane.before = Promise.allSettled(lane.underWay)
    }
    const sending = !lane.second
      ? by(this.#first)
      : lane.before === undefined
        ? by(second.run)
        : lane.before.then(() => by(second.run))
    this.#count(outgoing.to, lane, sending)
    return sending
  }

  #laneTo(to: string): Lane {
    const lane = this.#lanes.get(keyOf(to))
    return lane ?? { second: false, before: undefined, underWay: new Set() }
  }

  #count(to: string, lane: Lane, sending: Promise<unknown>): void {
    const key = keyOf(to)
    const gone = (): void => {
      lane.underWay.delete(sending)
      if (lane.underWay.size === 0 && this.#lanes.get(key) === lane) this.#lanes.delete(key)
    }
    this.#lanes.set(key, lane)
    lane.underWay.add(sending)
    sending.then(gone, gone)
  }
}

function keyOf(to: string): string {
  return (addressOfUrl(to) ?? parseAddress(to))?.key ?? to
}

function octetsOf({ body = [], content }: Outgoing): number {
  let octets = content?.bytes.length ?? 0
  // No character takes more than three octets of a unit of its own: few texts need counting.
  for (const { text } of body) octets += text.length * 3 < largeOctets ? text.length : utf8(text).length
  return octets
}
