// A small HTTP server for metrics, health and management: whole requests in, whole answers out, on TCP or on a Unix
// socket that only our own user can open. RFC 9110 and RFC 9112 through node:http.

import { chmodSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { type Bytes, type Clock, concat, SystemClock } from '#base'
import { plainAddress } from './connection.ts'
import { socketPath } from './http-client.ts'
import { listenAddressText } from './listen-address.ts'
import { ListenError } from './listen-error.ts'

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
  /** LIMIT: connections at a time. */
  readonly connectionsMax: number
  /** LIMIT: seconds that close() waits for requests under way. */
  readonly closeSecondsMax: number
}

export const defaultHttpLimits: HttpLimits = {
  bodyBytesMax: 1024 * 1024,
  headerBytesMax: 16 * 1024,
  requestSecondsMax: 30,
  connectionsMax: 1000,
  closeSecondsMax: 5,
}

/** LIMIT: octets of a body that is too large which are read before it is answered. */
const droppedBytesMax = 16 * 1024 * 1024

export interface ListenHttpOptions {
  readonly name: string
  readonly at: { readonly host: string | undefined; readonly port: number } | { readonly path: string }
  readonly onRequest: (request: HttpRequest) => HttpResponse | Promise<HttpResponse>
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
  const server = createServer(
    {
      maxHeaderSize: limits.headerBytesMax,
      requestTimeout: limits.requestSecondsMax * 1000,
      headersTimeout: limits.requestSecondsMax * 1000,
      keepAliveTimeout: 5000,
    },
    (request, response) => {
      void serve(request, response, options, limits)
    },
  )
  server.maxConnections = limits.connectionsMax
  if ('path' in options.at) await listenOnPath(server, options.name, options.at.path)
  else await listenOnPort(server, options.name, options.at.host, options.at.port)
  server.on('error', (error) => options.onFault?.(error))
  const address = server.address()
  return {
    name: options.name,
    port: typeof address === 'object' && address !== null ? address.port : 0,
    path: 'path' in options.at ? options.at.path : undefined,
    close: () => closed(server, options.clock ?? new SystemClock(), limits.closeSecondsMax),
  }
}

function closed(server: Server, clock: Clock, seconds: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.schedule(seconds * 1000, () => server.closeAllConnections())
    server.close(() => {
      timer.cancel()
      resolve()
    })
    server.closeIdleConnections()
  })
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
    answer(message, response, await options.onRequest(requestOf(message, body)))
  } catch (error) {
    if (message.errored !== null || response.destroyed) return
    options.onFault?.(error)
    if (!response.headersSent)
      answer(message, response, { status: 500, body: 'a fault of the server; its log says more\n' })
    else response.destroy()
  }
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

function requestOf(message: IncomingMessage, body: Bytes): HttpRequest {
  const target = message.url ?? '/'
  const mark = target.indexOf('?')
  return {
    method: message.method ?? 'GET',
    path: mark < 0 ? target : target.slice(0, mark),
    query: new URLSearchParams(mark < 0 ? '' : target.slice(mark + 1)),
    headers: message.headers,
    body,
    remoteAddress:
      message.socket.remoteAddress === undefined ? 'unix' : plainAddress(message.socket.remoteAddress),
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
