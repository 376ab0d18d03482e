// The connections between servers in memory, and what crossed them: each can be cut behind any octet.
import type { VirtualClock } from '#base'
import { type Connection, type ConnectionHandler, connectionPair, type TlsInfo } from '#net'

export class Wires {
  /** Octets that crossed, in both directions. */
  crossed = 0
  /** The connection over which this one crosses is cut behind it. */
  cutAfter = Number.POSITIVE_INFINITY
  /** False: nobody can be connected to. */
  up = true
  /** Connections that came about, and tries to make one. */
  opened = 0
  tried = 0
  readonly #open = new Set<() => void>()

  /** Both ends of a new connection, tapped: what the one who accepts sees, and what the one who dialled sees. */
  pair(
    clock: VirtualClock,
    tls: { readonly accepted: Partial<TlsInfo>; readonly dialled: Partial<TlsInfo> },
  ): [Connection, Connection] {
    this.opened++
    const [accepted, dialled] = connectionPair({ clock, tls: tls.accepted })
    const cut = (): void => {
      this.#open.delete(cut)
      accepted.destroy()
      dialled.destroy()
    }
    this.#open.add(cut)
    return [this.#tapped(accepted, cut, undefined), this.#tapped(dialled, cut, tls.dialled)]
  }

  cutAll(): void {
    for (const cut of [...this.#open]) cut()
  }

  #tapped(connection: Connection, cut: () => void, seen: Partial<TlsInfo> | undefined): Connection {
    const start = (handler: ConnectionHandler): void =>
      connection.start({
        onData: (octets) => this.#cross(octets, handler, cut),
        onSecure: () => handler.onSecure?.(),
        onEnd: () => handler.onEnd?.(),
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
    const left = this.cutAfter - this.crossed
    this.crossed += octets.length
    handler.onData(left >= octets.length ? octets : octets.subarray(0, left))
    if (left > octets.length) return
    this.cutAfter = Number.POSITIVE_INFINITY
    cut()
  }
}
