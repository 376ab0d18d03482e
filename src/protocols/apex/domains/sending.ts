// What waits for another domain's relay and what was written to it without an answer yet. Data that a session took with it is written again on
// the next, in its order, until its time is over; of two people's data none goes by one channel while the other is on a second.

import type { Clock, Timer } from '#base'
import { type Condition, type Outcome, refused, relayed } from '#model'
import type { Channel, OutgoingEntity, Reply } from '#protocols/beep'
import { isRefusal, readMessage } from '../codec/index.ts'
import { conditionOf } from '../errors.ts'

/** The relay's word, or why there is none: `unreachable`, nobody can have heard it; `timeout`, somebody may have. */
export type Carried = 'ok' | { readonly refused: Condition } | 'timeout' | 'unreachable' | 'too-large'

export interface SendingLimits {
  /** LIMIT: units, and their octets, that wait or are under way. */
  readonly countMax: number
  readonly octetsMax: number
  /** Milliseconds until an answer must have come. */
  readonly timeout: number
}

/** What is to be sent. */
export interface Wish {
  readonly entity: OutgoingEntity
  /** What has the same goes in its order. */
  readonly lane: string
  /** It waits until its time is over though nobody can be reached: there is nobody else who would send it again. */
  readonly isPatient?: boolean
}

interface Unit extends Wish {
  readonly sequence: number
  /** Monotonic milliseconds. */
  readonly due: number
  readonly settle: (carried: Carried) => void
  channel: Channel | undefined
  written: boolean
}

export class Sending {
  /** Called when something waits and no channel is there. */
  onWanted: () => void = () => {}
  /** Called for each unit that is written again. */
  onAgain: () => void = () => {}
  /** A channel on which an answer is overdue. */
  onOverdue: (channel: Channel) => void = () => {}
  readonly #clock: Clock
  readonly #limits: SendingLimits
  /** Open channels, and how many units wait on each for their answer. */
  readonly #channels = new Map<Channel, number>()
  /** Oldest first. */
  readonly #all = new Set<Unit>()
  /** In order. */
  #unwritten: Unit[] = []
  readonly #lanes = new Map<string, { readonly channel: Channel; count: number }>()
  #octets = 0
  #sequence = 0
  #timer: Timer | undefined

  constructor(clock: Clock, limits: SendingLimits) {
    this.#clock = clock
    this.#limits = limits
  }

  get size(): number {
    return this.#all.size
  }

  get octets(): number {
    return this.#octets
  }

  /** Units whose answer is awaited. */
  get underWay(): number {
    let sum = 0
    for (const count of this.#channels.values()) sum += count
    return sum
  }

  /** Takes an entity whose octets nobody changes any more; false when too many wait, and then `settle` is not called. Else it is called once. */
  send(wish: Wish, settle: (carried: Carried) => void): boolean {
    const { entity } = wish
    const { countMax, octetsMax, timeout } = this.#limits
    if (this.#all.size >= countMax || this.#octets + entity.body.length > octetsMax) return false
    const unit: Unit = {
      ...wish,
      sequence: ++this.#sequence,
      due: this.#clock.monotonic() + timeout,
      settle,
      channel: undefined,
      written: false,
    }
    this.#all.add(unit)
    this.#octets += entity.body.length
    this.#unwritten.push(unit)
    this.#arm()
    this.flush()
    return true
  }

  /** A channel is open: it carries from here on. */
  add(channel: Channel): void {
    this.#channels.set(channel, 0)
    this.flush()
  }

  /** A channel is over, or about to be: what it carried waits for another. */
  remove(channel: Channel): void {
    if (!this.#channels.delete(channel)) return
    for (const [lane, held] of this.#lanes) if (held.channel === channel) this.#lanes.delete(lane)
    for (const unit of this.#all) {
      if (unit.channel !== channel) continue
      unit.channel = undefined
      this.#unwritten.push(unit)
    }
    this.#unwritten.sort((a, b) => a.sequence - b.sequence)
  }

  /** No channel can be had: what waits is told so, but for what is patient. */
  unreachable(): void {
    for (const unit of [...this.#unwritten])
      if (unit.isPatient !== true) this.#give(unit, unit.written ? 'timeout' : 'unreachable')
  }

  /** Nothing more will be sent. */
  close(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    for (const unit of [...this.#all]) this.#give(unit, unit.written ? 'timeout' : 'unreachable')
  }

  /** Writes what can be written now. */
  flush(): void {
    if (this.#unwritten.length === 0) return
    const waiting = this.#unwritten
    this.#unwritten = []
    const left: Unit[] = []
    const held = new Set<string>()
    const tooLarge: Unit[] = []
    for (const unit of waiting) {
      const channel = held.has(unit.lane) ? undefined : this.#channelFor(unit.lane)
      const said = channel === undefined ? 'held' : this.#write(unit, channel)
      if (said === 'written') continue
      if (said === 'too-large') tooLarge.push(unit)
      else held.add(unit.lane)
      left.push(unit)
    }
    // An answer within the call may have brought others.
    this.#unwritten = [...left, ...this.#unwritten]
    for (const unit of tooLarge) this.#give(unit, 'too-large')
    if (this.#channels.size === 0 && this.#unwritten.length > 0) this.onWanted()
  }

  /** The one that its lane is on, else the one with the least to answer. */
  #channelFor(lane: string): Channel | undefined {
    const taken = this.#lanes.get(lane)?.channel
    if (taken !== undefined) return taken
    let best: Channel | undefined
    let least = Number.POSITIVE_INFINITY
    for (const [channel, count] of this.#channels) {
      if (channel.state !== 'open' || count >= least) continue
      best = channel
      least = count
    }
    return best
  }

  #write(unit: Unit, channel: Channel): 'written' | 'held' | 'too-large' {
    const isEmpty = channel.queuedBytes === 0
    // Before the call, within which it may be answered.
    this.#enter(unit, channel)
    if (channel.send(unit.entity, (reply) => this.#replied(unit, channel, reply)) !== 'refused') {
      if (unit.written) this.onAgain()
      unit.written = true
      return 'written'
    }
    this.#leave(unit, channel)
    unit.channel = undefined
    return isEmpty && channel.state === 'open' ? 'too-large' : 'held'
  }

  #enter(unit: Unit, channel: Channel): void {
    unit.channel = channel
    this.#channels.set(channel, (this.#channels.get(channel) ?? 0) + 1)
    const held = this.#lanes.get(unit.lane)
    if (held === undefined) this.#lanes.set(unit.lane, { channel, count: 1 })
    else held.count++
  }

  #leave({ lane }: Unit, channel: Channel): void {
    const count = this.#channels.get(channel)
    if (count !== undefined) this.#channels.set(channel, count - 1)
    const held = this.#lanes.get(lane)
    if (held?.channel === channel && --held.count === 0) this.#lanes.delete(lane)
  }

  #replied(unit: Unit, channel: Channel, reply: Reply): void {
    // What a session took with it waits for another: `remove` has it, or has had it.
    if (unit.channel !== channel || (reply.kind === 'lost' && reply.why === 'closed')) return
    this.#give(unit, wordOf(reply))
    this.flush()
  }

  #give(unit: Unit, carried: Carried): void {
    if (!this.#all.delete(unit)) return
    this.#octets -= unit.entity.body.length
    if (unit.channel === undefined) this.#unwritten = this.#unwritten.filter((other) => other !== unit)
    else this.#leave(unit, unit.channel)
    unit.channel = undefined
    unit.settle(carried)
  }

  /** One timer, for the oldest: all have as long. */
  #arm(): void {
    const [oldest] = this.#all
    if (this.#timer !== undefined || oldest === undefined) return
    const wait = Math.max(0, oldest.due - this.#clock.monotonic())
    this.#timer = this.#clock.schedule(wait, () => this.#expire())
  }

  #expire(): void {
    this.#timer = undefined
    const now = this.#clock.monotonic()
    const silent = new Set<Channel>()
    for (const unit of [...this.#all]) {
      if (unit.due > now) break
      if (unit.channel !== undefined) silent.add(unit.channel)
      this.#give(unit, unit.written ? 'timeout' : 'unreachable')
    }
    for (const channel of silent) this.onOverdue(channel)
    this.flush()
    this.#arm()
  }
}

function wordOf(reply: Reply): Carried {
  if (reply.kind === 'RPY') return 'ok'
  if (reply.kind !== 'ERR') return 'timeout'
  const message = readMessage(reply.entity.body)
  const isError = !isRefusal(message) && message.kind === 'error'
  return { refused: isError ? conditionOf(message.code) : 'internal-fault' }
}

/** §4.4.4.1 step 5.2: "the recipient's relay returns an ok". */
export function outcomeOfCarried(carried: Carried): Outcome {
  if (carried === 'ok') return relayed
  if (carried === 'timeout') return refused('remote-timeout')
  if (carried === 'unreachable') return refused('connection-failed')
  return refused(carried === 'too-large' ? 'message-too-large' : carried.refused)
}
