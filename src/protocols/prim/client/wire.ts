// A client's end of a connection (docs/specs/prim.md §2, §3): requests of ours with their responses, requests of the server, TLS.

import type { Bytes, Clock, Timer } from '#base'
import type { CloseReason, Connection, ConnectionHandler, TlsContext } from '#net'
import { Exchange, ownUnit } from '#wire/exchange'
import {
  type Body,
  type Fields,
  type PrimRequest,
  type PrimResponse,
  requestBytes,
  responseBytes,
  statusOf,
  type Token,
  UnitFramer,
} from '../codec/index.ts'
import { ConnectionLost, Refused } from './failures.ts'

/** LIMIT: octets of a body that we take; the server is told (§5.4). */
export const bodyOctetsMax = 1_048_576
/** LIMIT: requests of ours that wait for their response, and for their turn; milliseconds that a response may take. */
const exchangeLimits = { pendingMax: 64, queuedMax: 1000, timeout: 30_000 }
/** After so many seconds without a word PING is sent, so that a dead connection is found (§4.5). */
const pingSeconds = 60

/** Answers a request of the server: a status. */
export type OnRequest = (request: PrimRequest) => number

export class ClientWire implements ConnectionHandler {
  readonly connection: Connection
  /** Why it is over, when it is. */
  readonly closed: Promise<string>
  onRequest: OnRequest = () => statusOf['operation-not-supported']
  readonly #clock: Clock
  readonly #exchange: Exchange<PrimResponse>
  #framer = new UnitFramer({ bodyOctetsMax })
  #secured: { readonly resolve: () => void; readonly reject: (error: Error) => void } | undefined
  #over = false
  #end: (why: string) => void = () => {}
  #ping: Timer | undefined
  #lastId = 0

  constructor(connection: Connection, clock: Clock) {
    this.connection = connection
    this.#clock = clock
    this.closed = new Promise((resolve) => {
      this.#end = resolve
    })
    this.#exchange = new Exchange(clock, exchangeLimits, (octets) => connection.write(octets))
    connection.start(this)
    this.#await()
  }

  /** The response, whatever its status. Rejects with ConnectionLost. */
  ask(method: string, token: Token, fields: Fields, body?: Body): Promise<PrimResponse> {
    return new Promise((resolve, reject) => {
      const id = String(++this.#lastId)
      const taken = this.#exchange.request(
        { id },
        [requestBytes(method, token, id, fields, body)],
        (settled) => {
          if (settled === 'timeout') reject(new ConnectionLost(`the server does not answer ${method}`))
          else if (settled === 'closed') reject(new ConnectionLost('the server closed the connection'))
          else resolve(ownUnit(settled))
        },
      )
      if (!taken) reject(new ConnectionLost('there is no connection'))
    })
  }

  /** The response, when it says yes. Rejects with Refused or ConnectionLost. */
  async request(method: string, token: Token, fields: Fields, body?: Body): Promise<PrimResponse> {
    const response = await this.ask(method, token, fields, body)
    if (response.status >= 300) throw new Refused(response.status)
    return response
  }

  /** Begins TLS as its client, and wants a certificate of `host`. What was said before is forgotten (§4.2). */
  startTls(context: TlsContext, host: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#secured = { resolve, reject }
      this.#framer = new UnitFramer({ bodyOctetsMax })
      // RFC 6066 §3: a name, never an address.
      const name = host.includes(':') || /^[\d.]+$/.test(host) ? {} : { servername: host }
      this.connection.startTls(context, { server: false, ...name })
    })
  }

  onData(octets: Bytes): void {
    // §4.2: what comes between the answer and the handshake is nobody's word.
    if (this.#secured !== undefined) return this.cut('octets came before the TLS handshake')
    this.#framer.push(octets)
    for (;;) {
      const unit = this.#over ? undefined : this.#framer.next()
      if (unit === undefined) return
      if (unit.kind === 'response') this.#exchange.respond(unit)
      else if (unit.kind === 'request') this.#answer(unit)
      else if (unit.fatal) return this.cut('the server does not keep to the protocol')
    }
  }

  onSecure(): void {
    const secured = this.#secured
    this.#secured = undefined
    const { tls } = this.connection
    if (tls?.authorized === true) return secured?.resolve()
    const why = `the server’s certificate is not trusted: ${tls?.authorizationError ?? 'there is none'}`
    secured?.reject(new ConnectionLost(why))
    this.cut(why)
  }

  onClose({ why, detail }: CloseReason): void {
    this.#finish(detail ?? closeTexts[why] ?? why)
  }

  /** Takes leave in order (§4.4). */
  close(): void {
    if (this.#over) return
    this.connection.write(requestBytes('LOGOUT', 'PRIM', '-', []))
    this.connection.close()
    this.#finish('we left')
  }

  cut(why: string): void {
    this.connection.destroy()
    this.#finish(why)
  }

  #answer(request: PrimRequest): void {
    if (request.method === 'LOGOUT') return this.cut('the server ended the session')
    const status = this.onRequest(request)
    if (request.id !== '-') this.connection.write(responseBytes(request.token, request.id, status, []))
  }

  #await(): void {
    const { bytesReceived } = this.connection
    this.#ping = this.#clock.schedule(pingSeconds * 1000, () => {
      if (this.connection.bytesReceived === bytesReceived && this.#secured === undefined)
        this.connection.write(requestBytes('PING', 'PRIM', '-', []))
      this.#await()
    })
  }

  #finish(why: string): void {
    if (this.#over) return
    this.#over = true
    this.#ping?.cancel()
    this.#secured?.reject(new ConnectionLost(`TLS failed: ${why}`))
    this.#secured = undefined
    this.#exchange.close()
    this.#end(why)
  }
}

const closeTexts: Readonly<Record<string, string>> = {
  us: 'we left',
  peer: 'the server closed the connection',
  reset: 'the connection broke',
}
