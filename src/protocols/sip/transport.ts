// The transport layer, RFC 3261 §18: listeners and connections, messages in and out, received and rport (RFC 3581). It
// answers by itself what is too malformed for a transaction.

import type { Bytes, Clock, Timer } from '#base'
import type { ListenAddress } from '#config'
import type { Service } from '#core'
import {
  type Connection,
  connectTcp,
  type Endpoint,
  listenTcp,
  listenUdp,
  type NetMetrics,
  netMetrics,
  type TcpListener,
  type TlsContexts,
  type UdpListener,
} from '#net'
import type { Counter } from '#observe'
import { checkRequest, checkResponse } from './codec/check.ts'
import { encodeResponse } from './codec/encode.ts'
import { type FramerSink, framerLimits, StreamFramer } from './codec/framer.ts'
import { type MessageFault, parseMessage, type SipRequest, type SipResponse } from './codec/message.ts'
import type { ViaStamp } from './codec/splice.ts'
import { defaultPort, topVia, type Via } from './codec/via.ts'
import { type Flow, hostPort, remoteKey, type TransportName } from './flow.ts'
import { type SipMetrics, sipMetrics } from './metrics.ts'
import type { Received, TransactionLayer } from './transaction/transaction-layer.ts'

export interface TransportSettings {
  readonly udp: ListenAddress | undefined
  readonly tcp: ListenAddress | undefined
  readonly tls: ListenAddress | undefined
  /** The name or address by which others reach us, where the listener's own does not serve. */
  readonly host: string | undefined
  /** Seconds that a message may take to come whole over a connection. */
  readonly partialSecondsMax: number
  /** Seconds that a connection may be silent. */
  readonly idleSecondsMax: number
}

/** Seconds between looks at connections that are slow or silent. */
const sweepSeconds = 10

/** LIMIT: flows over UDP that are remembered; a power of two. */
const datagramFlowsMax = 16_384

/** Where in their table the flow to an address is remembered. */
function placeOf({ address, port }: Endpoint): number {
  let place = port
  for (let i = 0; i < address.length; i++) place = Math.imul(place, 31) + address.charCodeAt(i)
  return (place ^ (place >>> 15)) & (datagramFlowsMax - 1)
}

/** A connection as a flow. */
class StreamFlow implements Flow {
  readonly transport: TransportName
  readonly reliable = true
  readonly remote: Endpoint
  readonly sentBy: string
  readonly connection: Connection
  readonly framer = new StreamFramer(framerLimits)
  /** Clock.monotonic() when the message that is not whole yet began, or 0. */
  partialSince = 0
  open = true

  constructor(connection: Connection, transport: TransportName, sentBy: string) {
    this.connection = connection
    this.transport = transport
    this.remote = connection.remote
    this.sentBy = sentBy
  }

  send(octets: Bytes): boolean {
    if (!this.open || this.connection.closing) return false
    this.connection.write(octets)
    return true
  }
}

/** One UDP address and port. */
class DatagramFlow implements Flow {
  readonly transport = 'UDP'
  readonly reliable = false
  readonly open = true
  readonly remote: Endpoint
  readonly sentBy: string
  readonly #listener: UdpListener

  constructor(listener: UdpListener, sentBy: string, remote: Endpoint) {
    this.#listener = listener
    this.sentBy = sentBy
    this.remote = remote
  }

  send(octets: Bytes): boolean {
    return this.#listener.send(octets, this.remote.port, this.remote.address)
  }
}

export interface TransportParts {
  readonly service: Service
  readonly settings: TransportSettings
  readonly layer: TransactionLayer
  readonly onFlowEnded: (flow: Flow) => void
}

export class Transport {
  readonly #service: Service
  readonly #clock: Clock
  readonly #settings: TransportSettings
  readonly #layer: TransactionLayer
  readonly #onFlowEnded: (flow: Flow) => void
  readonly #metrics: SipMetrics
  readonly #received: Readonly<Record<TransportName, Counter>>
  readonly #netMetrics: NetMetrics
  readonly #streams = new Map<string, StreamFlow>()
  /** Hot: the flows to those who were heard last, so that who waits for them holds one object. The newest of a place stays. */
  readonly #datagrams: (DatagramFlow | undefined)[] = new Array(datagramFlowsMax).fill(undefined)
  /** Our own sent-by values, which a response must name (RFC 3261 §18.1.2). */
  readonly #ours = new Set<string>()
  #udp: UdpListener | undefined
  #udpSentBy = ''
  #tcp: TcpListener | undefined
  #tls: TcpListener | undefined
  #sweep: Timer | undefined
  #stopped = false

  constructor(parts: TransportParts) {
    this.#service = parts.service
    this.#clock = parts.service.clock
    this.#settings = parts.settings
    this.#layer = parts.layer
    this.#onFlowEnded = parts.onFlowEnded
    this.#metrics = sipMetrics(parts.service.metrics)
    const { received } = this.#metrics
    this.#received = { UDP: received.with('UDP'), TCP: received.with('TCP'), TLS: received.with('TLS') }
    this.#netMetrics = netMetrics(parts.service.metrics)
  }

  /** Opens the listeners; when one cannot be opened, those that were are closed. @throws ListenError */
  async open(tls: TlsContexts): Promise<void> {
    try {
      await this.#openAll(tls)
    } catch (error) {
      await this.close()
      throw error
    }
    this.watchConnections()
  }

  async #openAll(tls: TlsContexts): Promise<void> {
    const { udp, tcp, tls: secure } = this.#settings
    const { log } = this.#service
    const onFault = (error: unknown): void => log.error('a SIP handler failed', { error })
    const common = { onFault, clock: this.#clock, metrics: this.#netMetrics }
    if (udp !== undefined) {
      const listener = await listenUdp({
        ...udp,
        ...common,
        name: 'sip udp',
        // A datagram that could not be sent is one that was lost: timers see to it.
        onFault: (error, to) =>
          to === undefined || !('code' in error)
            ? onFault(error)
            : log.debug('a datagram was not sent', { error, to }),
        onDatagram: (octets, source) => this.datagram(octets, source),
      })
      this.useDatagrams(listener)
    }
    if (tcp !== undefined)
      this.#tcp = await listenTcp({
        ...tcp,
        ...common,
        name: 'sip tcp',
        onConnection: (connection) => void this.connected(connection, 'TCP'),
      })
    if (secure !== undefined)
      this.#tls = await listenTcp({
        ...secure,
        ...common,
        name: 'sip tls',
        tls: { context: tls },
        onConnection: (connection) => void this.connected(connection, 'TLS'),
      })
  }

  /** Datagrams go out by this listener from now on. */
  useDatagrams(listener: UdpListener): void {
    this.#udp = listener
    this.#datagrams.fill(undefined)
    this.#udpSentBy = this.#own(listener.local.address, listener.port)
  }

  get listeners(): {
    readonly name: TransportName
    readonly host: string | undefined
    readonly port: number
  }[] {
    const all = [
      { name: 'UDP', listener: this.#udp },
      { name: 'TCP', listener: this.#tcp },
      { name: 'TLS', listener: this.#tls },
    ] as const
    return all.flatMap(({ name, listener }) =>
      listener === undefined ? [] : [{ name, host: listener.host, port: listener.port }],
    )
  }

  async close(): Promise<void> {
    this.#stopped = true
    this.#sweep?.cancel()
    // The listeners close what they accepted; what we opened ourselves is ours to close.
    for (const flow of this.#streams.values()) flow.connection.close({ why: 'shutdown' })
    await Promise.all([this.#tcp?.close(), this.#tls?.close(), this.#udp?.close()])
  }

  /** True when `host:port` is how others name this server. */
  isOurs(sentBy: string): boolean {
    return this.#ours.has(sentBy)
  }

  /** The UDP flow to an address; undefined where there is no UDP. */
  datagramFlow(remote: Endpoint): Flow | undefined {
    if (this.#udp === undefined) return undefined
    const place = placeOf(remote)
    const known = this.#datagrams[place]
    if (known?.remote.port === remote.port && known.remote.address === remote.address) return known
    const flow = new DatagramFlow(this.#udp, this.#udpSentBy, remote)
    this.#datagrams[place] = flow
    return flow
  }

  /** A TCP connection to an address, an open one if there is. `use` gets undefined when there is none to be had. */
  streamFlow(remote: Endpoint, use: (flow: Flow | undefined) => void): void {
    const known = this.#streams.get(`TCP ${remote.address} ${remote.port}`)
    if (known !== undefined) return use(known)
    const options = { host: remote.address, port: remote.port, clock: this.#clock, metrics: this.#netMetrics }
    connectTcp({ ...options, connectSecondsMax: 3 }).then(
      (connection) => {
        if (!this.#stopped) return use(this.connected(connection, 'TCP'))
        connection.destroy({ why: 'shutdown' })
        use(undefined)
      },
      () => use(undefined),
    )
  }

  /** A datagram came; its octets are ours. */
  datagram(octets: Bytes, source: Endpoint): void {
    // RFC 5626 §3.5: keep-alives begin with CRLF or are STUN, whose first two bits are 0.
    if (octets.length < 4 || octets[0] === 13 || octets[0] === 10 || octets[0]! < 0x20) return
    const flow = this.datagramFlow(source)
    if (flow !== undefined) this.#message(octets, flow, true)
  }

  /** A connection was accepted or made. */
  connected(connection: Connection, transport: TransportName): Flow {
    const port = transport === 'TLS' ? this.#tls?.port : this.#tcp?.port
    const flow = new StreamFlow(
      connection,
      transport,
      this.#own(connection.local.address, port ?? connection.local.port),
    )
    const key = remoteKey(flow)
    this.#streams.set(key, flow)
    const sink: FramerSink = {
      message: (octets) => this.#message(octets, flow, false),
      ping: () => void connection.writeAscii('\r\n'),
    }
    connection.start({
      onData: (octets) => {
        const fault = flow.framer.push(octets, sink)
        flow.partialSince = flow.framer.held === 0 ? 0 : flow.partialSince || this.#clock.monotonic()
        if (fault === undefined) return
        // RFC 4475 §3.1.2.3: "the framing error is not recoverable, and the connection should be closed".
        this.#metrics.malformed.with(transport).add()
        connection.close({ why: 'us', detail: fault })
      },
      onClose: () => {
        flow.open = false
        if (this.#streams.get(key) === flow) this.#streams.delete(key)
        this.#layer.flowEnded(flow)
        this.#onFlowEnded(flow)
      },
    })
    return flow
  }

  /** Our side as we name it: the setting, or the address that the far end used. */
  #own(address: string, port: number): string {
    const anywhere = address === '0.0.0.0' || address === '::'
    const host = this.#settings.host ?? (anywhere ? this.#service.router.domains[0] : undefined) ?? address
    const own = hostPort(host, port)
    this.#ours.add(own)
    return own
  }

  #message(octets: Bytes, flow: Flow, owned: boolean): void {
    this.#received[flow.transport].add()
    const message = parseMessage(octets, owned)
    if (message.kind === 'request') this.#request(message, flow)
    else if (message.kind === 'response') this.#response(message, flow)
    else this.#metrics.malformed.with(flow.transport).add()
  }

  #response(response: SipResponse, flow: Flow): void {
    const parts = checkResponse(response)
    // RFC 3261 §18.1.2: "If the value in the sent-by parameter [is not ours] the response MUST be silently discarded."
    if (
      'kind' in parts ||
      !this.#ours.has(hostPort(parts.via.host, parts.via.port ?? defaultPort(parts.via.transport)))
    ) {
      this.#metrics.malformed.with(flow.transport).add()
      return
    }
    if (!this.#layer.answered(response, parts)) this.#metrics.strayResponses.add()
  }

  #request(request: SipRequest, flow: Flow): void {
    const parts = checkRequest(request)
    if ('kind' in parts) return this.#refuse(request, parts, flow)
    const stamp = stampOf(parts.via, flow)
    const reply = this.#replyFlow(parts.via, flow)
    this.#layer.received({ request, parts, flow, reply, stamp })
  }

  /** What cannot become a transaction is answered once, without one (RFC 3261 §8.2.7); an ACK never. */
  #refuse(request: SipRequest, fault: MessageFault, flow: Flow): void {
    this.#metrics.malformed.with(flow.transport).add()
    const via = topVia(request)
    if (via === undefined || request.method === 'ACK') return
    const reason = fault.status === 400 ? { reason: `Bad Request (${fault.reason})` } : {}
    const stamp = stampOf(via, flow)
    const octets = encodeResponse(request, via, stamp, {
      status: fault.status,
      ...reason,
      toTag: 'malformed',
    })
    this.#replyFlow(via, flow).send(octets)
  }

  /** Answers a request for which there is no transaction. */
  answer(received: Received, status: number, headers: readonly (readonly [string, string])[] = []): void {
    const { request, parts, stamp, reply } = received
    reply.send(encodeResponse(request, parts.via, stamp, { status, toTag: 'none', headers }))
  }

  /** RFC 3261 §18.2.2 and RFC 3581 §4: back over the connection, or to the source address and the port that Via asks for. */
  #replyFlow(via: Via, flow: Flow): Flow {
    if (flow.reliable || via.rport !== undefined) return flow
    const port = via.port ?? defaultPort(via.transport)
    if (port === flow.remote.port || port === 0) return flow
    return this.datagramFlow({ address: flow.remote.address, port }) ?? flow
  }

  /** Looks now and then at connections that are slow or silent. */
  watchConnections(): void {
    this.#sweep = this.#clock.schedule(sweepSeconds * 1000, () => {
      const now = this.#clock.monotonic()
      const { partialSecondsMax, idleSecondsMax } = this.#settings
      for (const flow of this.#streams.values()) {
        const slow = flow.partialSince !== 0 && now - flow.partialSince > partialSecondsMax * 1000
        const silent = now - flow.connection.lastReceived > idleSecondsMax * 1000
        if (slow || silent)
          flow.connection.close({ why: 'us', detail: slow ? 'a message that does not end' : 'silent' })
      }
      if (!this.#stopped) this.watchConnections()
    })
  }
}

/** RFC 3261 §18.2.1: received where sent-by differs from the source; RFC 3581 §4: both where the client asked. */
function stampOf(via: Via, flow: Flow): ViaStamp {
  const { address, port } = flow.remote
  const bracketed = address.includes(':') ? `[${address}]` : address
  const asked = via.rport === ''
  return {
    received: asked || via.host !== bracketed ? address : undefined,
    rport: asked ? port : undefined,
  }
}
