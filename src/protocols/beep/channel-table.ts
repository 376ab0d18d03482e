// The channels of a session by number (RFC 3080 §2.3.1.2): odd numbers are the initiator's to give, even ones the listener's.

import type { BeepChannel } from './channel.ts'
import { number31Max } from './codec/index.ts'
import type { Role } from './profile.ts'

/** LIMIT: numbers of channels that were closed lately. */
const closedLatelyMax = 64

export class ChannelTable {
  readonly #channels = new Map<number, BeepChannel>()
  readonly #closedLately = new Set<number>()
  readonly #first: number
  #next: number

  constructor(role: Role) {
    this.#first = role === 'initiator' ? 1 : 2
    this.#next = this.#first
  }

  /** All, channel 0 too. */
  get all(): Iterable<BeepChannel> {
    return this.#channels.values()
  }

  /** All but channel 0. */
  get started(): BeepChannel[] {
    return [...this.#channels.values()].filter(({ number }) => number !== 0)
  }

  get(number: number): BeepChannel | undefined {
    return this.#channels.get(number)
  }

  add(channel: BeepChannel): void {
    this.#channels.set(channel.number, channel)
    this.#closedLately.delete(channel.number)
  }

  remove({ number }: BeepChannel): void {
    this.#channels.delete(number)
    this.#closedLately.add(number)
    const [oldest] = this.#closedLately
    if (this.#closedLately.size > closedLatelyMax) this.#closedLately.delete(oldest as number)
  }

  /** Whether a SEQ for it may have left before our `ok` to its close arrived (decision 0110). */
  wasClosedLately(number: number): boolean {
    return this.#closedLately.has(number)
  }

  /** A number of ours that no channel has. */
  freeNumber(): number {
    while (this.#channels.has(this.#next)) this.#advance()
    const number = this.#next
    this.#advance()
    return number
  }

  /** Ends and forgets all of them. */
  finish(why: 'closed' | 'lost' | 'reset'): void {
    const channels = [...this.#channels.values()]
    this.#channels.clear()
    this.#closedLately.clear()
    this.#next = this.#first
    for (const channel of channels) channel.finish(why)
  }

  #advance(): void {
    this.#next = this.#next + 2 > number31Max ? this.#first : this.#next + 2
  }
}
