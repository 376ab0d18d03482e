// A flow, RFC 5626 §2: the way to one far end and back, over which requests and responses go. A UDP address and
// port, or one connection: TCP, TLS, or a web socket.

import type { Bytes } from '#base'
import type { Endpoint, TlsInfo } from '#net'

/** WS and WSS: web sockets, without and with TLS (RFC 7118 §5.1). */
export type TransportName = 'UDP' | 'TCP' | 'TLS' | 'WS' | 'WSS'

/** The transport has TLS from us to its far end (RFC 3261 §26.2.2). */
export const isSecureTransport = (transport: TransportName): boolean =>
  transport === 'TLS' || transport === 'WSS'

export interface Flow {
  readonly transport: TransportName
  /** RFC 3261 §17: whether the transport itself retransmits. */
  readonly reliable: boolean
  readonly remote: Endpoint
  /** Our side of it as Via and Contact name it: `host:port`. */
  readonly sentBy: string
  /** True once somebody on it has proved who they are, or answered a request of ours: strangers get less time, and small answers. */
  known: boolean
  /** It was asked to be heard of now and then (RFC 5626 §4.4.1, Flow-Timer). */
  isWatched?: boolean
  /** What is known of its TLS, where it has any. */
  readonly tls?: TlsInfo | undefined
  /** True where we opened it ourselves, to a server of another domain. */
  isOutward?: boolean
  /** False once its connection is over. */
  readonly open: boolean
  /** Sends one message, whose octets are given away; false when it is known not to arrive. */
  send(octets: Bytes): boolean
}

/** `host:port`, an IPv6 address in brackets. */
export function hostPort(host: string, port: number): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]:${port}` : `${host}:${port}`
}

/** The far end of a flow, so that two flows to it are seen as one. */
export const remoteKey = (flow: Flow): string =>
  `${flow.transport} ${flow.remote.address} ${flow.remote.port}`

export const sameRemote = (a: Flow, b: Flow): boolean =>
  a === b ||
  (a.transport === b.transport && a.remote.port === b.remote.port && a.remote.address === b.remote.address)
