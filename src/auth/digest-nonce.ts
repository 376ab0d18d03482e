// Nonces of the Digest scheme (RFC 7616 §3.3, §5.4): made without memory, and remembered only once they were used rightly,
// with the counts that were seen, so that nothing is taken twice.
import { createHmac, randomBytes } from 'node:crypto'
import type { Bytes, Clock } from '#base'
import { equalSecrets } from './scram-keys.ts'

const timeOctets = 6
const randomOctets = 5
const placeOctets = 4
const stampOctets = timeOctets + randomOctets + placeOctets
const macOctets = 12
const windowBits = 32 // requests that may overtake each other on the way (UDP)

export interface NonceLimits {
  /** Milliseconds that a nonce serves. */
  readonly lifetime: number
  /** LIMIT: used nonces that are remembered; beyond it the oldest are stale before their time. */
  readonly trackedMax: number
}

export const nonceDefaults: NonceLimits = { lifetime: 300_000, trackedMax: 65_536 }

/** What is remembered of a nonce in use; `user` is the caller's. */
export interface NonceUse<T> {
  readonly issued: number
  /** The address that it was given to, where it has come from there. */
  readonly place: string | undefined
  /** The highest count seen, and a bit for each of the 32 below and at it. */
  highest: number
  seen: number
  user: T | undefined
}

export class Nonces<T> {
  readonly #clock: Clock
  readonly #key: Bytes
  readonly #limits: NonceLimits
  readonly #uses = new Map<string, NonceUse<T>>()
  /** What was issued up to then and is not remembered may have been used and forgotten: stale. */
  #forgottenUpTo = 0

  /** @param key a secret of this server; one that outlives restarts makes older nonces stale instead of foreign */
  constructor(clock: Clock, key: Bytes, limits: Partial<NonceLimits> = {}) {
    this.#clock = clock
    this.#key = key
    this.#limits = { ...nonceDefaults, ...limits }
    // Of the nonces used before this start nothing is remembered.
    this.#forgottenUpTo = clock.now() - 1
  }

  /** A new nonce for a realm. @param place the address that it is given to */
  issue(realm: string, place = ''): string {
    const nonce = Buffer.alloc(stampOctets + macOctets)
    nonce.writeUIntBE(this.#clock.now(), 0, timeOctets)
    randomBytes(randomOctets).copy(nonce, timeOctets)
    this.#markOf(place).copy(nonce, timeOctets + randomOctets)
    this.#mac(nonce, realm).copy(nonce, stampOctets)
    return nonce.toString('base64url')
  }

  /** `stale`: ours, but too old or forgotten. `foreign`: not ours, or another realm's. Else how it was used so far. */
  look(nonce: string, realm: string, place = ''): NonceUse<T> | 'stale' | 'foreign' {
    const known = this.#uses.get(nonce)
    if (known !== undefined) return this.#isOver(known.issued) ? 'stale' : known
    const octets = Buffer.from(nonce, 'base64url')
    if (octets.length !== stampOctets + macOctets) return 'foreign'
    const mac = octets.subarray(stampOctets)
    if (octets.toString('base64url') !== nonce || !equalSecrets(mac, this.#mac(octets, realm)))
      return 'foreign'
    const issued = octets.readUIntBE(0, timeOctets)
    if (this.#isOver(issued) || issued <= this.#forgottenUpTo) return 'stale'
    const isThere = this.#markOf(place).equals(octets.subarray(timeOctets + randomOctets, stampOctets))
    return { issued, place: isThere ? place : undefined, highest: 0, seen: 0, user: undefined }
  }

  /** Counts a right response; false when this count was seen before (a replay, or too far behind to know). */
  use(nonce: string, use: NonceUse<T>, count: number): boolean {
    const known = this.#uses.get(nonce)
    if (!takeCount(known ?? use, count)) return false
    if (known === undefined) this.#remember(nonce, use)
    return true
  }

  /** Remembers a nonce that was used without a count (RFC 2069 clients have none). */
  keep(nonce: string, use: NonceUse<T>): void {
    if (!this.#uses.has(nonce)) this.#remember(nonce, use)
  }

  #remember(nonce: string, use: NonceUse<T>): void {
    // A text of its own: a slice would keep the whole message that it came in.
    this.#uses.set(Buffer.from(nonce, 'latin1').toString('latin1'), use)
    this.#forget()
  }

  /** Forgets what `matches` says of the users: a password was changed. */
  forgetUsers(matches: (user: T) => boolean): void {
    for (const use of this.#uses.values())
      if (use.user !== undefined && matches(use.user)) use.user = undefined
  }

  get tracked(): number {
    return this.#uses.size
  }

  #isOver(issued: number): boolean {
    const now = this.#clock.now()
    return now - issued > this.#limits.lifetime || issued > now + 1000 // the wall clock stepped back
  }

  #forget(): void {
    for (const [nonce, use] of this.#uses) {
      const over = this.#isOver(use.issued)
      if (!over && this.#uses.size <= this.#limits.trackedMax) return
      if (!over) this.#forgottenUpTo = Math.max(this.#forgottenUpTo, use.issued)
      this.#uses.delete(nonce)
    }
  }

  /** What stands for an address in a nonce; nobody finds another with the same. */
  #markOf(place: string): Buffer {
    return createHmac('sha256', this.#key).update('place ').update(place).digest().subarray(0, placeOctets)
  }

  #mac(nonce: Buffer, realm: string): Buffer {
    const stamped = nonce.subarray(0, stampOctets)
    return createHmac('sha256', this.#key).update(stamped).update(realm).digest().subarray(0, macOctets)
  }
}

/** A window of 32 counts, as RFC 4303 §3.4.3 keeps one for packets. */
function takeCount(use: NonceUse<unknown>, count: number): boolean {
  if (count === 0) return false // the first is 1 (RFC 7616 §3.4)
  const behind = use.highest - count
  if (behind >= windowBits) return false
  if (behind >= 0) {
    const bit = 1 << behind
    if ((use.seen & bit) !== 0) return false
    use.seen |= bit
    return true
  }
  use.seen = -behind >= windowBits ? 1 : (use.seen << -behind) | 1
  use.highest = count
  return true
}
