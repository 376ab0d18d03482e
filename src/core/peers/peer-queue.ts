// What waits for another domain, as memory knows it: how much, since when the domain does not answer, when it is tried again. The
// units themselves are in the store.
import { type Clock, type Timer, TokenBucket } from '#base'
import type { Condition, Envelope } from '#model'
import type { QueuedUnit } from '../store.ts'
import { Turns } from './turns.ts'

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
  /** LIMIT: messages that waited, handed over to one domain a second; those that come meanwhile go beside them. */
  readonly handOverPerSecondMax: number
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
  handOverPerSecondMax: 200,
}

/** A domain for which something waits, as an operator sees it. */
export interface RelayQueueStatus {
  readonly domain: string
  readonly length: number
  /** Milliseconds since the epoch when the oldest began to wait. */
  readonly oldest: number
  /** Milliseconds since the epoch of the next try; undefined while one is under way. */
  readonly nextTry: number | undefined
  readonly condition: Condition
}

/** LIMIT: messages, and their octets, that a queue which is nearly empty holds in memory so that it can end. */
const endingLengthMax = 1000
const endingOctetsMax = 8 * 1024 * 1024

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

  /** Whether one more of that sender and size may wait, whatever its domain. */
  hasRoom(sender: string, octets: number, policy: RelayPolicy): boolean {
    const own = this.of(sender)
    return (
      this.all.units < policy.queuesLengthMax &&
      own.units < policy.senderLengthMax &&
      this.all.octets + octets <= policy.queuesOctetsMax &&
      own.octets + octets <= policy.senderOctetsMax
    )
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
  /** Sends it to the link after all: nothing waits before it any more. */
  readonly send: () => void
  readonly octets: number
}

export interface PeerQueueParts {
  readonly clock: Clock
  readonly policy: RelayPolicy
  readonly tally: Tally
  /** Milliseconds until the domain's share allows one more. */
  readonly untilTo: () => number
  readonly fault: (cause: unknown, what: string) => void
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
  readonly #held: Held[] = []
  #heldOctets = 0
  /** Done with in this turn: they leave the store at its end. */
  readonly leaving: { readonly unit: QueuedUnit; readonly resolve: () => void }[] = []
  /** In which what waits is handed over. */
  readonly turns: Turns
  /** The last of what is stored is being handed over: what is sent now is held in memory, so that it can follow by the link. */
  isEnding = false
  readonly #tally: Tally
  readonly #pace: TokenBucket
  #length = 0
  #octets = 0

  constructor(
    domain: string,
    condition: Condition,
    { clock, policy, tally, untilTo, fault }: PeerQueueParts,
  ) {
    this.domain = domain
    this.condition = condition
    this.#tally = tally
    const pace = new TokenBucket(clock, policy.handOverPerSecondMax)
    const wait = (): number => {
      const milliseconds = Math.max(pace.wait(), untilTo())
      if (milliseconds === 0) pace.take()
      return milliseconds
    }
    this.#pace = pace
    this.turns = new Turns(clock, wait, (cause) => fault(cause, 'what waits could not be handed over'))
  }

  get length(): number {
    return this.#length
  }

  get octets(): number {
    return this.#octets
  }

  /** True when something is left that can be offered. */
  get hasWork(): boolean {
    return this.#length > this.stuck.size + this.done.size + this.#held.length
  }

  /** Whether one more of that sender and size may wait. */
  hasRoom(sender: string, octets: number, policy: RelayPolicy): boolean {
    return (
      this.#length < policy.queueLengthMax &&
      this.#octets + octets <= policy.queueOctetsMax &&
      this.#tally.hasRoom(sender, octets, policy)
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

  /** One more came while others are handed over: it would have gone by itself, and makes none of them wait longer. */
  joined(): void {
    if (this.busy !== undefined) this.#pace.give(1)
  }

  /** True where what is sent joins what is held: for the end of the queue, as long as that is not much, or until those before are settled. */
  get holdsOn(): boolean {
    if (!this.isEnding) return this.#held.length > 0
    return this.#held.length < endingLengthMax && this.#heldOctets < endingOctetsMax
  }

  hold(held: Held): void {
    this.#held.push(held)
    this.#heldOctets += held.octets
  }

  /** What was held, in the order in which it was sent; it is not any more. */
  takeHeld(): readonly Held[] {
    this.#heldOctets = 0
    return this.#held.splice(0).sort((a, b) => a.ordinal - b.ordinal)
  }

  /** Nothing is left but what is held. */
  get isOverButHeld(): boolean {
    return (
      this.#held.length > 0 && this.#length === this.#held.length && this.stuck.size + this.done.size === 0
    )
  }

  /** Stores what was held, in the order in which it was sent. */
  release(): void {
    this.isEnding = false
    for (const { store } of this.takeHeld()) store()
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

/** What its sender's protocol wants kept for one who is away waits for a domain that is away too. */
export function isQueueable({ head }: Envelope): boolean {
  return head.whenAbsent === 'store' && (head.kind === 'message' || head.kind === 'report')
}
