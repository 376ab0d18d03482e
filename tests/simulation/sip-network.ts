// The network between phones and a SIP server of a simulation: datagrams that are lost, doubled and late, connections that break or go quiet.
import { type Clock, ownBytes } from '#base'
import { type Connection, connectionPair, type Endpoint } from '#net'
import type { Chance } from './random.ts'

export const serverAt: Endpoint = { address: '192.0.2.254', port: 5060 }

/** Percent of all datagrams. */
export interface Weather {
  readonly lost: number
  readonly doubled: number
  readonly late: number
}

export const calm: Weather = { lost: 0, doubled: 0, late: 0 }

/** The far end of a phone, from the server's side of the network. */
export interface Host {
  receive(octets: Uint8Array): void
}

/** A server that is up. */
export interface Server {
  datagram(octets: Buffer, source: Endpoint): void
  connected(connection: Connection): void
}

interface Line {
  readonly ours: Connection
  readonly theirs: Connection
  readonly address: string
}

export class Network {
  weather: Weather = calm
  server: Server | undefined
  readonly #clock: Clock
  readonly #chance: Chance
  readonly #hosts = new Map<string, Host>()
  /** Addresses that nothing reaches and nothing comes from. */
  readonly #cut = new Set<string>()
  readonly #lines = new Set<Line>()

  constructor(clock: Clock, chance: Chance) {
    this.#clock = clock
    this.#chance = chance
  }

  attach({ address, port }: Endpoint, host: Host): void {
    this.#hosts.set(`${address} ${port}`, host)
  }

  detach({ address, port }: Endpoint): void {
    this.#hosts.delete(`${address} ${port}`)
  }

  toServer(octets: Buffer, source: Endpoint): void {
    this.#carry(octets, source.address, (copy) => this.server?.datagram(Buffer.from(copy), source))
  }

  toPhone(octets: Uint8Array, { address, port }: Endpoint): void {
    this.#carry(octets, address, (copy) => this.#hosts.get(`${address} ${port}`)?.receive(copy))
  }

  #carry(octets: Uint8Array, address: string, deliver: (copy: Uint8Array) => void): void {
    const { lost, doubled, late } = this.weather
    if (this.#cut.has(address) || this.#chance.percent(lost)) return
    for (let copies = this.#chance.percent(doubled) ? 2 : 1; copies > 0; copies--) {
      const copy = ownBytes(octets)
      const delay = this.#chance.percent(late) ? this.#chance.below(3000) : 1 + this.#chance.below(20)
      this.#clock.schedule(delay, () => {
        if (!this.#cut.has(address)) deliver(copy)
      })
    }
  }

  /** A connection to the server; undefined where it is down or out of reach. */
  connect(source: Endpoint): Connection | undefined {
    if (this.server === undefined || this.#cut.has(source.address)) return undefined
    const [ours, theirs] = connectionPair({ clock: this.#clock, remote: source, local: serverAt })
    this.#lines.add({ ours, theirs, address: source.address })
    this.server.connected(ours)
    return theirs
  }

  /** Nothing passes until it is mended; connections go quiet. */
  cut(address: string): void {
    this.#cut.add(address)
    for (const line of this.#lines)
      if (line.address === address) {
        line.ours.pause()
        line.theirs.pause()
      }
  }

  mend(address: string): void {
    if (!this.#cut.delete(address)) return
    for (const line of this.#lines)
      if (line.address === address) {
        line.ours.resume()
        line.theirs.resume()
      }
  }

  /** The machine at that address is off: its connections break, or nobody hears of it. */
  off(address: string, silently: boolean): void {
    for (const line of this.#lines) {
      if (line.address !== address) continue
      if (silently) line.theirs.pause()
      else line.theirs.destroy()
      this.#lines.delete(line)
    }
  }

  /** The server is off: every connection breaks. */
  serverOff(): void {
    this.server = undefined
    for (const { ours } of this.#lines) ours.destroy()
    this.#lines.clear()
  }
}
