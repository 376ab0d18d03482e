// Connections to servers of other domains: opened when they are needed, proven before anything is sent (RFC 5922 §7.3), and used again by
// all who go the same way (RFC 3261 §18, RFC 5923).

import { type Connection, connectTcp, netMetrics, type TlsContext } from '#net'
import { paramOf } from '../codec/params.ts'
import { defaultPort, type Via } from '../codec/via.ts'
import { type Flow, hostPort } from '../flow.ts'
import { StreamFlow } from '../stream-flow.ts'
import type { DomainsEnvironment, Ends } from './environment.ts'
import { proofOf } from './identity.ts'
import type { HopTransport } from './locate.ts'

/** LIMIT: seconds for one address to answer; the next is tried then. */
const connectSecondsMax = 5

/** LIMIT: connections that others' servers wish to be called back by; past it the oldest is forgotten. */
const aliasesMax = 10_000

/** Milliseconds for which a connection by which something was forbidden is still used. */
const forbiddenMs = 60_000

/** One address of one server, by one transport. */
export interface Hop {
  readonly transport: HopTransport
  readonly address: string
  readonly port: number
}

export interface Wish extends Ends {
  /** Whose name the certificate may have: the domain's; in a dialog, also that of the host which it named as its route. */
  readonly names: readonly string[]
}

export class Ways {
  readonly #environment: DomainsEnvironment
  readonly #connect: typeof connectTcp
  /** By domain, both ways, for people: those that were proven, or opened by us. */
  readonly #lines = new Map<string, Map<Flow, { readonly since: number; readonly identity: string }>>()
  /** By hop and ends; a promise while it is being opened. */
  readonly #open = new Map<string, Promise<StreamFlow>>()
  /** Their connections to us that they wish to be called back by (RFC 5923 §5), by where they listen. */
  readonly #aliases = new Map<string, StreamFlow>()

  /** Since when, by Clock.monotonic(). */
  readonly #forbidden = new WeakMap<Flow, number>()
  /** All that are in the maps above. */
  readonly #ofDomains = new Set<Flow>()

  constructor(environment: DomainsEnvironment) {
    this.#environment = environment
    this.#connect = environment.connect ?? connectTcp
  }

  /** A flow over which requests of `ours` may go to `theirs`. Rejects with an Error that says why there is none. */
  async flowTo(hop: Hop, wish: Wish): Promise<Flow> {
    const { transport } = this.#environment
    if (hop.transport === 'UDP') {
      const flow = transport.datagramFlow({ address: hop.address, port: hop.port })
      if (flow === undefined) throw new Error('there is no UDP here')
      return flow
    }
    const alias = this.#aliases.get(`${hop.transport} ${hop.address} ${hop.port}`)
    if (alias !== undefined && this.#isOf(alias, wish)) return alias
    return this.#opened(hop, wish)
  }

  /** RFC 5923 §5, §8: "alias" on the Via of a request by TLS whose sender has proven who it is; its sent-by is where it listens. */
  heard(flow: Flow, via: Via): void {
    const { tls } = flow
    if (tls === undefined || flow.isOutward === true || paramOf(via.params, 'alias') === undefined) return
    if (!tls.authorized) return
    const key = `TLS ${flow.remote.address} ${via.port ?? defaultPort(via.transport)}`
    if (this.#aliases.get(key) === flow) return
    if (this.#aliases.size >= aliasesMax)
      for (const oldest of this.#aliases.keys()) {
        this.#aliases.delete(oldest)
        break
      }
    this.#aliases.set(key, flow as StreamFlow)
    this.#ofDomains.add(flow)
  }

  /** A connection is over. */
  flowEnded(flow: Flow): void {
    // Most are phones'.
    if (!this.#ofDomains.delete(flow)) return
    for (const [key, one] of this.#aliases) if (one === flow) this.#aliases.delete(key)
    for (const [domain, flows] of this.#lines)
      if (flows.delete(flow) && flows.size === 0) this.#lines.delete(domain)
  }

  #isOf(flow: StreamFlow, { names }: Wish): boolean {
    return flow.open && proofOf(flow.tls, names, 'verified').proven
  }

  /** What is asked of the other side may have been changed since it was opened. */
  #mayCarry(flow: StreamFlow, { names, theirs }: Wish): boolean {
    const policy = this.#environment.routeTo(theirs).tls
    const since = this.#forbidden.get(flow)
    if (since !== undefined && this.#environment.service.clock.monotonic() - since >= forbiddenMs)
      return false
    return flow.open && (policy === 'none' || proofOf(flow.tls, names, policy).proven)
  }

  /** What is there is used as long as it is open; who comes while it is being opened waits for the same. */
  async #opened(hop: Hop, wish: Wish): Promise<StreamFlow> {
    const key = `${hop.transport} ${hop.address} ${hop.port} ${wish.ours} ${wish.names.join()}`
    const known = this.#open.get(key)
    if (known !== undefined) {
      const flow = await known
      if (!flow.connection.closing && this.#mayCarry(flow, wish)) return flow
      if (this.#open.get(key) === known) this.#open.delete(key)
      return this.#opened(hop, wish)
    }
    const opening = this.#dial(hop, wish, () => {
      if (this.#open.get(key) === opening) this.#open.delete(key)
    })
    this.#open.set(key, opening)
    try {
      return await opening
    } catch (error) {
      if (this.#open.get(key) === opening) this.#open.delete(key)
      throw error
    }
  }

  async #dial({ transport, address, port }: Hop, wish: Wish, onOver: () => void): Promise<StreamFlow> {
    const { service, transport: layer, routeTo } = this.#environment
    const connection = await this.#connect({
      host: address,
      port,
      connectSecondsMax,
      clock: service.clock,
      metrics: netMetrics(service.metrics),
      ...(transport === 'TLS'
        ? { tls: { context: this.#contextOf(wish.ours), servername: wish.theirs } }
        : {}),
    })
    if (transport === 'TLS') this.#prove(connection, wish, routeTo(wish.theirs).tls)
    const flow = layer.connected(connection, transport === 'TLS' ? 'TLS' : 'TCP', onOver)
    flow.known = true
    flow.isOutward = true
    this.used(flow, wish.theirs)
    return flow
  }

  /** Nothing came by it since a request went out that was not answered: it is as good as broken, and who comes next opens another. */
  silentSince(flow: Flow | undefined, since: number): void {
    if (flow instanceof StreamFlow && flow.isOutward && flow.lastMessage <= since)
      flow.connection.destroy({ why: 'us', detail: 'a request was not answered, nor was anything else said' })
  }

  /**
   * The other side forbids what we asked by it, maybe because it does not believe the certificate that was shown when it was opened: who comes a minute later opens
   * another, which shows the one that we have then. What is under way goes on.
   */
  forbidden(flow: Flow): void {
    if (!this.#forbidden.has(flow)) this.#forbidden.set(flow, this.#environment.service.clock.monotonic())
  }

  /** The connection carries something of that domain. */
  used(flow: Flow, theirs: string): void {
    if (!flow.reliable) return
    let flows = this.#lines.get(theirs)
    if (flows === undefined) {
      flows = new Map()
      this.#lines.set(theirs, flows)
    }
    if (flows.has(flow)) return
    const proof = this.#proof(flow, theirs)
    const identity = proof.proven ? proof.identity : ''
    this.#ofDomains.add(flow)
    flows.set(flow, { since: this.#environment.service.clock.now(), identity })
  }

  /** Who is at its far end, for people. */
  identityOf(flow: Flow, theirs: string): string {
    const proof = this.#proof(flow, theirs)
    if (proof.proven) return proof.identity
    return flow.reliable
      ? 'connected, and nobody has proven anything'
      : 'UDP: nothing is known before an answer'
  }

  #proof({ tls }: Flow, theirs: string): ReturnType<typeof proofOf> {
    return proofOf(tls, [this.#environment.routeTo(theirs).identity ?? theirs], 'encrypted')
  }

  /** What is open, by domain. */
  get connections(): ReadonlyMap<string, readonly { readonly line: string; readonly identity: string }[]> {
    const now = this.#environment.service.clock.now()
    return new Map(
      [...this.#lines].map(([domain, flows]) => [
        domain,
        [...flows].map(([flow, { since, identity }]) => ({ identity, line: lineOf(flow, now - since) })),
      ]),
    )
  }

  /** RFC 5922 §7.3: "If the server is not authenticated, the client MUST close the connection immediately." */
  #prove(connection: Connection, { names }: Wish, policy: Parameters<typeof proofOf>[2]): void {
    const proof = policy === 'none' ? undefined : proofOf(connection.tls, names, policy)
    if (proof === undefined || proof.proven) return
    connection.destroy({ why: 'tls', detail: proof.why })
    throw new Error(proof.why)
  }

  /** The certificate of the domain whose request it is (RFC 5922 §7.8). */
  #contextOf(ours: string): TlsContext {
    const { tls } = this.#environment
    return { secureContext: () => tls.secureContext(ours) }
  }
}

function lineOf({ remote, transport, tls, isOutward }: Flow, milliseconds: number): string {
  const how = tls === undefined ? 'no TLS' : tls.protocol
  const direction = isOutward === true ? 'to' : 'from'
  return `${direction} ${hostPort(remote.address, remote.port)} by ${transport}, ${how}, ${Math.round(milliseconds / 1000)} s`
}
