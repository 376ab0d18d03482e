// What waits for another domain, as memory knows it: how much, since when the domain does not answer, when it is tried again. The
// units themselves are in the store.
import type { Timer } from '#base'
import type { Condition } from '#model'

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
}

export const relayDefaults: RelayPolicy = {
  retryFirst: 5_000,
  retryMax: 300_000,
  expiry: 3 * 24 * 3600 * 1000,
  queueLengthMax: 10_000,
  queuesLengthMax: 100_000,
  senderLengthMax: 1000,
}

/** All queues together. */
export class Tally {
  total = 0
  /** Of each sender, as far as it wrote since the start: what waited before counts for the queues alone. */
  readonly #senders = new Map<string, number>()

  of(sender: string): number {
    return this.#senders.get(sender) ?? 0
  }

  add(sender: string, by: 1 | -1): void {
    const count = this.of(sender) + by
    if (count > 0) this.#senders.set(sender, count)
    else this.#senders.delete(sender)
  }
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
  /** True while a drop waits for the hand-over to end. */
  halted = false
  /** Done with, though the store could not take them out: they must not be offered again. */
  readonly done = new Set<number>()
  /** What no protocol here can revive: it waits for one that can, or its expiry. */
  readonly stuck = new Set<number>()
  readonly #tally: Tally
  #length = 0

  constructor(domain: string, condition: Condition, tally: Tally) {
    this.domain = domain
    this.condition = condition
    this.#tally = tally
  }

  get length(): number {
    return this.#length
  }

  /** True when something is left that can be offered. */
  get hasWork(): boolean {
    return this.#length > this.stuck.size + this.done.size
  }

  /** What waits since before the start. */
  grow(by: number): void {
    this.#length += by
    this.#tally.total += by
  }

  /** A unit of the sender begins to wait, or does so no longer. */
  count(sender: string, by: 1 | -1): void {
    this.grow(by)
    this.#tally.add(sender, by)
  }

  /** A unit was taken out of the store. */
  taken(sequence: number, sender: string): void {
    this.done.delete(sequence)
    this.stuck.delete(sequence)
    this.count(sender, -1)
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
