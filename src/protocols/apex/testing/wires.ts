// The connections between relays in memory: what crossed them is counted, and they are cut behind an octet that a test names.

import {
  type Connection,
  type ConnectionHandler,
  type ConnectionPairOptions,
  connectionPair,
  type TlsInfo,
} from '#net'

/** VERONA_SEED=n cuts where that run did. */
export const seed = Number(process.env.VERONA_SEED) || 1 + Math.floor(Math.random() * 1_000_000)
/** At most so many points of a scene without VERONA_SOAK. */
const samples = 24

/** What each end sees of the other. */
export interface Ends {
  readonly accepted: Partial<TlsInfo>
  readonly dialled: Partial<TlsInfo>
}

export class Wires {
  /** Octets that crossed, in both directions. */
  crossed = 0
  /** The connection over which this one crosses is cut behind it. */
  cutAfter = Number.POSITIVE_INFINITY
  /** What is said arrives nowhere, though connections are there. */
  isMute = false
  /** Called when it was cut there. */
  onCut: () => void = () => {}
  /** Told of all that crosses: before its reader has it, and when it has been read. */
  tap: ((octets: string, isRead: boolean) => void) | undefined
  opened = 0
  /** All that crossed, as text. */
  said = ''
  readonly #open = new Map<() => void, readonly string[]>()

  /** Both ends of a new connection between two of those names, tapped: of the one who accepts, and of the one who dials. */
  pair(between: readonly string[], options: ConnectionPairOptions, ends: Ends): [Connection, Connection] {
    this.opened++
    const [accepted, dialled] = connectionPair({ ...options, tls: ends.accepted })
    const cut = (): void => {
      this.#open.delete(cut)
      accepted.destroy()
      dialled.destroy()
    }
    this.#open.set(cut, between)
    return [this.#tapped(accepted, cut, undefined), this.#tapped(dialled, cut, ends.dialled)]
  }

  /** All, or those that one of that name has. */
  cut(name?: string): void {
    for (const [cut, between] of [...this.#open]) if (name === undefined || between.includes(name)) cut()
  }

  #tapped(connection: Connection, cut: () => void, seen: Partial<TlsInfo> | undefined): Connection {
    const start = (handler: ConnectionHandler): void =>
      connection.start({
        onData: (octets) => this.#cross(octets, handler, cut),
        onSecure: () => handler.onSecure?.(),
        onDrain: () => handler.onDrain?.(),
        onClose: (reason) => handler.onClose(reason),
      })
    return new Proxy(connection, {
      get: (target, name) => {
        if (name === 'start') return start
        if (name === 'tls' && target.tls !== undefined && seen !== undefined)
          return { ...target.tls, ...seen }
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }

  #cross(octets: Uint8Array, handler: ConnectionHandler, cut: () => void): void {
    if (this.isMute) return
    const said = Buffer.from(octets).toString('latin1')
    this.tap?.(said, false)
    if (!this.#open.has(cut)) return
    const left = this.cutAfter - this.crossed
    this.crossed += octets.length
    this.said += said
    handler.onData(left >= octets.length ? octets : octets.subarray(0, left))
    this.tap?.(said, true)
    if (left > octets.length) return
    this.cutAfter = Number.POSITIVE_INFINITY
    cut()
    this.onCut()
  }
}

/** Behind which of so many octets to cut: each of them with VERONA_SOAK, else some. */
export function cutPoints(octets: number): readonly number[] {
  const step = Number(process.env.VERONA_SOAK) > 0 ? 1 : Math.ceil(octets / samples)
  const points: number[] = []
  for (let cut = 1 + (seed % step); cut <= octets; cut += step) points.push(cut)
  return points
}

export function cutFailed(cut: number, octets: number, cause: Error): Error {
  return new Error(`cut behind octet ${cut} of ${octets} (VERONA_SEED=${seed}): ${cause.message}`, { cause })
}
