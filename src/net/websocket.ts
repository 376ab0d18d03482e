// Web sockets (RFC 6455) by the library `ws`, without compression: handshakes of the HTTP listeners, for what protocols offer.

import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { type WebSocket, WebSocketServer } from 'ws'
import { type Clock, SystemClock, type Timer } from '#base'
import type { Log } from '#observe'
import { Admission, type ListenerLimits, sourceOf } from './admission.ts'
import { type CloseReason, type ConnectionLimits, plainAddress } from './connection.ts'
import type { NetMetrics } from './net-metrics.ts'
import { tlsInfoOf } from './tls-info.ts'
import {
  mayComeFrom,
  offersSubprotocol,
  TrustedProxies,
  type WebConnection,
  type WebOffer,
  type WebOffers,
  type WebPage,
  type WebPolicy,
} from './web-offer.ts'
import { WebSocketConnection } from './websocket-connection.ts'

/** LIMIT: frames of one message. */
const fragmentsMax = 1024
/** LIMIT: chunks that may wait for the rest of a frame. */
const chunksMax = 16 * 1024

export interface WebSocketsOptions {
  /** For the metrics and the log. */
  readonly name: string
  readonly policy?: Partial<WebPolicy>
  /** Of web sockets; the listeners have limits of their own for what comes to them. */
  readonly limits?: Partial<ListenerLimits>
  readonly connectionLimits?: Partial<ConnectionLimits>
  /** After so many silent seconds a ping is sent (RFC 6455 §5.5.2); after twice as many the connection is cut. */
  readonly pingSeconds?: number
  readonly onFault?: (error: unknown, connection?: WebConnection) => void
  readonly clock?: Clock
  readonly metrics?: NetMetrics
  readonly log?: Log
}

/** Why a handshake is refused, as an HTTP answer. */
interface Refusal {
  readonly status: string
  readonly text: string
  readonly headers?: string
}

export class WebSockets implements WebOffers {
  readonly open = new Set<WebSocketConnection>()
  readonly pages = new Map<string, WebPage>()
  readonly proxies: TrustedProxies
  readonly #options: WebSocketsOptions
  readonly #clock: Clock
  readonly #offers = new Map<string, { readonly offer: WebOffer; readonly server: WebSocketServer }>()
  readonly #admission: Admission
  readonly #pingMilliseconds: number
  #sweep: Timer | undefined
  #closing: CloseReason | undefined
  #onEmpty: (() => void) | undefined

  /** @throws Error when a trusted proxy is no address */
  constructor(options: WebSocketsOptions) {
    this.#options = options
    this.#clock = options.clock ?? new SystemClock()
    this.#admission = new Admission(options.limits, this.#clock)
    this.proxies = new TrustedProxies(options.policy?.trustedProxies ?? [])
    this.#pingMilliseconds = (options.pingSeconds ?? 30) * 1000
  }

  /** What is offered now, for those who say what listens where. */
  get offers(): readonly WebOffer[] {
    return [...this.#offers.values()].map(({ offer }) => offer)
  }

  offer(offer: WebOffer): () => void {
    const server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: offer.messageBytesMax,
      maxFragments: fragmentsMax,
      maxBufferedChunks: chunksMax,
      handleProtocols: () => offer.subprotocol,
    })
    const entry = { offer, server }
    this.#offers.set(offer.path, entry)
    return () => {
      if (this.#offers.get(offer.path) === entry) this.#offers.delete(offer.path)
    }
  }

  page(page: WebPage): () => void {
    this.pages.set(page.path, page)
    return () => {
      if (this.pages.get(page.path) === page) this.pages.delete(page.path)
    }
  }

  isOffered(path: string): boolean {
    return this.#offers.has(path)
  }

  /** Answers the request for a handshake (RFC 6455 §4.2). */
  upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    const peer = plainAddress(socket.remoteAddress ?? '')
    const address = this.proxies.clientOf(peer, request.headers)
    const path = (request.url ?? '/').split('?', 1)[0] as string
    const entry = this.#offers.get(path)
    const refusal = this.#refusal(request, entry?.offer)
    if (entry === undefined || refusal !== undefined)
      return this.#refuse(socket, address, refusal ?? notFound)
    const source = sourceOf(address)
    const limit = this.#admission.enter(source)
    if (limit !== undefined) {
      this.#options.metrics?.refused.with(this.#options.name, limit).add()
      return this.#refuse(socket, address, { status: '503 Service Unavailable', text: `too many: ${limit}` })
    }
    socket.once('close', () => this.#admission.leave(source))
    const tls = (socket as Partial<TLSSocket>).encrypted
      ? tlsInfoOf(socket as TLSSocket, true)
      : this.proxies.tlsOf(peer, request.headers)
    entry.server.handleUpgrade(request, socket, head, (webSocket) =>
      this.#greet(webSocket, socket, { address, port: socket.remotePort ?? 0 }, tls, entry.offer),
    )
  }

  /** Ends what is open, and refuses what still comes; resolves when the last connection is over. */
  async close(reason: CloseReason = { why: 'shutdown' }): Promise<void> {
    this.#closing = reason
    this.#sweep?.cancel()
    for (const connection of this.open) connection.close(reason)
    if (this.open.size === 0) return
    await new Promise<void>((resolve) => {
      this.#onEmpty = resolve
    })
  }

  #refusal({ headers }: IncomingMessage, offer: WebOffer | undefined): Refusal | undefined {
    if (offer === undefined) return notFound
    if (this.#closing !== undefined) return { status: '503 Service Unavailable', text: 'the server stops' }
    if (!mayComeFrom(headers.origin, headers.host, this.#options.policy?.origins ?? []))
      return { status: '403 Forbidden', text: 'this site may not connect' }
    // RFC 6455 §4.4
    if (headers['sec-websocket-version'] !== '13')
      return {
        status: '426 Upgrade Required',
        text: 'version 13 of web sockets is spoken here',
        headers: 'Sec-WebSocket-Version: 13\r\n',
      }
    if (!offersSubprotocol(headers['sec-websocket-protocol'], offer.subprotocol))
      return { status: '400 Bad Request', text: `the subprotocol here is ${offer.subprotocol}` }
    return undefined
  }

  #refuse(socket: Socket, address: string, { status, text, headers = '' }: Refusal): void {
    this.#options.log?.debug('web socket refused', { listener: this.#options.name, address, status, text })
    socket.on('error', () => {
      // The far end may have gone already; it is refused either way.
    })
    const body = `${text}\n`
    socket.once('finish', () => socket.destroy())
    socket.end(
      `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n${headers}` +
        `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    )
  }

  #greet(
    webSocket: WebSocket,
    socket: Socket,
    remote: WebSocketConnection['remote'],
    tls: WebSocketConnection['tls'],
    offer: WebOffer,
  ): void {
    const { metrics, connectionLimits, onFault, name } = this.#options
    const connection = new WebSocketConnection(webSocket, socket, {
      offer,
      remote,
      tls,
      clock: this.#clock,
      limits: connectionLimits,
      metrics,
      onFault,
    })
    this.open.add(connection)
    webSocket.once('close', () => this.#gone(connection))
    metrics?.accepted.with(name).add()
    this.#sweep ??= this.#clock.schedule(this.#pingMilliseconds / 2, () => this.#ping())
    try {
      offer.accept(connection)
    } catch (error) {
      onFault?.(error, connection)
      connection.destroy({ why: 'fault' })
    }
  }

  #gone(connection: WebSocketConnection): void {
    this.open.delete(connection)
    if (this.open.size > 0) return
    this.#sweep?.cancel()
    this.#sweep = undefined
    this.#onEmpty?.()
  }

  /** One timer for all of them: an idle connection owns none. */
  #ping(): void {
    const now = this.#clock.monotonic()
    for (const connection of this.open) connection.keepAlive(now, this.#pingMilliseconds)
    this.#sweep = this.#clock.schedule(this.#pingMilliseconds / 2, () => this.#ping())
  }
}

const notFound: Refusal = { status: '404 Not Found', text: 'there is no web socket here' }
