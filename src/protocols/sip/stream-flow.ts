// A connection as a flow: TCP, TLS, or a web socket (RFC 7118), where each SIP message is one message of its own.

import type { Bytes } from '#base'
import type { Connection, Endpoint, WebConnection } from '#net'
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

  send(octets: Bytes): boolean {
    if (!this.open || this.connection.closing) return false
    this.connection.write(octets)
    this.#web?.endMessage()
    return true
  }
}
