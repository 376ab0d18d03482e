// Things that end by themselves. One timer serves all leases of a Leases: a heap by due time.
import type { Clock, Timer } from '#base'

export interface Lease {
  /** Monotonic milliseconds at which it ends. */
  readonly due: number
  readonly active: boolean
  /** Ends it without calling `expire`. Idempotent. */
  cancel(): void
  /** Moves its end to `seconds` from now. No effect on a lease that ended. */
  renew(seconds: number): void
  /** Whole seconds left; 0 when it ended. */
  secondsLeft(): number
}

class HeldLease implements Lease {
  due: number
  active = true
  /** Its valid place in the heap; older ones are stale and passed over. */
  place: Place | undefined
  readonly expire: () => void
  readonly #leases: Leases

  constructor(leases: Leases, due: number, expire: () => void) {
    this.#leases = leases
    this.due = due
    this.expire = expire
  }

  cancel(): void {
    if (!this.active) return
    this.active = false
    this.#leases.retire(this)
  }

  renew(seconds: number): void {
    if (this.active) this.#leases.move(this, seconds)
  }

  secondsLeft(): number {
    return !this.active ? 0 : Math.max(0, Math.ceil((this.due - this.#leases.clock.monotonic()) / 1000))
  }
}

interface Place {
  readonly at: number
  readonly lease: HeldLease
}

const staleMin = 64

export class Leases {
  readonly clock: Clock
  #heap: Place[] = []
  #stale = 0
  #timer: Timer | undefined
  #timerDue = Number.POSITIVE_INFINITY

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** Grants a lease of `seconds`; `expire` is called once when it runs out. */
  grant(seconds: number, expire: () => void): Lease {
    const lease = new HeldLease(this, this.clock.monotonic() + seconds * 1000, expire)
    this.#queue(lease)
    return lease
  }

  /** @internal A renewal only moves `due` when it is later: the place is put right when it comes up. */
  move(lease: HeldLease, seconds: number): void {
    lease.due = this.clock.monotonic() + seconds * 1000
    if (lease.place !== undefined && lease.due >= lease.place.at) return
    this.retire(lease)
    this.#queue(lease)
  }

  /** @internal A lease that was cancelled or moved forward leaves a stale place; past half the heap they are swept. */
  retire(lease: HeldLease): void {
    if (lease.place === undefined) return
    lease.place = undefined
    this.#stale++
    if (this.#stale < staleMin || this.#stale * 2 < this.#heap.length) return
    const valid = this.#heap.filter((place) => place.lease.place === place)
    this.#heap = []
    this.#stale = 0
    for (const place of valid) this.#insert(place)
  }

  #queue(lease: HeldLease): void {
    const place: Place = { at: lease.due, lease }
    lease.place = place
    this.#insert(place)
    this.#arm()
  }

  #insert(place: Place): void {
    const heap = this.#heap
    let at = heap.push(place) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if ((heap[parent] as Place).at <= place.at) break
      heap[at] = heap[parent] as Place
      at = parent
    }
    heap[at] = place
  }

  #removeTop(): void {
    const heap = this.#heap
    const last = heap.pop() as Place
    if (heap.length === 0) return
    let at = 0
    for (;;) {
      let child = at * 2 + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && (heap[child + 1] as Place).at < (heap[child] as Place).at) child++
      if ((heap[child] as Place).at >= last.at) break
      heap[at] = heap[child] as Place
      at = child
    }
    heap[at] = last
  }

  #arm(): void {
    const top = this.#heap[0]
    if (top === undefined || top.at >= this.#timerDue) return
    this.#timer?.cancel()
    this.#timerDue = top.at
    this.#timer = this.clock.schedule(Math.max(0, top.at - this.clock.monotonic()), () => this.#run())
  }

  #run(): void {
    this.#timer = undefined
    this.#timerDue = Number.POSITIVE_INFINITY
    try {
      this.#expireDue()
    } finally {
      // Whatever an owner's `expire` throws, the other leases go on.
      this.#arm()
    }
  }

  #expireDue(): void {
    const now = this.clock.monotonic()
    for (let top = this.#heap[0]; top !== undefined && top.at <= now; top = this.#heap[0]) {
      this.#removeTop()
      const { lease } = top
      if (lease.place !== top) {
        this.#stale--
        continue
      }
      if (lease.due > now) {
        this.#queue(lease)
        continue
      }
      lease.active = false
      lease.place = undefined
      lease.expire()
    }
  }

  /** Leases that have not ended, and what the heap holds for them: for tests and gauges. */
  get size(): { readonly active: number; readonly places: number } {
    return { active: this.#heap.length - this.#stale, places: this.#heap.length }
  }
}
