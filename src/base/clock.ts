// Time and timers. Everything that waits takes a Clock, so that a test advances time instead of sleeping.

/** A timer that was set; `cancel` is idempotent and does nothing once it has fired. */
export interface Timer {
  cancel(): void
}

export interface Clock {
  /** Wall time in milliseconds since 1970-01-01T00:00Z. May step. */
  now(): number
  /** Milliseconds of a clock that never steps back; the zero is arbitrary. */
  monotonic(): number
  /** Calls `fire` once after `delay` milliseconds (any finite number >= 0; longer than a 32-bit timer is fine). */
  schedule(delay: number, fire: () => void): Timer
}

const delayMax = 0x7fffffff

/** The machine's clock. Its timers do not keep the process alive. */
export class SystemClock implements Clock {
  now(): number {
    return Date.now()
  }

  monotonic(): number {
    return performance.now()
  }

  schedule(delay: number, fire: () => void): Timer {
    const due = performance.now() + delay
    let handle: ReturnType<typeof setTimeout>
    const arm = (): void => {
      const left = due - performance.now()
      handle = left > delayMax ? setTimeout(arm, delayMax) : setTimeout(fire, Math.max(0, left))
      ;(handle as { unref?(): void }).unref?.()
    }
    arm()
    return { cancel: () => clearTimeout(handle) }
  }
}

interface Pending {
  due: number
  order: number
  fire: () => void
  cancelled: boolean
}

/** A clock that stands still until it is advanced. Timers fire in order of due time, then of setting. */
export class VirtualClock implements Clock {
  #now: number
  #order = 0
  #pending: Pending[] = []

  /** @param start wall time in milliseconds since the epoch */
  constructor(start = Date.UTC(2026, 0, 1)) {
    this.#now = start
  }

  now(): number {
    return this.#now
  }

  monotonic(): number {
    return this.#now
  }

  schedule(delay: number, fire: () => void): Timer {
    const timer: Pending = {
      due: this.#now + Math.max(0, delay),
      order: this.#order++,
      fire,
      cancelled: false,
    }
    let low = 0
    let high = this.#pending.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#pending[middle] as Pending).due <= timer.due) low = middle + 1
      else high = middle
    }
    this.#pending.splice(low, 0, timer)
    return {
      cancel: () => {
        if (timer.cancelled) return
        timer.cancelled = true
        const at = this.#pending.indexOf(timer)
        if (at >= 0) this.#pending.splice(at, 1)
      },
    }
  }

  /** Moves time on by `ms`, firing what falls due on the way, timers set meanwhile included. */
  advance(ms: number): void {
    const end = this.#now + ms
    for (;;) {
      const next = this.#pending[0]
      if (next === undefined || next.due > end) break
      this.#pending.shift()
      this.#now = Math.max(this.#now, next.due)
      next.fire()
    }
    // A timer may itself have advanced the clock past our end: time never steps back.
    this.#now = Math.max(this.#now, end)
  }

  /** Timers that are set and not cancelled. */
  get pending(): number {
    return this.#pending.length
  }

  /** Wall time of the next timer, or undefined when none is set. */
  nextDue(): number | undefined {
    return this.#pending[0]?.due
  }
}
