// Channels take turns, a frame each (RFC 3081 §3.1.4: "in a round-robin fashion"), for as long as the connection takes octets. A large
// message so never keeps another channel waiting for more than a frame of it and what the connection holds.

import type { Bytes } from '#base'
import type { Connection } from '#net'
import type { BeepChannel } from './channel.ts'
import { headerBytes, seqBytes, trailerBytes } from './codec/index.ts'

export class Pump {
  readonly #connection: Connection
  readonly #frameOctetsMax: number
  #turns: BeepChannel[] = []
  #first = 0
  #isRunning = false
  /** The connection has enough for now. */
  #isFull = false
  /** A tuning exchange is under way: only what waits on channel 0 may leave. */
  #isSilent = false

  constructor(connection: Connection, frameOctetsMax: number) {
    this.#connection = connection
    this.#frameOctetsMax = frameOctetsMax
  }

  /** A channel may have a frame to send. */
  add(channel: BeepChannel): void {
    if (channel.isQueued || !this.#maySend(channel)) return
    channel.isQueued = true
    this.#turns.push(channel)
    this.run()
  }

  /** The connection takes octets again. */
  drained(): void {
    this.#isFull = false
    this.run()
  }

  silence(): void {
    this.#isSilent = true
  }

  /** Who wanted to send meanwhile is to be added again. */
  speak(): void {
    this.#isSilent = false
  }

  /** Forgets all turns: the channels are gone. */
  clear(): void {
    this.#turns = []
    this.#first = 0
    this.#isSilent = false
  }

  /** SEQ goes before any data frame (§3.1.4). False while nothing may be sent. */
  advertise(channel: number, ackno: number, window: number): boolean {
    if (this.#isSilent) return false
    this.#connection.write(seqBytes(channel, ackno, window))
    return true
  }

  run(): void {
    // What a frame's leaving sets off may add turns; they are taken by the loop that runs.
    if (this.#isRunning) return
    this.#isRunning = true
    try {
      while (this.#first < this.#turns.length && !this.#isFull) this.#turn()
    } finally {
      this.#isRunning = false
    }
  }

  #maySend({ isHeld, number, outbound }: BeepChannel): boolean {
    return !isHeld && outbound.isReady && (number === 0 || !this.#isSilent)
  }

  #turn(): void {
    const channel = this.#turns[this.#first++] as BeepChannel
    if (this.#first === this.#turns.length) {
      this.#turns = []
      this.#first = 0
    } else if (this.#first > 256) {
      this.#turns = this.#turns.slice(this.#first)
      this.#first = 0
    }
    channel.isQueued = false
    if (!this.#maySend(channel)) return
    this.#frame(channel)
    if (!channel.isQueued && this.#maySend(channel)) {
      channel.isQueued = true
      this.#turns.push(channel)
    }
    if (channel.outbound.length === 0) channel.drained()
  }

  #frame(channel: BeepChannel): void {
    const { outbound } = channel
    const message = outbound.first
    if (message === undefined) return
    const size = outbound.nextSize(this.#frameOctetsMax)
    const more = size < message.rest
    this.#connection.write(
      headerBytes(message.keyword, channel.number, message.msgno, more, outbound.seqno, size, message.ansno),
    )
    message.emit(size, this.#write)
    this.#isFull = !this.#connection.write(trailerBytes)
    outbound.left(size)
    message.onFrame?.(!more)
  }

  readonly #write = (bytes: Bytes): void => {
    this.#connection.write(bytes)
  }
}
