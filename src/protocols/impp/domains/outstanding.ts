// Requests to one other domain that wait for their responses, over whatever connections there are (IMPP §13, D45 to D48;
// docs/specs/impp-1.0.md §12.5). A connection that ends takes nothing with it: what it carried is written again on the
// next one, with the same request-ID, and a response may come by any. No sockets here, and time by the clock.

import type { Bytes, Clock, Timer } from '#base'
import type { ExchangeKey, ImppResponse } from '../codec/index.ts'

/** A connection that is ready, as requests see it. */
export interface Carrier {
  /** True for a connection that is there for long units (IMPP §12, D42). */
  readonly bulk: boolean
  /** LIMIT: octets of a unit that the far end takes, as it stated. */
  readonly unitOctetsMax: number
  /** LIMIT: requests that may wait for their response on it, as the far end stated. */
  readonly pendingMax: number
  write(octets: Bytes): void
}

/**
 * What became of a request: its response (a loan); `timeout`: it was written and no response came; `unreachable`: it never left;
 * `too-large`: the far end takes no unit of that size.
 */
export type Carried = ImppResponse | 'timeout' | 'unreachable' | 'too-large'

export interface OutstandingLimits {
  /** LIMIT: requests that wait, written or not. */
  readonly countMax: number
  /** LIMIT: their octets together. */
  readonly octetsMax: number
  /** Milliseconds from the asking to giving up. */
  readonly timeout: number
  /** Octets from which a unit goes by a connection of its own kind. */
  readonly bulkOctets: number
}

interface Waiting {
  readonly key: ExchangeKey
  readonly octets: readonly Bytes[]
  readonly size: number
  /** Requests of one lane leave one after another in the order of the asking. */
  readonly lane: string
  bulk: boolean
  readonly sequence: number
  readonly due: number
  readonly settle: (carried: Carried) => void
  carrier: Carrier | undefined
  /** True once it has been written anywhere. */
  written: boolean
}

export class Outstanding {
  /** Called when something waits that no connection can carry. */
  onWanted: (bulk: boolean) => void = () => {}
  /** Called for each request that is written again. */
  onAgain: () => void = () => {}
  readonly #clock: Clock
  readonly #limits: OutstandingLimits
  readonly #carriers = new Map<Carrier, number>()
  readonly #all = new Set<Waiting>()
  readonly #byId = new Map<string, Waiting[]>()
  /** By which connection a lane goes now, and how many of it are on it. */
  readonly #lanes = new Map<string, { carrier: Carrier; count: number }>()
  #unwritten: Waiting[] = []
  #sequence = 0
  #octets = 0
  #timer: Timer | undefined

  constructor(clock: Clock, limits: OutstandingLimits) {
    this.#clock = clock
    this.#limits = limits
  }

  get size(): number {
    return this.#all.size
  }

  /** How many wait for their response on this connection. */
  pendingOn(carrier: Carrier): number {
    return this.#carriers.get(carrier) ?? 0
  }

  /** Takes a request, whose octets nobody changes any more; false when too many wait, and then `settle` is not called. Else it is called once. */
  request(
    key: ExchangeKey,
    octets: readonly Bytes[],
    lane: string,
    settle: (carried: Carried) => void,
  ): boolean {
    const size = octets.reduce((sum, part) => sum + part.length, 0)
    const { countMax, octetsMax } = this.#limits
    if (this.#all.size >= countMax || this.#octets + size > octetsMax) return false
    const waiting: Waiting = {
      key,
      octets,
      size,
      lane,
      bulk: size >= this.#limits.bulkOctets,
      sequence: ++this.#sequence,
      due: this.#clock.monotonic() + this.#limits.timeout,
      settle,
      carrier: undefined,
      written: false,
    }
    this.#all.add(waiting)
    this.#octets += size
    const same = this.#byId.get(key.id)
    if (same === undefined) this.#byId.set(key.id, [waiting])
    else same.push(waiting)
    this.#unwritten.push(waiting)
    this.#arm()
    this.flush()
    return true
  }

  /** Gives a response, by whichever connection it came, to the oldest request it can belong to; false when there is none. */
  respond(response: ImppResponse): boolean {
    const { headers } = response
    const to = headers.get('to')
    const connectionId = headers.get('connection-id')
    const found = this.#byId
      .get(response.id)
      ?.find(({ key }) => key.from === undefined || (key.from === to && key.connectionId === connectionId))
    if (found === undefined) return false
    this.#remove(found)
    found.settle(response)
    this.flush()
    return true
  }

  /** A connection is ready: it carries from here on. */
  add(carrier: Carrier): void {
    this.#carriers.set(carrier, 0)
    this.flush()
  }

  /** A connection is over: what it carried waits for another. */
  remove(carrier: Carrier): void {
    if (!this.#carriers.delete(carrier)) return
    for (const [lane, held] of this.#lanes) if (held.carrier === carrier) this.#lanes.delete(lane)
    for (const waiting of this.#all) {
      if (waiting.carrier !== carrier) continue
      waiting.carrier = undefined
      this.#unwritten.push(waiting)
    }
    this.#unwritten.sort((a, b) => a.sequence - b.sequence)
    this.flush()
  }

  /** No connection of that kind can be had. What is long goes with the rest then, if there is a connection for the rest. */
  unreachable(bulk: boolean): void {
    const left = this.#unwritten.filter((waiting) => waiting.bulk === bulk)
    if (bulk && this.#hasCarrier(false)) {
      for (const waiting of left) waiting.bulk = false
      return this.flush()
    }
    // It may have been heard: only who never wrote can say that nobody took it.
    for (const waiting of left) this.#give(waiting, waiting.written ? 'timeout' : 'unreachable')
  }

  /** Nothing more will be asked; whatever waits is told so. */
  close(): void {
    this.#timer?.cancel()
    this.onWanted = () => {}
    for (const waiting of [...this.#all]) this.#give(waiting, waiting.written ? 'timeout' : 'unreachable')
  }

  #give(waiting: Waiting, carried: Carried): void {
    if (!this.#all.has(waiting)) return
    this.#remove(waiting)
    waiting.settle(carried)
  }

  #remove(waiting: Waiting): void {
    this.#all.delete(waiting)
    this.#octets -= waiting.size
    const { id } = waiting.key
    const same = (this.#byId.get(id) as Waiting[]).filter((other) => other !== waiting)
    if (same.length === 0) this.#byId.delete(id)
    else this.#byId.set(id, same)
    const { carrier } = waiting
    if (carrier === undefined) this.#unwritten = this.#unwritten.filter((other) => other !== waiting)
    else this.#leave(waiting, carrier)
  }

  #leave({ lane }: Waiting, carrier: Carrier): void {
    this.#carriers.set(carrier, (this.#carriers.get(carrier) ?? 1) - 1)
    const held = this.#lanes.get(lane)
    if (held !== undefined && --held.count === 0) this.#lanes.delete(lane)
  }

  /** Writes what can be written now, in the order of the asking. */
  flush(): void {
    if (this.#unwritten.length === 0) return
    const left: Waiting[] = []
    const held = new Set<string>()
    const tooLarge: Waiting[] = []
    const full = { small: false, bulk: false }
    for (const waiting of this.#unwritten) {
      const kind = waiting.bulk ? 'bulk' : 'small'
      const isBlocked = full[kind] || held.has(waiting.lane)
      const carrier = isBlocked ? undefined : this.#carrierFor(waiting)
      if (carrier === 'held' || carrier === undefined) {
        if (waiting.lane !== '') held.add(waiting.lane)
        if (!isBlocked && carrier === undefined) full[kind] = true
        left.push(waiting)
      } else if (waiting.size > carrier.unitOctetsMax) tooLarge.push(waiting)
      else this.#write(waiting, carrier)
    }
    this.#unwritten = left
    for (const waiting of tooLarge) {
      this.#unwritten.push(waiting)
      this.#give(waiting, 'too-large')
    }
    for (const bulk of [false, true]) {
      if (!this.#hasCarrier(bulk) && this.#unwritten.some((waiting) => waiting.bulk === bulk))
        this.onWanted(bulk)
    }
  }

  /** The connection it goes by; `held`: those of its lane before it went by another, and must be answered first. */
  #carrierFor({ bulk, lane }: Waiting): Carrier | 'held' | undefined {
    const taken = this.#lanes.get(lane)?.carrier
    for (const [carrier, pending] of this.#carriers) {
      if (carrier.bulk !== bulk || pending >= carrier.pendingMax) continue
      if (taken === undefined || taken === carrier) return carrier
    }
    return taken === undefined ? undefined : 'held'
  }

  #hasCarrier(bulk: boolean): boolean {
    for (const carrier of this.#carriers.keys()) if (carrier.bulk === bulk) return true
    return false
  }

  #write(waiting: Waiting, carrier: Carrier): void {
    if (waiting.written) this.onAgain()
    waiting.carrier = carrier
    waiting.written = true
    this.#carriers.set(carrier, this.pendingOn(carrier) + 1)
    if (waiting.lane !== '') {
      const held = this.#lanes.get(waiting.lane)
      if (held === undefined) this.#lanes.set(waiting.lane, { carrier, count: 1 })
      else held.count++
    }
    for (const part of waiting.octets) carrier.write(part)
  }

  /** One timer, for the oldest: all have as long. */
  #arm(): void {
    if (this.#timer !== undefined) return
    const [oldest] = this.#all
    if (oldest === undefined) return
    this.#timer = this.#clock.schedule(Math.max(0, oldest.due - this.#clock.monotonic()), () =>
      this.#expire(),
    )
  }

  #expire(): void {
    this.#timer = undefined
    const now = this.#clock.monotonic()
    for (const waiting of [...this.#all]) {
      if (waiting.due > now) break
      this.#give(waiting, waiting.written ? 'timeout' : 'unreachable')
    }
    this.flush()
    this.#arm()
  }
}
