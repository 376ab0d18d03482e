// Carries messages to other domains. While a domain can be reached nothing touches the disk: the outcome is the other side's word. While
// it can't, what may be stored is, and is handed over in order once it can; what waits too long is reported to its sender.
import type { Clock } from '#base'
import { type Condition, type Envelope, type Outcome, refused, stored } from '#model'
import type { Metrics } from '#observe'
import type { Custody } from '../messages/custody.ts'
import { departureProtocol } from '../messages/report-envelope.ts'
import { ServiceError } from '../service-error.ts'
import {
  isQueueable,
  PeerQueue,
  type RelayPolicy,
  type RelayQueueStatus,
  retryDelay,
  Tally,
} from './peer-queue.ts'
import type { PeerShares } from './peer-shares.ts'
import type { Peers } from './peers.ts'
import { RelayCustody } from './relay-custody.ts'
import { HandOver, type HandOverParts, isUnreachable, offerToLink } from './relay-hand-over.ts'
import { type RelayMetrics, relayMetrics } from './relay-metrics.ts'

/** LIMIT: milliseconds that a stopping server waits for what is being handed over. */
const stopWaitMax = 5_000

/** LIMIT: milliseconds between two domains that are tried after a start: each is looked up and connected to. */
const startStep = 20

/** `held` is the envelope, its octets good for the tick. */
type OnOutcome = (outcome: Outcome, held: Envelope) => void

export interface RelayParts extends Omit<HandOverParts, 'metrics' | 'isUnderWay'> {
  readonly clock: Clock
  readonly peers: Peers
  readonly shares: PeerShares
  readonly policy: RelayPolicy
  readonly metrics: Metrics
  /** In 0..1, to spread the retries. */
  readonly random: () => number
}

export class Relay {
  readonly #parts: RelayParts
  readonly #metrics: RelayMetrics
  readonly #handOver: HandOver
  readonly #tally = new Tally()
  readonly #custody: RelayCustody
  /** A domain is here while anything waits for it. */
  readonly #queues = new Map<string, PeerQueue>()
  /** Of each domain, how many were given to links that keep the order and are not settled. */
  readonly #underWay = new Map<string, number>()
  /** Of what is sent, in order: what comes back late is stored before what was sent after it. */
  #ordinal = 0
  #stopped = false

  constructor(parts: RelayParts) {
    this.#parts = parts
    this.#metrics = relayMetrics(parts.metrics, this.#tally.all)
    this.#custody = new RelayCustody({
      ...parts,
      tally: this.#tally,
      busyWith: (domain) => this.#queues.get(domain)?.busy,
    })
    this.#handOver = new HandOver({
      ...parts,
      metrics: this.#metrics,
      isUnderWay: (domain, sequence) => this.#custody.has(domain, sequence),
    })
  }

  /** Learns what waits since before the start: later messages queue behind it. Rejects when the store does. */
  async load(): Promise<void> {
    for (const { domain, count, octets } of await this.#parts.store.queuedDomains()) {
      this.#opened(domain, 'connection-failed').grow(count, octets)
    }
  }

  /** Once the protocols run: tries every domain for which something waits, soon but not all at once. */
  start(): void {
    let before = 0
    for (const queue of this.#queues.values())
      this.#schedule(
        queue,
        before++ * startStep + Math.round(this.#parts.random() * this.#parts.policy.retryFirst),
      )
  }

  /** No more tries; resolves when those under way have ended. What is sent after may still be stored. */
  async stop(): Promise<void> {
    this.#stopped = true
    const busy = [...this.#queues.values()].map((queue) => {
      queue.cancel()
      queue.halted = true
      queue.turns.release()
      return queue.busy
    })
    await new Promise<void>((resolve) => {
      const timer = this.#parts.clock.schedule(stopWaitMax, resolve)
      void Promise.all(busy).then(() => {
        timer.cancel()
        resolve()
      })
    })
    // Whoever is still silent: what waits in memory for its answer is durable before the store is closed.
    for (const queue of this.#queues.values()) queue.release()
  }

  /**
   * Takes a message or report for another domain. `onOutcome` is called once: with the other domain's word, `stored` once it is
   * durable here, or a refusal. Order between two people is the caller's: it gives the next when it has the outcome, or sooner, when
   * `onOrdered` says that the link keeps the order.
   */
  send(envelope: Envelope, onOutcome: OnOutcome, onOrdered: () => void = () => {}, custody?: Custody): void {
    const { from, to } = envelope.head
    const { domain } = to
    const policy = this.#parts.peers.policyFor(domain, from.domain)
    if (!policy.allowed || !policy.messages) return onOutcome(refused('permission-denied'), envelope)
    this.#go(envelope, onOutcome, onOrdered, custody)
  }

  /** Has a message kept that is under way, wherever that is. */
  keep(custody: Custody, envelope: Envelope): void {
    this.#custody.keep(custody, envelope)
  }

  #go(envelope: Envelope, onOutcome: OnOutcome, onOrdered: () => void, custody: Custody | undefined): void {
    const { domain } = envelope.head.to
    const { shares } = this.#parts
    const queue = this.#queues.get(domain)
    if (queue !== undefined) return this.#store(queue, envelope, onOutcome, ++this.#ordinal, custody)
    if (shares.untilTo(domain) > 0) return this.#beyondShare(envelope, onOutcome, custody)
    shares.sent(domain, envelope.raw.length)
    this.#direct(envelope, onOutcome, onOrdered, custody)
  }

  /** More than may go there: it waits, and is handed over as the share allows. */
  #beyondShare(envelope: Envelope, onOutcome: OnOutcome, custody: Custody | undefined): void {
    const { domain } = envelope.head.to
    const { shares } = this.#parts
    if (!isQueueable(envelope)) {
      shares.beyond(domain, 'to', 'refused')
      return onOutcome(refused('rate-exceeded'), envelope)
    }
    shares.beyond(domain, 'to', 'queued')
    const queue = this.#opened(domain, 'rate-exceeded')
    this.#store(queue, envelope, onOutcome, ++this.#ordinal, custody)
    this.#goOnByShare(domain)
  }

  /** What waits for nothing but the share is handed over as soon as that allows. */
  #goOnByShare(domain: string): void {
    const queue = this.#queues.get(domain)
    if (queue?.condition === 'rate-exceeded') this.#schedule(queue, this.#parts.shares.untilTo(domain))
  }

  /** Tries a domain at once, as when it was heard of again; false when nothing waits for it. */
  retry(domain: string): boolean {
    const queue = this.#queues.get(domain)
    if (queue === undefined) return false
    if (queue.busy === undefined) this.#attempt(queue)
    else queue.heardOf = true
    return true
  }

  /** Gives up all that waits for a domain now and tells the senders; answers how many. */
  async drop(domain: string): Promise<number> {
    const queue = this.#queues.get(domain)
    if (queue === undefined) return 0
    const before = this.#parts.clock.now()
    queue.halted = true
    queue.turns.release()
    while (queue.busy !== undefined) await queue.busy
    queue.halted = this.#stopped
    if (this.#queues.get(domain) !== queue) return 0
    queue.cancel()
    let count = 0
    await this.#occupy(queue, async () => {
      count = await this.#handOver.giveUp(queue, before, queue.condition)
      this.#metrics.dropped.add(count)
      return queue.condition
    })
    return count
  }

  /** The domains for which something waits. */
  async status(): Promise<RelayQueueStatus[]> {
    const waiting = await this.#parts.store.queuedDomains()
    return waiting.map(({ domain, count: length, oldest }) => {
      const queue = this.#queues.get(domain)
      const { nextTry, condition = 'connection-failed' } = queue ?? {}
      return { domain, length, oldest, nextTry, condition }
    })
  }

  #direct(
    envelope: Envelope,
    onOutcome: OnOutcome,
    onOrdered: () => void,
    custody: Custody | undefined,
  ): void {
    const { head } = envelope
    const { domain } = head.to
    const ordinal = ++this.#ordinal
    let held = envelope
    let answered = false
    const answer = (outcome: Outcome): void => {
      answered = true
      if (custody?.waits(() => answer(outcome)) === true) return
      if (outcome.kind === 'refused' && isUnreachable(outcome.condition))
        return this.#unreachable(held, outcome.condition, onOutcome, ordinal, custody)
      custody?.decide()
      if (outcome.kind !== 'refused') this.#metrics.relayed.add()
      onOutcome(outcome, held)
    }
    this.#parts.peers.find(domain, 'messages', departureProtocol(envelope), (link) => {
      if (typeof link === 'string') return answer(refused(link))
      // While the way was looked for, something else may have begun to wait.
      const queue = this.#queues.get(domain)
      if (queue !== undefined) {
        answered = true
        this.#store(queue, held, onOutcome, ordinal, custody)
      } else if (link.keepsOrder === true) {
        this.#underWay.set(domain, this.#underWayTo(domain) + 1)
        offerToLink(link, held, this.#parts, (outcome) => {
          this.#landed(domain)
          answer(outcome)
          if (this.#underWay.has(domain)) return
          this.#queues.get(domain)?.release()
          this.#goOnByShare(domain)
        })
        onOrdered()
      } else offerToLink(link, held, this.#parts, answer)
    })
    if (!answered) held = envelope.keep()
  }

  #underWayTo(domain: string): number {
    return this.#underWay.get(domain) ?? 0
  }

  #landed(domain: string): void {
    const left = this.#underWayTo(domain) - 1
    if (left > 0) this.#underWay.set(domain, left)
    else this.#underWay.delete(domain)
  }

  #unreachable(
    envelope: Envelope,
    condition: Condition,
    onOutcome: OnOutcome,
    ordinal: number,
    custody: Custody | undefined,
  ): void {
    const { domain } = envelope.head.to
    const known = this.#queues.get(domain)
    if (known !== undefined || !isQueueable(envelope))
      return this.#store(known, envelope, onOutcome, ordinal, custody, condition)
    const queue = this.#opened(domain, condition)
    queue.failures = 1
    this.#store(queue, envelope, onOutcome, ordinal, custody)
    if (this.#queues.has(domain)) this.#scheduleRetry(queue)
  }

  /** Puts it behind what waits for its domain, or refuses it with the reason why the domain can't be reached. */
  #store(
    queue: PeerQueue | undefined,
    envelope: Envelope,
    onOutcome: OnOutcome,
    ordinal: number,
    custody: Custody | undefined,
    condition: Condition = queue?.condition ?? 'connection-failed',
  ): void {
    if (queue === undefined || !isQueueable(envelope)) return onOutcome(refused(condition), envelope)
    const held = envelope.keep()
    const sender = envelope.head.from.key
    const isKept = custody?.row !== undefined
    if (!isKept && !queue.hasRoom(sender, held.raw.length, this.#parts.policy)) {
      this.#endIfEmpty(queue)
      return onOutcome(refused('resource-limit'), envelope)
    }
    const octets = held.raw.length
    queue.count(sender, 1, octets)
    queue.joined()
    const store = (): void => this.#enqueue(queue, held, onOutcome, custody)
    const send = (): void => {
      queue.count(sender, -1, octets)
      this.#go(held, onOutcome, () => {}, custody)
    }
    // What is under way may come back, and was sent before this.
    if (this.#underWay.has(queue.domain) || queue.holdsOn) queue.hold({ ordinal, store, send, octets })
    else {
      queue.release()
      store()
    }
  }

  #enqueue(queue: PeerQueue, held: Envelope, onOutcome: OnOutcome, custody: Custody | undefined): void {
    const { store, clock } = this.#parts
    const { head, raw } = held
    if (custody?.waits(() => this.#enqueue(queue, held, onOutcome, custody)) === true) return
    custody?.decide()
    if (custody?.row !== undefined) {
      this.#custody.release(held, custody.row)
      custody.adopt()
      this.#metrics.queued.add()
      return onOutcome(stored, held)
    }
    store.enqueue(queue.domain, { head, raw }, clock.now(), (fault) => {
      if (fault === undefined) {
        this.#metrics.queued.add()
        return onOutcome(stored, held)
      }
      queue.count(head.from.key, -1, raw.length)
      this.#endIfEmpty(queue)
      onOutcome(refused(fault instanceof ServiceError ? fault.condition : 'internal-fault'), held)
    })
  }

  #opened(domain: string, condition: Condition): PeerQueue {
    const { clock, policy, shares, fault } = this.#parts
    const queue = new PeerQueue(domain, condition, {
      clock,
      policy,
      tally: this.#tally,
      untilTo: () => shares.untilTo(domain),
      fault,
    })
    queue.halted = this.#stopped
    this.#queues.set(domain, queue)
    return queue
  }

  #attempt(queue: PeerQueue): void {
    if (queue.busy !== undefined || queue.halted) return
    queue.cancel()
    void this.#occupy(queue, async () => {
      const stoppedBy = await this.#handOver.flush(queue)
      if (queue.length === 0 || queue.halted) return stoppedBy
      // It was offered once more; what waited too long is given up now.
      const before = this.#parts.clock.now() - this.#parts.policy.expiry
      const why = stoppedBy !== undefined && isUnreachable(stoppedBy) ? stoppedBy : 'remote-timeout'
      this.#metrics.expired.add(await this.#handOver.giveUp(queue, before, why))
      return stoppedBy
    })
  }

  /** Does one thing with a queue, and afterwards whatever is next. `work` answers why the domain can't be reached. */
  #occupy(queue: PeerQueue, work: () => Promise<Condition | undefined>): Promise<void> {
    const { fault } = this.#parts
    queue.busy = work()
      .catch((cause: unknown) => {
        fault(cause, 'what waits for another domain could not be handed over')
        return 'internal-fault' as const
      })
      .then((stoppedBy) => {
        queue.busy = undefined
        this.#next(queue, stoppedBy)
      })
    return queue.busy
  }

  #next(queue: PeerQueue, stoppedBy: Condition | undefined): void {
    const { heardOf } = queue
    queue.heardOf = false
    if (stoppedBy === undefined && !queue.halted && queue.isOverButHeld && !this.#underWay.has(queue.domain))
      return this.#end(queue)
    if (!this.#underWay.has(queue.domain)) queue.release()
    if (this.#endIfEmpty(queue) || queue.halted) return
    if ((stoppedBy === undefined || heardOf) && queue.hasWork) return this.#attempt(queue)
    if (stoppedBy !== undefined && isUnreachable(stoppedBy)) queue.condition = stoppedBy
    queue.failures++
    this.#scheduleRetry(queue)
  }

  /** All that was stored is gone: what was held meanwhile follows by the link, and who comes after it too. */
  #end(queue: PeerQueue): void {
    queue.cancel()
    this.#queues.delete(queue.domain)
    for (const { send } of queue.takeHeld()) send()
  }

  #endIfEmpty(queue: PeerQueue): boolean {
    if (queue.length > 0) return false
    queue.cancel()
    if (queue.busy === undefined) this.#queues.delete(queue.domain)
    return true
  }

  #scheduleRetry(queue: PeerQueue): void {
    this.#schedule(queue, retryDelay(queue.failures, this.#parts.policy, this.#parts.random))
  }

  #schedule(queue: PeerQueue, delay: number): void {
    if (queue.busy !== undefined || this.#stopped) return
    queue.cancel()
    queue.nextTry = this.#parts.clock.now() + delay
    queue.timer = this.#parts.clock.schedule(delay, () => this.#attempt(queue))
  }
}
