// The two legs between servers of UMPP in memory: connections of SIP under TLS and of XMPP with STARTTLS. What crosses is looked at, and either leg
// can be cut before or behind any of it.
import { text, type VirtualClock } from '#base'
import { type Connection, type ConnectionHandler, connectionPair, type TlsInfo } from '#net'
import { type Certificate, tlsOf } from '../../src/protocols/xmpp/testing/two-servers.ts'

export type Leg = 'sip' | 'xmpp'
export const legs: readonly Leg[] = ['sip', 'xmpp']

/** What is done with octets that cross: they arrive, or the connection is cut before or behind them. */
export type Verdict = 'pass' | 'cut-before' | 'cut-behind'

/** One end of a connection: who it belongs to. */
export interface End {
  readonly domain: string
  readonly address: string
  /** As the other side's TLS shows it, on this leg. */
  readonly certificate: Certificate
}

interface Line {
  readonly leg: Leg
  readonly domains: readonly [string, string]
  readonly cut: () => void
}

export class Legs {
  readonly up: Record<Leg, boolean> = { sip: true, xmpp: true }
  /** Connections that came about. */
  opened = 0
  /** Looks at all that crosses. */
  look: (leg: Leg, from: string, said: string) => Verdict = () => 'pass'
  readonly #clock: VirtualClock
  readonly #lines = new Set<Line>()

  constructor(clock: VirtualClock) {
    this.#clock = clock
  }

  /** The dialled end; the other is given to `accept`. @throws where the leg is down */
  connect(leg: Leg, from: End, to: End, port: number, accept: (connection: Connection) => void): Connection {
    if (!this.up[leg]) throw new Error('nobody answers')
    this.opened++
    const [accepted, dialled] = connectionPair({
      clock: this.#clock,
      remote: { address: from.address, port: 40_000 + (this.opened % 20_000) },
      local: { address: to.address, port },
      secure: leg === 'sip',
    })
    const line: Line = {
      leg,
      domains: [from.domain, to.domain],
      cut: () => {
        this.#lines.delete(line)
        accepted.destroy()
        dialled.destroy()
      },
    }
    this.#lines.add(line)
    accept(this.#tapped(accepted, line, from))
    return this.#tapped(dialled, line, to)
  }

  /** Every connection of the leg breaks. */
  cut(leg: Leg): void {
    for (const line of [...this.#lines]) if (line.leg === leg) line.cut()
  }

  /** Every connection of the server breaks. */
  cutOff(domain: string): void {
    for (const line of [...this.#lines]) if (line.domains.includes(domain)) line.cut()
  }

  /** One end, at whose other end is `far`. */
  #tapped(connection: Connection, line: Line, far: End): Connection {
    const start = (handler: ConnectionHandler): void =>
      connection.start({
        onData: (octets) => this.#cross(octets, line, far, handler),
        onSecure: () => handler.onSecure?.(),
        ...(handler.onEnd && { onEnd: () => handler.onEnd?.() }),
        onDrain: () => handler.onDrain?.(),
        onClose: (reason) => handler.onClose(reason),
      })
    // A session is shown what was valid when it began.
    const shown = tlsOf(far.certificate)
    let seen: TlsInfo | undefined
    const tls = (under: TlsInfo | undefined): TlsInfo | undefined => {
      if (under !== undefined) seen ??= { ...under, ...shown }
      return seen
    }
    return new Proxy(connection, {
      get: (target, name) => {
        if (name === 'start') return start
        if (name === 'tls') return tls(target.tls)
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }

  #cross(octets: Uint8Array, line: Line, far: End, handler: ConnectionHandler): void {
    if (!this.#lines.has(line)) return
    const verdict = this.look(line.leg, far.domain, text(octets))
    if (verdict !== 'cut-before') handler.onData(octets)
    if (verdict !== 'pass') line.cut()
  }
}
