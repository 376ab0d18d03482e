// What carries a client's octets: a TCP or TLS socket at the command line, a WebSocket in the browser. Handed in, so that
// nothing here needs `node:`.

import type { Bytes } from '#base'

export interface Transport {
  /** True when nobody on the way can read along: TLS, or a connection that stays in the machine. Only then is PLAIN used. */
  readonly secure: boolean
  /** Called once, before anything is written. */
  /** What binds a login to this TLS session (RFC 5056), the best kind that there is. Absent or undefined: nothing. */
  channelBinding?(): ChannelBinding | undefined
  start(handler: TransportHandler): void
  /** Octets are copied, or written before it returns. */
  write(octets: Bytes): void
  /** Begins TLS, checking that the server is `host`; rejects when it is not, or the handshake fails. Absent: it can't. */
  startTls?(host: string): Promise<void>
  close(): void
}

export interface ChannelBinding {
  readonly type: 'tls-exporter' | 'tls-server-end-point'
  readonly data: Bytes
}

/** Opens a transport. `location` is where the server sent us (`redirect-to-server`): `host` or `host:port`. */
export type Dial = (options: {
  readonly domain: string
  readonly location: string | undefined
  readonly signal: AbortSignal
}) => Promise<Transport>

export interface TransportHandler {
  /** A loan until it returns. */
  onData(octets: Bytes): void
  /** Called once; `reason` is for people. */
  onClose(reason: string): void
}
