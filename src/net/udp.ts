// Listens for UDP datagrams and sends them.

import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { isIP, isIPv6 } from 'node:net'
import { type Bytes, type Clock, SystemClock } from '#base'
import type { SparingLog } from '#observe'
import { type Endpoint, plainAddress } from './connection.ts'
import { listenAddressText } from './listen-address.ts'
import { ListenError } from './listen-error.ts'
import type { NetMetrics } from './net-metrics.ts'
import { RateLimit } from './rate-limit.ts'

/** LIMIT: octets of a datagram over IPv4 (RFC 768, RFC 791 §3.1); we choose the same for IPv6. */
const datagramOctetsMax = 65_507

export interface UdpLimits {
  /** LIMIT: datagrams of one source address a second, over five seconds; 0 sets no limit. The rest is dropped. */
  readonly datagramsPerSourcePerSecondMax: number
  /** LIMIT: octets that may wait in our socket for the network; what is past it is not sent. */
  readonly sendQueueBytesMax: number
  /** Octets that the kernel keeps for us while we are busy; the kernel may give less (net.core.rmem_max). */
  readonly receiveBufferBytes: number
}

export const defaultUdpLimits: UdpLimits = {
  datagramsPerSourcePerSecondMax: 0,
  sendQueueBytesMax: 8 * 1024 * 1024,
  receiveBufferBytes: 4 * 1024 * 1024,
}

export interface ListenUdpOptions {
  readonly name: string
  /** Undefined: every address, IPv6 and IPv4. */
  readonly host: string | undefined
  readonly port: number
  /** The octets are the handler's own: each datagram has a buffer to itself, and nobody writes to it again. */
  readonly onDatagram: (bytes: Bytes, source: Endpoint) => void
  /** A datagram could not be sent (`to` says whither), or a handler threw, or the socket broke. */
  readonly onFault?: (error: Error, to?: Endpoint) => void
  readonly limits?: Partial<UdpLimits>
  readonly reusePort?: boolean
  readonly clock?: Clock
  readonly metrics?: NetMetrics
  /** Told of a source that sends more than it may. */
  readonly strangers?: SparingLog
}

export interface UdpListener {
  readonly name: string
  readonly host: string | undefined
  readonly port: number
  /** The address we are bound to, for Via and Contact; `0.0.0.0` or `::` when to all. */
  readonly local: Endpoint
  /**
   * Sends the octets, which are given away: where the network does not take them at once, they wait here. False when it was dropped
   * at once because no datagram holds it or too much waits to be sent; an error the network tells later comes to onFault.
   * `host` must be an IP address: a name would be a DNS question a datagram.
   */
  send(bytes: Bytes, port: number, host: string): boolean
  close(): Promise<void>
}

/** Resolves once it receives. @throws ListenError */
export async function listenUdp(options: ListenUdpOptions): Promise<UdpListener> {
  const limits = { ...defaultUdpLimits, ...options.limits }
  const socket = await bound(options)
  raiseReceiveBuffer(socket, limits.receiveBufferBytes)
  const address = socket.address()
  const local = { address: plainAddress(address.address), port: address.port }
  const rate = limits.datagramsPerSourcePerSecondMax
  const limit =
    rate > 0
      ? new RateLimit({ perSecond: rate, burst: rate * 5, clock: options.clock ?? new SystemClock() })
      : undefined
  const received = options.metrics?.datagramsReceived.with(options.name)
  const tooMany = options.metrics?.datagramsDropped.with(options.name, 'source-rate')
  const queueFull = options.metrics?.datagramsDropped.with(options.name, 'queue-full')
  const notSent = options.metrics?.datagramsDropped.with(options.name, 'not-sent')
  const sent = options.metrics?.datagramsSent.with(options.name)
  socket.on('error', (error) => options.onFault?.(error))
  socket.on('message', (bytes: Buffer, from: RemoteInfo) => {
    const source = { address: plainAddress(from.address), port: from.port }
    if (limit !== undefined && !limit.take(source.address)) {
      tooMany?.add()
      options.strangers?.count('one source sends more datagrams than it may', source.address)
      return
    }
    received?.add()
    try {
      options.onDatagram(bytes, source)
    } catch (error) {
      options.onFault?.(error instanceof Error ? error : new Error(String(error)), source)
    }
  })
  const mapped = address.family === 'IPv6'
  /** Datagrams of which the socket has not told us yet what became of them. */
  let underWay = 0
  // Hot: one function for all, as the error itself says whither.
  const afterSend = (error: NodeJS.ErrnoException | null): void => {
    underWay--
    if (error === null) {
      sent?.add()
      return
    }
    notSent?.add()
    const { address: host = '', port = 0 } = error as { address?: string; port?: number }
    options.onFault?.(error, { address: plainAddress(host), port })
  }
  return {
    name: options.name,
    host: options.host,
    port: local.port,
    local,
    send: (bytes, port, host) => {
      if (bytes.length > datagramOctetsMax) {
        notSent?.add()
        return false
      }
      // Hot: the socket is asked what waits in it only where that could be too much.
      if (
        (underWay + 1) * datagramOctetsMax > limits.sendQueueBytesMax &&
        socket.getSendQueueSize() + bytes.length > limits.sendQueueBytesMax
      ) {
        queueFull?.add()
        return false
      }
      underWay++
      // libuv writes at once where the kernel takes it, and keeps the octets by reference where not.
      socket.send(bytes, port, mapped && !host.includes(':') ? `::ffff:${host}` : host, afterSend)
      return true
    },
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  }
}

async function bound(options: ListenUdpOptions): Promise<Socket> {
  const where = listenAddressText(options)
  try {
    const address = await addressOf(options.host)
    if (address !== undefined) return await bind(options, address)
    // A machine without IPv6 has IPv4 alone.
    return await bind(options, '::').catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EAFNOSUPPORT' && error.code !== 'EADDRNOTAVAIL') throw error
      return bind(options, '0.0.0.0')
    })
  } catch (error) {
    throw new ListenError(options.name, where, error as NodeJS.ErrnoException)
  }
}

function bind(options: ListenUdpOptions, address: string): Promise<Socket> {
  const family = isIPv6(address) ? 6 : 4
  return new Promise((resolve, reject) => {
    const socket = createSocket({
      type: family === 6 ? 'udp6' : 'udp4',
      reusePort: options.reusePort === true,
      // A datagram's destination is an IP address; nothing is to be asked of DNS.
      lookup: (host, _options, answer) => answer(null, host, family),
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      socket.close()
      reject(error)
    })
    socket.bind({ port: options.port, address }, () => {
      socket.removeAllListeners('error')
      resolve(socket)
    })
  })
}

async function addressOf(host: string | undefined): Promise<string | undefined> {
  return host === undefined || isIP(host) !== 0 ? host : (await lookup(host)).address
}

/** Asks for as much as the kernel gives, halving on a refusal. */
function raiseReceiveBuffer(socket: Socket, wanted: number): void {
  for (let size = wanted; size >= 256 * 1024; size /= 2) {
    try {
      socket.setRecvBufferSize(size)
      return
    } catch {
      // Some systems refuse instead of giving less; the next size is tried.
    }
  }
}
