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
  type WebConnection,
} from '#net'
import type { Counter, SparingLog } from '#observe'
import { ClaimedAddresses } from './claimed-flow.ts'
import { checkRequest, checkResponse } from './codec/check.ts'
import { encodeResponse } from './codec/encode.ts'
import type { FramerSink } from './codec/framer.ts'
import { header } from './codec/header-names.ts'
import {
  findHeader,
  type MessageFault,
  parseMessage,
  type SipRequest,
  type SipResponse,
} from './codec/message.ts'
import { mayBeStun, stunAnswer } from './codec/stun.ts'
import { defaultPort, topVia, type Via } from './codec/via.ts'
import { DatagramFlows } from './datagram-flows.ts'
import { type Flow, hostPort, remoteKey, type TransportName } from './flow.ts'
import { type SipMetrics, sipMetrics } from './metrics.ts'
import type { FlowName } from './proxy/flow-token.ts'
import { crlf, isBlank, StreamFlow } from './stream-flow.ts'
import type { Received, TransactionLayer } from './transaction/transaction-layer.ts'
import { stampOf } from './via-stamp.ts'

export interface TransportSettings {
  readonly udp: readonly ListenAddress[] | undefined
  readonly tcp: readonly ListenAddress[] | undefined
  readonly tls: readonly ListenAddress[] | undefined
  /** The name or address by which others reach us, where the listener's own does not serve. */
  readonly host: string | undefined
  /** Datagrams of one source address a second; 0 sets no limit. */
  readonly datagramsPerSourceMax: number
  /** Seconds that a message may take to come whole over a connection. */
  readonly partialSecondsMax: number
  /** Seconds that a connection may be silent. */
  readonly idleSecondsMax: number
  /** Seconds that a connection may be without a message on which nobody has proved who they are. */
  readonly strangerSecondsMax: number
  /** Seconds within which a flow with a Flow-Timer is to be heard of. */
  readonly flowTimerSeconds: number
  /** Other domains' servers come to the same listeners. */
  readonly otherDomains: boolean
}

/** Seconds between looks at connections that are slow or silent. */
const sweepSeconds = 10

export interface TransportParts {
  readonly service: Service
  readonly settings: TransportSettings
  readonly layer: TransactionLayer
  readonly strangers: SparingLog
  readonly onFlowEnded: (flow: Flow) => void
}

export class Transport {
  readonly #service: Service
  readonly #clock: Clock
  readonly #settings: TransportSettings
  readonly #layer: TransactionLayer
  readonly #strangers: SparingLog
  readonly #onFlowEnded: (flow: Flow) => void
  readonly claims: ClaimedAddresses
  readonly #metrics: SipMetrics
  readonly #received: Readonly<Record<TransportName, Counter>>
  readonly #netMetrics: NetMetrics
  /** By their far end; and all, for two of ours may have a connection to one server. */
  readonly #streams = new Map<string, StreamFlow>()
  readonly #connections = new Set<StreamFlow>()
  readonly #datagrams: DatagramFlows[] = []
  /** Our own sent-by values, which a response must name (RFC 3261 §18.1.2). */
  readonly #ours = new Set<string>()
  readonly #tcp: TcpListener[] = []
  readonly #tls: TcpListener[] = []
  #sweep: Timer | undefined
  #stopped = false

  constructor(parts: TransportParts) {
    this.#service = parts.service
    this.#clock = parts.service.clock
    this.#settings = parts.settings
    this.#layer = parts.layer
    this.#strangers = parts.strangers
    this.#onFlowEnded = parts.onFlowEnded
    this.claims = new ClaimedAddresses(this.#clock, parts.strangers)
    this.#metrics = sipMetrics(parts.service.metrics)
    const { received } = this.#metrics
    const of = (name: TransportName): Counter => received.with(name)
    this.#received = { UDP: of('UDP'), TCP: of('TCP'), TLS: of('TLS'), WS: of('WS'), WSS: of('WSS') }
    this.#netMetrics = netMetrics(parts.service.metrics)
    // How other domains name us where DNS says where we are (RFC 5922 §7.5).
    for (const domain of parts.service.router.domains)
      for (const port of [5060, 5061]) this.#ours.add(hostPort(domain, port))
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
    const { udp = [], tcp = [], tls: secure = [], otherDomains, datagramsPerSourceMax } = this.#settings
    const { log } = this.#service
    const onFault = (error: unknown): void => log.error('a SIP handler failed', { error })
    const common = { onFault, clock: this.#clock, metrics: this.#netMetrics, strangers: this.#strangers }
    for (const at of udp) {
      let flows: DatagramFlows | undefined
      const listener = await listenUdp({
        ...at,
        ...common,
        name: 'sip udp',
        limits: { datagramsPerSourcePerSecondMax: datagramsPerSourceMax },
        // A datagram that could not be sent is one that was lost: timers see to it.
        onFault: (error, to) =>
          to === undefined || !('code' in error)
            ? onFault(error)
            : log.debug('a datagram was not sent', { error, to }),
        onDatagram: (octets, source) => this.datagram(octets, source, flows),
      })
      flows = this.useDatagrams(listener)
    }
    const accept = (transport: 'TCP' | 'TLS') => ({
      ...common,
      name: `sip ${transport.toLowerCase()}`,
      onConnection: (connection: Connection) => void this.connected(connection, transport),
    })
    for (const at of tcp) this.#tcp.push(await listenTcp({ ...at, ...accept('TCP') }))
    // RFC 3261 §26.3.2.1: who is another domain's server shows whose; a phone has no certificate to show.
    const asked = { context: tls, requestCertificate: otherDomains }
    for (const at of secure) this.#tls.push(await listenTcp({ ...at, ...accept('TLS'), tls: asked }))
  }

  /** Datagrams come and go by this listener, too. */
  useDatagrams(listener: UdpListener): DatagramFlows {
    const flows = new DatagramFlows(listener, this.#own(listener.local.address, listener.port))
    this.#datagrams.push(flows)
    return flows
  }

  get listeners(): { name: TransportName; host: string | undefined; port: number }[] {
    const udp = this.#datagrams.map(({ listener }) => ({ name: 'UDP', listener }) as const)
    const tcp = this.#tcp.map((listener) => ({ name: 'TCP', listener }) as const)
    const tls = this.#tls.map((listener) => ({ name: 'TLS', listener }) as const)
    return [...udp, ...tcp, ...tls].map(({ name, listener: { host, port } }) => ({ name, host, port }))
  }

  async close(): Promise<void> {
    this.#stopped = true
    this.#sweep?.cancel()
    // The listeners close what they accepted; what we opened ourselves is ours to close.
    for (const flow of this.#connections) flow.connection.close({ why: 'shutdown' })
    const listeners = [...this.#tcp, ...this.#tls, ...this.#datagrams.map(({ listener }) => listener)]
    await Promise.all(listeners.map((listener) => listener.close()))
  }

  /** True when `host:port` is how others name this server. */
  isOurs(sentBy: string): boolean {
    return this.#ours.has(sentBy)
  }

  /** The UDP flow to an address, by the socket that heard from there; undefined where no UDP leads there. */
  datagramFlow(remote: Endpoint): Flow | undefined {
    const all = this.#datagrams
    const by =
      all.length === 1
        ? all[0]
        : (all.find((one) => one.knows(remote)) ?? all.find((one) => one.reaches(remote)))
    return by?.to(remote)
  }

  /** The same, to an address that somebody else named. */
  claimedFlow(remote: Endpoint): Flow | undefined {
    const flow = this.datagramFlow(remote)
    return flow && this.claims.to(flow)
  }

  /** The flow of that name: any address by UDP, a connection while it is open. */
  flowTo({ transport, address, port }: FlowName): Flow | undefined {
    return transport === 'UDP'
      ? this.claimedFlow({ address, port })
      : this.#streams.get(`${transport} ${address} ${port}`)
  }

  /** A TCP connection to an address, an open one if there is. `use` gets undefined when there is none to be had. */
  streamFlow(remote: Endpoint, use: (flow: Flow | undefined) => void): void {
    const known = this.#streams.get(`TCP ${remote.address} ${remote.port}`)
    if (known !== undefined) return use(known)
    const options = { host: remote.address, port: remote.port, clock: this.#clock, metrics: this.#netMetrics }
    connectTcp({ ...options, connectSecondsMax: 3 }).then(
      (connection) => {
        if (!this.#stopped) {
          const flow = this.connected(connection, 'TCP')
          // We chose whom to call.
          flow.known = true
          return use(flow)
        }
        connection.destroy({ why: 'shutdown' })
        use(undefined)
      },
      () => use(undefined),
    )
  }

  /** A datagram came; its octets are ours. @param by the socket that it came to; the answer goes the same way */
  datagram(octets: Bytes, source: Endpoint, by = this.#datagrams[0]): void {
    // RFC 5626 §3.5: keep-alives are STUN, whose first two bits are 0, or begin with CRLF.
    if (mayBeStun(octets)) {
      const answer = stunAnswer(octets, source.address, source.port)
      if (answer !== undefined) by?.to(source).send(answer)
      return
    }
    if (octets.length < 4 || octets[0]! < 0x20) return
    const flow = by?.to(source)
    if (flow !== undefined) this.#message(octets, flow, true)
  }

  /** A connection was accepted or made. */
  connected(connection: Connection, transport: 'TCP' | 'TLS', onOver?: () => void): StreamFlow {
    const { port } = connection.local
    const ports = (transport === 'TLS' ? this.#tls : this.#tcp).map((listener) => listener.port)
    // Of one that we made ourselves, the port at which others reach us.
    const flow = this.#begun(connection, transport, ports.includes(port) ? port : (ports[0] ?? port))
    const sink: FramerSink = {
      message: (octets) => this.#streamed(octets, flow),
      ping: () => void connection.writeAscii('\r\n'),
    }
    connection.start({
      onData: (octets) => {
        const fault = flow.framer.push(octets, sink)
        flow.partialSince = flow.framer.held === 0 ? 0 : flow.partialSince || this.#clock.monotonic()
        if (fault === undefined) return
        // RFC 4475 §3.1.2.3: "the framing error is not recoverable, and the connection should be closed".
        this.#malformed(flow)
        connection.close({ why: 'us', detail: fault })
      },
      onClose: () => {
        this.#ended(flow)
        onOver?.()
      },
    })
    return flow
  }

  /** A web socket was opened: each of its messages is one of SIP, and needs no Content-Length (RFC 7118 §5.1). */
  webConnected(web: WebConnection): Flow {
    const flow = this.#begun(web, web.tls === undefined ? 'WS' : 'WSS', web.local.port, web)
    web.start({
      onData: (octets) => {
        // RFC 7118 §6: the keep-alive of RFC 5626 §3.5.1, which wants a single CRLF back.
        if (!isBlank(octets)) this.#streamed(octets, flow)
        else if (octets.length === 4) flow.send(crlf)
      },
      onClose: () => this.#ended(flow),
    })
    return flow
  }

  #begun(connection: Connection, transport: TransportName, port: number, web?: WebConnection): StreamFlow {
    const sentBy = this.#own(connection.local.address, port)
    const flow = new StreamFlow(connection, transport, sentBy, this.#clock.monotonic(), web)
    this.#streams.set(remoteKey(flow), flow)
    this.#connections.add(flow)
    return flow
  }

  #streamed(octets: Bytes, flow: StreamFlow): void {
    flow.lastMessage = this.#clock.monotonic()
    this.#message(octets, flow, false)
  }

  #ended(flow: StreamFlow): void {
    flow.open = false
    this.#connections.delete(flow)
    const key = remoteKey(flow)
    if (this.#streams.get(key) === flow) this.#streams.delete(key)
    this.#layer.flowEnded(flow)
    this.#onFlowEnded(flow)
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
    else this.#malformed(flow)
  }

  #response(response: SipResponse, flow: Flow): void {
    const parts = checkResponse(response)
    // RFC 3261 §18.1.2: "If the value in the sent-by parameter [is not ours] the response MUST be silently discarded."
    if (
      'kind' in parts ||
      !this.#ours.has(hostPort(parts.via.host, parts.via.port ?? defaultPort(parts.via.transport)))
    )
      return this.#malformed(flow)
    if (!this.#layer.answered(response, parts)) this.#metrics.strayResponses.add()
  }

  #request(request: SipRequest, flow: Flow): void {
    const parts = checkRequest(request)
    if ('kind' in parts) return this.#refuse(request, parts, flow)
    const stamp = stampOf(parts.via, flow)
    const reply = this.#replyFlow(parts.via, flow)
    this.#layer.received({ request, parts, flow, reply, stamp })
  }

  #malformed({ transport, remote }: Flow): void {
    this.#metrics.malformed.with(transport).add()
    this.#strangers.count('what one source sends is no SIP, again and again', remote.address)
  }

  /** What cannot become a transaction is answered once, without one (RFC 3261 §8.2.7); an ACK never. */
  #refuse(request: SipRequest, fault: MessageFault, flow: Flow): void {
    this.#malformed(flow)
    const via = topVia(request)
    if (request.method === 'ACK' || findHeader(request, header.via) < 0) return
    const reason = fault.status === 400 ? { reason: `Bad Request (${fault.reason})` } : {}
    // A Via that nobody can read goes back as it came, to where it came from (RFC 4475 §3.1.2.1, §3.1.2.16).
    const stamp = via === undefined ? { received: undefined, rport: undefined } : stampOf(via, flow)
    const octets = encodeResponse(request, via, stamp, {
      status: fault.status,
      ...reason,
      toTag: 'malformed',
    })
    const reply = via === undefined ? flow : this.#replyFlow(via, flow)
    reply.send(octets)
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
      for (const flow of this.#connections) {
        const detail = this.#overdue(flow, now)
        if (detail !== undefined) flow.connection.close({ why: 'us', detail })
      }
      if (!this.#stopped) this.watchConnections()
    })
  }

  /** Why a connection has had its time. */
  #overdue(flow: StreamFlow, now: number): string | undefined {
    const { partialSecondsMax, idleSecondsMax, strangerSecondsMax, flowTimerSeconds } = this.#settings
    if (flow.partialSince !== 0 && now - flow.partialSince > partialSecondsMax * 1000)
      return 'a message that does not end'
    if (!flow.known && now - flow.lastMessage > strangerSecondsMax * 1000) return 'nobody logged in'
    const silentMax = flow.isWatched ? Math.min(idleSecondsMax, 2 * flowTimerSeconds) : idleSecondsMax
    return now - flow.connection.lastReceived > silentMax * 1000 ? 'silent' : undefined
  }
}
