// Timers of transactions. There are few delays and many timers, nearly all of which are cancelled within a
// millisecond: each delay has a queue in order of due time, and the Clock one timer a queue.

import { BoundedQueue, type Clock, type Timer } from '#base'
import type { TimerName } from './step.ts'

export interface TimerOwner {
  fired(timer: TimerName): void
}

export interface SetTimer {
  readonly name: TimerName
  readonly due: number
  /** undefined once it fired or was cancelled: nothing is held by a timer that is over. */
  owner: TimerOwner | undefined
  /** The owner's next timer. */
  next: SetTimer | undefined
}

/** A transaction's timers: one to three, of which those that are over are let go when another is set. */
export class OwnTimers {
  #first: SetTimer | undefined

  add(timer: SetTimer): void {
    let live = this.#first
    while (live !== undefined && live.owner === undefined) live = live.next
    timer.next = live
    this.#first = timer
  }

  cancel(name: TimerName): void {
    for (let timer = this.#first; timer !== undefined; timer = timer.next)
      if (timer.name === name) TimerQueues.cancel(timer)
  }

  cancelAll(): void {
    for (let timer = this.#first; timer !== undefined; timer = timer.next) TimerQueues.cancel(timer)
    this.#first = undefined
  }
}

interface DelayQueue {
  readonly timers: BoundedQueue<SetTimer>
  head: SetTimer | undefined
  clockTimer: Timer | undefined
}

export class TimerQueues {
  readonly #clock: Clock
  readonly #queues = new Map<number, DelayQueue>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  arm(owner: TimerOwner, name: TimerName, after: number): SetTimer {
    const timer: SetTimer = { name, due: this.#clock.monotonic() + after, owner, next: undefined }
    let queue = this.#queues.get(after)
    if (queue === undefined) {
      // Bounded by the transactions, which have a limit of their own.
      queue = { timers: new BoundedQueue(Number.POSITIVE_INFINITY), head: undefined, clockTimer: undefined }
      this.#queues.set(after, queue)
    }
    queue.timers.push(timer)
    this.#trim(queue)
    if (queue.clockTimer === undefined) this.#wait(queue)
    return timer
  }

  static cancel(timer: SetTimer): void {
    timer.owner = undefined
  }

  /** Timers that are kept, cancelled ones that wait to be swept among them. */
  get held(): number {
    let count = 0
    for (const queue of this.#queues.values())
      count += queue.timers.length + (queue.head === undefined ? 0 : 1)
    return count
  }

  stop(): void {
    for (const queue of this.#queues.values()) queue.clockTimer?.cancel()
    this.#queues.clear()
  }

  /** Drops cancelled timers at the front, which is where cancelled ones gather. */
  #trim(queue: DelayQueue): void {
    while (queue.head === undefined || queue.head.owner === undefined) {
      const next = queue.timers.shift()
      queue.head = next
      if (next === undefined) return
    }
  }

  #wait(queue: DelayQueue): void {
    this.#trim(queue)
    const { head } = queue
    if (head === undefined) return
    const left = Math.max(0, head.due - this.#clock.monotonic())
    queue.clockTimer = this.#clock.schedule(left, () => {
      queue.clockTimer = undefined
      this.#fire(queue)
      if (queue.clockTimer === undefined) this.#wait(queue)
    })
  }

  #fire(queue: DelayQueue): void {
    const now = this.#clock.monotonic()
    for (;;) {
      this.#trim(queue)
      const { head } = queue
      if (head === undefined || head.due > now) return
      queue.head = undefined
      const { owner } = head
      head.owner = undefined
      owner?.fired(head.name)
    }
  }
}
