// A connection as everything above sees it: bytes in, bytes out, an end with a reason. Whether TCP, TLS or a pair
// in memory carries it is not for its user to know.

import type { Bytes } from '#base'
import type { TlsContext, TlsInfo } from './tls-info.ts'

/** Where one side of a connection is. IPv4 addresses are never written as IPv6-mapped ones. */
export interface Endpoint {
  readonly address: string
  readonly port: number
}

/**
 * Why a connection is over.
 * `us`: closed by close(); `peer`: the far end closed it in order; `reset`: it broke, the network or the far end
 * gave no goodbye; `slow-reader`: more than `queueBytesMax` waited for the far end to read; `tls`: the handshake failed or
 * took too long; `limit`: a limit of the listener; `destroyed`: cut by destroy(); `shutdown`: the server stops; `fault`:
 * an error of ours, which is in the log.
 */
export type CloseWhy =
  | 'us'
  | 'peer'
  | 'reset'
  | 'slow-reader'
  | 'tls'
  | 'limit'
  | 'destroyed'
  | 'shutdown'
  | 'fault'

export interface CloseReason {
  readonly why: CloseWhy
  /** For the log, never for the peer. */
  readonly detail?: string
}

/** What the owner of a connection does with its events. None is called from inside a call the owner makes. */
export interface ConnectionHandler {
  /** Octets came. They are a loan: after onData returns they may be overwritten. Copy what is kept. */
  onData(bytes: Bytes): void
  /**
   * The far end will send nothing more (it may still read). Without this method the connection closes itself when its queue
   * has been written; with it, calling close() is the owner's task.
   */
  onEnd?(): void
  /** The queue had reached `queueBytesHigh`, and is now written: whoever slowed down may go on. */
  onDrain?(): void
  /** The handshake that startTls() began is done; `connection.tls` says how. When it fails, onClose says so. */
  onSecure?(): void
  /** Called exactly once, after which nothing else is called. */
  onClose(reason: CloseReason): void
}

export interface ConnectionLimits {
  /** LIMIT: octets that may wait for a slow reader; past it the connection is lost, with `slow-reader`. */
  readonly queueBytesMax: number
  /** Octets in the queue at which write() begins to answer false. */
  readonly queueBytesHigh: number
  /** LIMIT: seconds a TLS handshake may take. */
  readonly handshakeSecondsMax: number
  /** LIMIT: seconds that close() waits for the far end to read the rest and close too. */
  readonly lingerSecondsMax: number
}

export const defaultConnectionLimits: ConnectionLimits = {
  queueBytesMax: 4 * 1024 * 1024,
  queueBytesHigh: 256 * 1024,
  handshakeSecondsMax: 15,
  lingerSecondsMax: 5,
}

export interface StartTlsOptions {
  /** True when we are the TLS server. */
  readonly server: boolean
  /** Protocols by preference (RFC 7301). A server refuses a client that offers ALPN and none of these. */
  readonly alpn?: readonly string[]
  /** Client: the name to ask for (SNI) and to check the certificate against. */
  readonly servername?: string
  /** Server: ask the client for a certificate (it may have none; `tls.authorized` says whether it convinced). */
  readonly requestCertificate?: boolean
}

export interface Connection {
  /** Short and unique in this process, for the log. */
  readonly id: string
  readonly remote: Endpoint
  readonly local: Endpoint
  /** Undefined while there is no TLS. */
  readonly tls: TlsInfo | undefined
  /** Application octets (inside TLS) so far. */
  readonly bytesReceived: number
  readonly bytesSent: number
  /** Clock.monotonic() at the last octet received (or at the start): a connection is a lease renewed by any byte. */
  readonly lastReceived: number
  /** Octets written here that the kernel has not taken yet. */
  readonly queuedBytes: number
  /** True once close() or destroy() was called or the connection is over: writes are dropped. */
  readonly closing: boolean

  /** Gives the events to `handler` and begins to read. May be called again to hand the connection over. */
  start(handler: ConnectionHandler): void
  /**
   * Queues a copy; everything of one tick leaves in one write. False when the queue is past `queueBytesHigh`:
   * the octets are queued still, but a polite writer waits for onDrain.
   */
  write(bytes: Bytes): boolean
  /** As write, of a text whose characters are all below U+0080 (others come out wrong). */
  writeAscii(text: string): boolean
  writeUtf8(text: string): boolean
  /** Stops reading, so that the far end slows down. */
  pause(): void
  resume(): void
  /**
   * Writes what is queued in the clear, then begins a TLS handshake. Octets that onData has already handed
   * over were in the clear: the owner must not take them for protected ones. Writes from now on wait for TLS.
   */
  startTls(context: TlsContext, options: StartTlsOptions): void
  /** Writes what is queued, ends, and waits a little for the far end. No more onData. */
  close(reason?: CloseReason): void
  /** Cuts the connection; what is queued is lost. onClose comes later, never from inside this call. */
  destroy(reason?: CloseReason): void
}

/** `1.2.3.4` for `::ffff:1.2.3.4`; other addresses as they are. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}
