// The client's end of a connection: requests out and their responses in, requests in and their responses out.

import { type Bytes, type Clock, randomId } from '#base'
import type { Condition } from '#model'
import { ownUnit } from '#wire/exchange'
import {
  type Body,
  Exchange,
  type Fields,
  type ImppRequest,
  type ImppResponse,
  reasonOf,
  requestBytes,
  responseBytes,
  sentenceOf,
  UnitFramer,
} from '../codec/index.ts'
import { ConnectionLost, Refused, refusalOf } from './failures.ts'
import type { Transport } from './transport.ts'

/** LIMIT: octets of a unit that this client takes, and requests of the server that it takes at a time. */
export const unitOctetsMax = 1_048_576
export const pendingMax = 64

/** LIMIT: requests of ours that wait until the server takes more. */
const queuedMax = 1000
const responseMilliseconds = 60_000

export type Answer = (wrong?: Condition) => void

export class ClientWire {
  readonly transport: Transport
  /** Takes a request of the server and answers it, at once or later; with what is wrong with it, if anything. */
  onRequest: (request: ImppRequest, answer: Answer) => void = (_request, answer) =>
    answer('operation-not-supported')
  /** Who we are once logged in: From and Connection-ID of every request (IMPP §19). */
  identity: { readonly url: string; readonly connectionId: string } | undefined
  /** Resolves when the connection is over, with why. */
  readonly closed: Promise<string>
  readonly #exchange: Exchange
  readonly #idPrefix = randomId(8)
  #framer: UnitFramer
  #lastId = 0
  #why: string | undefined
  #over = false
  #resolveClosed: (why: string) => void = () => {}

  constructor(transport: Transport, clock: Clock) {
    this.transport = transport
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
    this.#framer = freshFramer()
    const limits = { pendingMax: 16, queuedMax, timeout: responseMilliseconds }
    this.#exchange = new Exchange(clock, limits, (octets) => transport.write(octets))
    transport.start({ onData: (octets) => this.#read(octets), onClose: (why) => this.#end(why) })
  }

  /** Octets of a unit that the server takes (`Max-Message-Size`). */
  serverUnitOctetsMax = 65_536

  get isOver(): boolean {
    return this.#over
  }

  /** What the server said it takes at a time (`Max-Pending`). */
  set serverPendingMax(pending: number) {
    this.#exchange.limits.pendingMax = Math.max(1, pending)
  }

  /** Sends a request; its OK, octets of its own. Rejects with Refused or ConnectionLost. */
  request(method: string, fields: Fields, body?: Body): Promise<ImppResponse> {
    return this.ask(method, fields, body, ownUnit)
  }

  /** The same, with what `use` makes of the OK, a loan, before anything that came after it is read. */
  ask<T>(method: string, fields: Fields, body: Body | undefined, use: (ok: ImppResponse) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const id = `${this.#idPrefix}.${++this.#lastId}`
      const { identity } = this
      const from: Fields =
        identity === undefined
          ? []
          : [
              ['From', identity.url],
              ['Connection-ID', identity.connectionId],
            ]
      const key = { id, from: identity?.url, connectionId: identity?.connectionId }
      const octets = requestBytes(method, id, [...from, ...fields], body)
      // IMPP §12: exceeding what was stated is reason enough to be disconnected.
      if (octets.length > this.serverUnitOctetsMax) {
        const most = `the server takes ${this.serverUnitOctetsMax} octets, and this would be ${octets.length}`
        return reject(new Refused('message-too-large', most, undefined))
      }
      const taken = this.#exchange.request(key, [octets], (settled) => {
        if (settled === 'timeout') reject(new ConnectionLost(`the server does not answer ${method}`))
        else if (settled === 'closed') reject(new ConnectionLost(this.#why ?? 'the connection is over'))
        else if (settled.ok) attempt(() => use(settled), resolve, reject)
        else reject(refusalOf(settled))
      })
      if (!taken) reject(new ConnectionLost(this.#why ?? 'too many requests wait'))
    })
  }

  /** After TLS began: what was read before is no one's word. */
  restart(): void {
    this.#framer = freshFramer()
  }

  close(why: string): void {
    this.#why ??= why
    this.transport.close()
    this.#end(why)
  }

  #read(octets: Bytes): void {
    if (this.#over) return
    this.#framer.push(octets)
    for (let unit = this.#framer.next(); unit !== undefined; unit = this.#framer.next()) {
      if (this.#over) return
      if (unit.kind === 'request') this.#answer(unit)
      else if (unit.kind === 'response') this.#response(unit)
      else if (unit.fatal) return this.close('the server does not keep to the protocol')
    }
  }

  #response(response: ImppResponse): void {
    // docs/specs/impp-1.0.md §4 item 3: why the connection ends.
    if (response.id === '-') this.#why = response.headers.get('text') ?? response.headers.get('reason')
    else this.#exchange.respond(response)
  }

  #answer(request: ImppRequest): void {
    const { method, id } = request
    const to = request.headers.get('from')
    const connectionId = request.headers.get('connection-id')
    this.onRequest(request, (wrong) => {
      if (this.#over) return
      const fields: Fields = [
        ['To', to],
        ['Connection-ID', connectionId],
        ['Reason', wrong && reasonOf[wrong]],
        ['Text', wrong && sentenceOf[wrong]],
      ]
      this.transport.write(responseBytes(wrong === undefined, method, id, fields))
    })
  }

  #end(why: string): void {
    if (this.#over) return
    this.#over = true
    this.#why ??= why
    this.#exchange.close()
    this.#resolveClosed(this.#why)
  }
}

function attempt<T>(make: () => T, resolve: (made: T) => void, reject: (error: unknown) => void): void {
  try {
    resolve(make())
  } catch (error) {
    reject(error)
  }
}

function freshFramer(): UnitFramer {
  return new UnitFramer({ unitOctetsMax, discardOctetsMax: unitOctetsMax * 16 })
}
