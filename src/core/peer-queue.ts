// What waits for another domain, as memory knows it: how much, since when the domain does not answer, when it is tried again. The
// units themselves are in the store.
import type { Timer } from '#base'
import type { Condition } from '#model'
import type { QueuedUnit } from './store.ts'

/** How long what can't be handed on is kept and how often it is tried; times in milliseconds. */
export interface RelayPolicy {
  /** The first wait after a failure; each later one is twice as long. */
  readonly retryFirst: number
  readonly retryMax: number
  /** How long a message waits; past it its sender is told that it failed. */
  readonly expiry: number
  /** LIMIT: messages that may wait for one domain, for all together, and of one sender for all. */
  readonly queueLengthMax: number
  readonly queuesLengthMax: number
  readonly senderLengthMax: number
  /** LIMIT: their octets. */
  readonly queueOctetsMax: number
  readonly queuesOctetsMax: number
  readonly senderOctetsMax: number
}

export const relayDefaults: RelayPolicy = {
  retryFirst: 5_000,
  retryMax: 300_000,
  expiry: 3 * 24 * 3600 * 1000,
  queueLengthMax: 10_000,
  queuesLengthMax: 100_000,
  senderLengthMax: 1000,
  queueOctetsMax: 256 * 1024 * 1024,
  queuesOctetsMax: 1024 * 1024 * 1024,
  senderOctetsMax: 16 * 1024 * 1024,
}

interface Amount {
  units: number
  octets: number
}

/** All queues together. */
export class Tally {
  readonly all: Amount = { units: 0, octets: 0 }
  /** Of each sender, as far as it wrote since the start: what waited before counts for the queues alone. */
  readonly #senders = new Map<string, Amount>()

  of(sender: string): Amount {
    return this.#senders.get(sender) ?? { units: 0, octets: 0 }
  }

  add(sender: string, units: number, octets: number): void {
    const amount = this.of(sender)
    amount.units += units
    amount.octets += octets
    if (amount.units > 0) this.#senders.set(sender, amount)
    else this.#senders.delete(sender)
  }
}

/** What is to be stored once it is known what becomes of those before it. */
export interface Held {
  /** The order in which they were sent. */
  readonly ordinal: number
  readonly store: () => void
}

export class PeerQueue {
  readonly domain: string
  /** Why it can't be handed on. */
  condition: Condition
  /** Tries without success since the last success. */
  failures = 0
  timer: Timer | undefined
  /** Milliseconds since the epoch of the next try, while one is set. */
  nextTry: number | undefined
  /** The hand-over, or the dropping, that is under way. */
  busy: Promise<void> | undefined
  /** The domain was heard of again while the hand-over was under way: what has come back is tried at once. */
  heardOf = false
  /** True while a drop waits for the hand-over to end. */
  halted = false
  /** Done with, though the store could not take them out: they must not be offered again. */
  readonly done = new Set<number>()
  /** What no protocol here can revive: it waits for one that can, or its expiry. */
  readonly stuck = new Set<number>()
  /** What waits in memory until what was given to the link before it is settled; each is counted. */
  readonly held: Held[] = []
  /** Done with in this turn: they leave the store at its end. */
  readonly leaving: { readonly unit: QueuedUnit; readonly resolve: () => void }[] = []
  readonly #tally: Tally
  #length = 0
  #octets = 0

  constructor(domain: string, condition: Condition, tally: Tally) {
    this.domain = domain
    this.condition = condition
    this.#tally = tally
  }

  get length(): number {
    return this.#length
  }

  get octets(): number {
    return this.#octets
  }

  /** True when something is left that can be offered. */
  get hasWork(): boolean {
    return this.#length > this.stuck.size + this.done.size + this.held.length
  }

  /** Whether one more of that sender and size may wait. */
  hasRoom(sender: string, octets: number, policy: RelayPolicy): boolean {
    const { all } = this.#tally
    const own = this.#tally.of(sender)
    return (
      this.#length < policy.queueLengthMax &&
      all.units < policy.queuesLengthMax &&
      own.units < policy.senderLengthMax &&
      this.#octets + octets <= policy.queueOctetsMax &&
      all.octets + octets <= policy.queuesOctetsMax &&
      own.octets + octets <= policy.senderOctetsMax
    )
  }

  /** What waits since before the start. */
  grow(units: number, octets: number): void {
    this.#length += units
    this.#octets += octets
    this.#tally.all.units += units
    this.#tally.all.octets += octets
  }

  /** A unit of the sender begins to wait, or does so no longer. */
  count(sender: string, units: 1 | -1, octets: number): void {
    this.grow(units, units * octets)
    this.#tally.add(sender, units, units * octets)
  }

  /** A unit was taken out of the store. */
  taken(sequence: number, sender: string, octets: number): void {
    this.done.delete(sequence)
    this.stuck.delete(sequence)
    this.count(sender, -1, octets)
  }

  /** Stores what was held, in the order in which it was sent. */
  release(): void {
    for (const { store } of this.held.splice(0).sort((a, b) => a.ordinal - b.ordinal)) store()
  }

  cancel(): void {
    this.timer?.cancel()
    this.timer = undefined
    this.nextTry = undefined
  }
}

/**
 * Milliseconds until the next try: twice as long each time up to the most, of which a random half is left out, so that
 * domains that failed together are not tried together. @param random in 0..1
 */
export function retryDelay(
  failures: number,
  { retryFirst, retryMax }: RelayPolicy,
  random: () => number,
): number {
  const whole = Math.min(retryMax, retryFirst * 2 ** Math.min(30, Math.max(0, failures - 1)))
  return Math.round(whole / 2 + (random() * whole) / 2)
}
