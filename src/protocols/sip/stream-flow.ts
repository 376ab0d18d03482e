// A connection as a flow: TCP, TLS, or a web socket (RFC 7118), where each SIP message is one message of its own.

import type { Bytes } from '#base'
import type { Connection, Endpoint, TlsInfo, WebConnection } from '#net'
import { framerLimits, StreamFramer } from './codec/framer.ts'
import type { Flow, TransportName } from './flow.ts'

export class StreamFlow implements Flow {
  readonly transport: TransportName
  readonly reliable = true
  readonly remote: Endpoint
  readonly sentBy: string
  readonly connection: Connection
  readonly framer = new StreamFramer(framerLimits)
  /** Clock.monotonic() when the message that is not whole yet began, or 0. */
  partialSince = 0
  /** Clock.monotonic() when the last message came, or it was opened: keep-alives count for nothing. */
  lastMessage: number
  known = false
  isWatched = false
  isOutward = false
  open = true
  readonly #web: WebConnection | undefined

  constructor(
    connection: Connection,
    transport: TransportName,
    sentBy: string,
    now: number,
    web?: WebConnection,
  ) {
    this.connection = connection
    this.transport = transport
    this.remote = connection.remote
    this.sentBy = sentBy
    this.lastMessage = now
    this.#web = web
  }

  get tls(): TlsInfo | undefined {
    return this.connection.tls
  }

  send(octets: Bytes): boolean {
    if (!this.open || this.connection.closing) return false
    this.connection.write(octets)
    this.#web?.endMessage()
    return true
  }
}

/** The keep-alive's answer (RFC 5626 §3.5.1). */
export const crlf = Buffer.from('\r\n')

/** CRLFs and nothing else. */
export function isBlank(octets: Bytes): boolean {
  for (let i = 0; i < octets.length; i++) if (octets[i] !== 13 && octets[i] !== 10) return false
  return true
}
