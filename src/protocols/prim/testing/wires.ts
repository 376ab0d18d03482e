// The connections between two domains in memory: what crossed them is counted, and they are cut behind an octet that a test names.
import { type Connection, type ConnectionHandler, type ConnectionPairOptions, connectionPair } from '#net'

/** VERONA_SEED=n cuts where that run did. */
const seed = Number(process.env.VERONA_SEED) || 1 + Math.floor(Math.random() * 1_000_000)
/** At most so many points of a scene without VERONA_SOAK. */
const samples = 30

export class Wires {
  /** Octets that crossed, in both directions. */
  crossed = 0
  /** Behind this one the connection over which it crosses is cut, or what `atCut` says is done. */
  cutAfter = Number.POSITIVE_INFINITY
  atCut: (() => void) | undefined
  opened = 0
  /** What crossed, in order: over which connection, and whether who opened it said it. */
  readonly said: { readonly connection: number; readonly byOpener: boolean; readonly octets: string }[] = []
  readonly #open = new Map<number, { readonly between: readonly string[]; readonly cut: () => void }>()

  /** Both ends of a new connection, tapped. `between`: whose it is, by name. */
  pair(options: ConnectionPairOptions, between: readonly string[] = []): [Connection, Connection] {
    this.opened++
    const [ours, theirs] = connectionPair(options)
    const connection = this.opened
    const cut = (): void => {
      this.#open.delete(connection)
      ours.destroy()
      theirs.destroy()
    }
    this.#open.set(connection, { between, cut })
    return [this.#tapped(ours, connection, true, cut), this.#tapped(theirs, connection, false, cut)]
  }

  cutAll(): void {
    for (const { cut } of [...this.#open.values()]) cut()
  }

  /** The connection that was opened as that one. */
  cut(connection: number): void {
    this.#open.get(connection)?.cut()
  }

  /** All of one of those that connections are between. */
  cutOf(name: string): void {
    for (const { between, cut } of [...this.#open.values()]) if (between.includes(name)) cut()
  }

  #tapped(end: Connection, connection: number, byOpener: boolean, cut: () => void): Connection {
    const start = (handler: ConnectionHandler): void =>
      end.start({
        onData: (octets) => {
          this.said.push({ connection, byOpener, octets: Buffer.from(octets).toString() })
          this.#cross(octets, handler, cut)
        },
        onSecure: () => handler.onSecure?.(),
        onClose: (reason) => handler.onClose(reason),
      })
    return new Proxy(end, {
      get: (target, name) => {
        if (name === 'start') return start
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }

  #cross(octets: Uint8Array, handler: ConnectionHandler, cut: () => void): void {
    const left = this.cutAfter - this.crossed
    this.crossed += octets.length
    handler.onData(left >= octets.length ? octets : octets.subarray(0, left))
    if (left > octets.length) return
    this.cutAfter = Number.POSITIVE_INFINITY
    if (this.atCut === undefined) cut()
    else this.atCut()
  }
}

/** Behind which of so many octets to cut: each of them with VERONA_SOAK, else some. */
export function cutPoints(octets: number, most = samples): readonly number[] {
  const step = Number(process.env.VERONA_SOAK) > 0 ? 1 : Math.ceil(octets / most)
  const points: number[] = []
  for (let cut = 1 + (seed % step); cut <= octets; cut += step) points.push(cut)
  return points
}

export function cutFailed(cut: number, octets: number, cause: Error): Error {
  return new Error(`cut behind octet ${cut} of ${octets} (VERONA_SEED=${seed}): ${cause.message}`, { cause })
}
