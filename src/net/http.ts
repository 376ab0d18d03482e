// A small HTTP server for metrics, health and management: whole requests in, whole answers out, on TCP, TLS or a Unix
// socket that only our own user can open; web sockets where they are offered. RFC 9110 and RFC 9112 through node:http.

import { chmodSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { type Bytes, type Clock, concat, SystemClock } from '#base'
import { plainAddress } from './connection.ts'
import { socketPath } from './http-client.ts'
import { HttpEntrance } from './http-entrance.ts'
import { listenAddressText } from './listen-address.ts'
import { ListenError } from './listen-error.ts'
import type { NetMetrics } from './net-metrics.ts'
import type { TlsContext } from './tls-info.ts'
import type { WebSockets } from './websocket.ts'

export interface HttpRequest {
  readonly method: string
  /** Without the query; percent-encoding still in place. */
  readonly path: string
  readonly query: URLSearchParams
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Bytes
  /** `unix` over a Unix socket. */
  readonly remoteAddress: string
}

export interface HttpResponse {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Bytes
}

export interface HttpLimits {
  /** LIMIT: octets of a request's body; more is answered with 413. */
  readonly bodyBytesMax: number
  /** LIMIT: octets of all header fields; more is answered with 431. */
  readonly headerBytesMax: number
  /** LIMIT: seconds for a whole request to arrive; after them 408. */
  readonly requestSecondsMax: number
  /** How often it is looked for requests past that time. */
  readonly lookSeconds: number
  /** LIMIT: connections at a time, web sockets among them. */
  readonly connectionsMax: number
  /** LIMIT: connections of one remote address at a time (an IPv6 /64 counts as one); trusted proxies have no such limit. */
  readonly connectionsPerAddressMax: number
  /** LIMIT: seconds of a TLS handshake. */
  readonly handshakeSecondsMax: number
  /** LIMIT: seconds that close() waits for requests under way. */
  readonly closeSecondsMax: number
}

export const defaultHttpLimits: HttpLimits = {
  bodyBytesMax: 1024 * 1024,
  headerBytesMax: 16 * 1024,
  requestSecondsMax: 30,
  lookSeconds: 10,
  connectionsMax: 1000,
  connectionsPerAddressMax: 1000,
  handshakeSecondsMax: 15,
  closeSecondsMax: 5,
}

/** LIMIT: octets of a body that is too large which are read before it is answered. */
const droppedBytesMax = 16 * 1024 * 1024

export interface ListenHttpOptions {
  readonly name: string
  readonly at: { readonly host: string | undefined; readonly port: number } | { readonly path: string }
  readonly onRequest: (request: HttpRequest) => HttpResponse | Promise<HttpResponse>
  /** TLS from the start. */
  readonly tls?: TlsContext
  /** Web sockets and pages that this listener has beside what onRequest answers. */
  readonly web?: WebSockets
  readonly metrics?: NetMetrics
  /** A handler threw (the client got 500), or the server broke. */
  readonly onFault?: (error: unknown) => void
  readonly limits?: Partial<HttpLimits>
  readonly clock?: Clock
}

export interface HttpListener {
  readonly name: string
  /** The port in use, or 0 on a Unix socket. */
  readonly port: number
  readonly path: string | undefined
  /** Lets requests under way be answered for a while, and removes the Unix socket. */
  close(): Promise<void>
}

/** Resolves once it accepts. @throws ListenError */
export async function listenHttp(options: ListenHttpOptions): Promise<HttpListener> {
  const limits = { ...defaultHttpLimits, ...options.limits }
  const clock = options.clock ?? new SystemClock()
  const { web } = options
  const server = createServer(
    {
      maxHeaderSize: limits.headerBytesMax,
      requestTimeout: limits.requestSecondsMax * 1000,
      headersTimeout: limits.requestSecondsMax * 1000,
      keepAliveTimeout: 5000,
      connectionsCheckingInterval: limits.lookSeconds * 1000,
      // What asks for another protocol, or where there are no web sockets, is a request like others (RFC 9110 §7.8).
      shouldUpgradeCallback: ({ headers }) =>
        web !== undefined && headers.upgrade?.toLowerCase() === 'websocket',
    },
    (request, response) => {
      void serve(request, response, options, limits)
    },
  )
  const entrance = new HttpEntrance(server, { ...options, limits, clock })
  if (web !== undefined) {
    server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
      entrance.upgraded(socket)
      web.upgrade(request, socket, head)
    })
  }
  if ('path' in options.at) await listenOnPath(server, options.name, options.at.path)
  else await listenOnPort(server, options.name, options.at.host, options.at.port)
  server.on('error', (error) => options.onFault?.(error))
  const address = server.address()
  return {
    name: options.name,
    port: typeof address === 'object' && address !== null ? address.port : 0,
    path: 'path' in options.at ? options.at.path : undefined,
    close: () => closed(server, entrance, clock, limits.closeSecondsMax),
  }
}

/** Web sockets go on: who made them ends them. */
async function closed(server: Server, entrance: HttpEntrance, clock: Clock, seconds: number): Promise<void> {
  const timer = clock.schedule(seconds * 1000, () => entrance.cut())
  server.close()
  await entrance.empty()
  timer.cancel()
}

async function serve(
  message: IncomingMessage,
  response: ServerResponse,
  options: ListenHttpOptions,
  limits: HttpLimits,
): Promise<void> {
  try {
    const body = await bodyOf(message, limits.bodyBytesMax)
    if (body === undefined) {
      answer(message, response, {
        status: 413,
        headers: { Connection: 'close' },
        body: 'the body is too large\n',
      })
      return
    }
    answer(message, response, await answerOf(requestOf(message, body, options.web), options))
  } catch (error) {
    if (message.errored !== null || response.destroyed) return
    options.onFault?.(error)
    if (!response.headersSent)
      answer(message, response, { status: 500, body: 'a fault of the server; its log says more\n' })
    else response.destroy()
  }
}

function answerOf(
  request: HttpRequest,
  { web, onRequest }: ListenHttpOptions,
): HttpResponse | Promise<HttpResponse> {
  const page = web?.pages.get(request.path)
  if (page !== undefined) return page.answer(request)
  if (web?.isOffered(request.path)) return upgradeRequired
  return onRequest(request)
}

/** RFC 9110 §15.5.22. */
const upgradeRequired: HttpResponse = {
  status: 426,
  headers: { Upgrade: 'websocket', Connection: 'Upgrade' },
  body: 'this is the address of a web socket\n',
}

/**
 * Undefined when it is larger than `limit`. Then what comes is read on and dropped for a while, because octets left unread
 * would turn our answer into a reset.
 */
function bodyOf(message: IncomingMessage, limit: number): Promise<Bytes | undefined> {
  return new Promise((resolve, reject) => {
    const parts: Bytes[] = []
    let length = 0
    message.on('data', (part: Buffer) => {
      length += part.length
      if (length <= limit) parts.push(part)
      else if (length > limit + droppedBytesMax) resolve(undefined)
    })
    message.on('end', () => resolve(length > limit ? undefined : concat(parts)))
    message.on('error', reject)
  })
}

function requestOf(message: IncomingMessage, body: Bytes, web: WebSockets | undefined): HttpRequest {
  const peer = message.socket.remoteAddress
  const target = message.url ?? '/'
  const mark = target.indexOf('?')
  return {
    method: message.method ?? 'GET',
    path: mark < 0 ? target : target.slice(0, mark),
    query: new URLSearchParams(mark < 0 ? '' : target.slice(mark + 1)),
    headers: message.headers,
    body,
    remoteAddress:
      peer === undefined
        ? 'unix'
        : (web?.proxies.clientOf(plainAddress(peer), message.headers) ?? plainAddress(peer)),
  }
}

function answer(message: IncomingMessage, response: ServerResponse, content: HttpResponse): void {
  const body = content.body ?? ''
  response.writeHead(content.status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'X-Content-Type-Options': 'nosniff',
    'Cache-Control': 'no-store',
    ...content.headers,
    'Content-Length': Buffer.byteLength(body),
  })
  response.end(message.method === 'HEAD' ? undefined : body)
}

function listenOnPort(server: Server, name: string, host: string | undefined, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(new ListenError(name, listenAddressText({ host, port }), error)),
    )
    server.listen({ port, ...(host === undefined ? {} : { host }) }, () => {
      server.removeAllListeners('error')
      resolve()
    })
  })
}

async function listenOnPath(server: Server, name: string, path: string): Promise<void> {
  const short = socketPath(path)
  if (await isAnswered(short)) {
    throw new ListenError(name, path, Object.assign(new Error('in use'), { code: 'EADDRINUSE' }))
  }
  // Left by a process that was killed: nobody answers there.
  rmSync(short, { force: true })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(new ListenError(name, path, error)))
    // The socket is made within listen(): nobody else can open it, not even for a moment.
    const mask = process.umask(0o177)
    try {
      server.listen({ path: short }, () => {
        server.removeAllListeners('error')
        resolve()
      })
    } finally {
      process.umask(mask)
    }
  })
  chmodSync(short, 0o600)
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
