// Back-off of guessers, by account and by the address they come from: bounded memory, no sleeping, no lock-out of
// an owner who logs in from where they did before.
import type { Clock } from '#base'

export interface BackOffLimits {
  /** LIMIT: addresses, and as many accounts, that are remembered; the least recently failed is forgotten first. */
  readonly trackedMax: number
  /** Wrong guesses from one address that cost nothing (many people share one behind a translator). */
  readonly freeFromAddress: number
  /** LIMIT: guesses from one address that are being looked at; a whole office may come back at once after a restart. */
  readonly underWayFromAddress: number
  /** Wrong guesses at one account that cost nothing. */
  readonly freeAtAccount: number
  /** Milliseconds to wait after the first costly guess; each further one doubles it. */
  readonly firstDelay: number
  /** Milliseconds; the longest wait. */
  readonly delayMax: number
  /** Milliseconds without a guess after which one wrong guess is forgiven. */
  readonly forgivenEvery: number
}

export const backOffDefaults: BackOffLimits = {
  trackedMax: 65_536,
  freeFromAddress: 20,
  underWayFromAddress: 1000,
  freeAtAccount: 5,
  firstDelay: 1000,
  delayMax: 300_000,
  forgivenEvery: 60_000,
}

/**
 * One guess that may go on, until it is told what became of it. Meanwhile it counts as wrong against its account, so that guesses
 * side by side gain nothing, and not against its address, behind which many may be logging in at once.
 */
export interface Attempt {
  readonly kind: 'attempt'
  succeeded(): void
  failed(): void
  /** It was no guess after all (a fault of ours, a malformed message): nothing is counted. */
  withdrawn(): void
}

export interface Wait {
  readonly kind: 'wait'
  /** Milliseconds until the next guess is looked at. */
  readonly milliseconds: number
}

export class BackOff {
  readonly #clock: Clock
  readonly #limits: BackOffLimits
  readonly #addresses: FailureCounts
  readonly #accounts: FailureCounts
  /** Guesses under way, by address. */
  readonly #underWay = new Map<string, number>()
  /** `account address` of those who proved themselves: the account's own wait does not hold them up. */
  readonly #proven = new Map<string, true>()

  constructor(clock: Clock, limits: Partial<BackOffLimits> = {}) {
    this.#clock = clock
    this.#limits = { ...backOffDefaults, ...limits }
    this.#addresses = new FailureCounts(this.#limits, this.#limits.freeFromAddress)
    this.#accounts = new FailureCounts(this.#limits, this.#limits.freeAtAccount)
  }

  /**
   * Asks whether a guess at `account` (its key, whether or not it exists) from `remoteAddress` (an IP address, or
   * any text that names the way in) may be looked at now. Whoever gets an Attempt settles it.
   */
  attempt(account: string, remoteAddress: string): Attempt | Wait {
    const now = this.#clock.monotonic()
    const from = networkOf(remoteAddress)
    const pair = `${account} ${from}`
    const wait = Math.max(
      this.#addresses.wait(from, now),
      this.#proven.has(pair) ? 0 : this.#accounts.wait(account, now),
    )
    if (wait > 0) return { kind: 'wait', milliseconds: wait }
    const underWay = this.#underWay.get(from) ?? 0
    if (underWay >= this.#limits.underWayFromAddress)
      return { kind: 'wait', milliseconds: this.#limits.firstDelay }
    this.#underWay.set(from, underWay + 1)
    const takeBackAccount = this.#accounts.count(account, now)
    let open = true
    const close = (): boolean => {
      if (!open) return false
      open = false
      this.#landed(from)
      return true
    }
    return {
      kind: 'attempt',
      withdrawn: () => {
        if (close()) takeBackAccount()
      },
      failed: () => {
        if (close()) this.#addresses.count(from, this.#clock.monotonic())
      },
      // The address keeps its earlier wrong guesses: who owns one account must not wash away guesses at others.
      succeeded: () => {
        if (close()) takeBackAccount()
        remember(this.#proven, pair, true, this.#limits.trackedMax)
      },
    }
  }

  #landed(from: string): void {
    const left = (this.#underWay.get(from) ?? 1) - 1
    if (left > 0) this.#underWay.set(from, left)
    else this.#underWay.delete(from)
  }

  /** Addresses and accounts that are remembered, for the metrics. */
  get tracked(): number {
    return this.#addresses.size + this.#accounts.size
  }
}

interface Failures {
  count: number
  /** Monotonic milliseconds of the last wrong guess, moved on as guesses are forgiven. */
  last: number
}

class FailureCounts {
  readonly #limits: BackOffLimits
  readonly #free: number
  readonly #failures = new Map<string, Failures>()

  constructor(limits: BackOffLimits, free: number) {
    this.#limits = limits
    this.#free = free
  }

  get size(): number {
    return this.#failures.size
  }

  wait(key: string, now: number): number {
    const failures = this.#current(key, now)
    if (failures === undefined || failures.count <= this.#free) return 0
    const doublings = Math.min(failures.count - this.#free - 1, 30)
    const delay = Math.min(this.#limits.firstDelay * 2 ** doublings, this.#limits.delayMax)
    return Math.max(0, failures.last + delay - now)
  }

  /** Counts a wrong guess; answers how to take it back. */
  count(key: string, now: number): () => void {
    const failures = this.#current(key, now) ?? { count: 0, last: now }
    failures.count++
    failures.last = now
    remember(this.#failures, key, failures, this.#limits.trackedMax)
    return () => {
      failures.count--
      if (failures.count === 0 && this.#failures.get(key) === failures) this.#failures.delete(key)
    }
  }

  /** The failures of a key after what is forgiven by now. */
  #current(key: string, now: number): Failures | undefined {
    const failures = this.#failures.get(key)
    if (failures === undefined) return undefined
    const forgiven = Math.floor((now - failures.last) / this.#limits.forgivenEvery)
    if (forgiven > 0) {
      failures.count -= forgiven
      failures.last += forgiven * this.#limits.forgivenEvery
    }
    if (failures.count > 0) return failures
    this.#failures.delete(key)
    return undefined
  }
}

/** The most recent at the end; past `limit` the first goes. */
function remember<T>(map: Map<string, T>, key: string, value: T, limit: number): void {
  map.delete(key)
  map.set(key, value)
  if (map.size > limit) map.delete(map.keys().next().value as string)
}

/** An IPv6 network of 64 bits is one household, so one guesser; an IPv4 address (mapped or not) is itself. */
function networkOf(remoteAddress: string): string {
  if (!remoteAddress.includes(':')) return remoteAddress
  if (remoteAddress.startsWith('::ffff:') && remoteAddress.includes('.')) return remoteAddress.slice(7)
  const [head = '', tail] = remoteAddress.split('::')
  const groups = head === '' ? [] : head.split(':')
  if (tail !== undefined) {
    const after = tail === '' ? 0 : tail.split(':').length
    while (groups.length + after < 8) groups.push('0')
  }
  return `${groups.slice(0, 4).join(':')}::/64`
}
