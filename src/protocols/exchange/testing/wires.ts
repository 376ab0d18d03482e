// The connections between two domains in memory: what crossed them is counted, and they are cut behind an octet that a test names.
import { type Connection, type ConnectionHandler, type ConnectionPairOptions, connectionPair } from '#net'

export class Wires {
  /** Octets that crossed, in both directions. */
  crossed = 0
  /** Behind this one the connection over which it crosses is cut, or what `atCut` says is done. */
  cutAfter = Number.POSITIVE_INFINITY
  atCut: (() => void) | undefined
  /** Told of all that crosses: before its reader has it, and when it has been read. */
  tap: ((octets: string, isRead: boolean) => void) | undefined
  /** False: nobody can be connected to, where the test's dialler asks. */
  up = true
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

  get texts(): readonly string[] {
    return this.said.map(({ octets }) => octets)
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
          const said = Buffer.from(octets).toString()
          this.said.push({ connection, byOpener, octets: said })
          this.tap?.(said, false)
          if (!this.#open.has(connection)) return
          this.#cross(octets, handler, cut)
          this.tap?.(said, true)
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
